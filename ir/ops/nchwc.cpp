#include "ir/ops/nchwc.h"

#include <fmt/format.h>

namespace onnxopt {
namespace {

using std::int64_t;

// What ONNX Runtime's MlasNchwcGetBlockSize gives here.
int64_t block_of_this_machine() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") ? 16 : 8;
#else
  return 16;
#endif
}

void check_float4(const Tensor& t, const char* what) {
  if (t.dtype() != DType::float32 || t.rank() != 4) bad_input(fmt::format("{} is no float32 tensor of rank 4", what));
}

// Which of the two block sizes an operator allows; both: it does not tell.
struct Fits {
  bool b8 = true, b16 = true;
  bool certain() const { return b8 != b16; }
  void aligned(int64_t channels) {
    b8 = b8 && channels % 8 == 0;
    b16 = b16 && channels % 16 == 0;
  }
  void padded(int64_t channels, int64_t to) {
    b8 = b8 && nchwc_aligned(channels, 8) == to;
    b16 = b16 && nchwc_aligned(channels, 16) == to;
  }
};

bool is_nchwc(const Node* n) { return n && n->op().domain == kNchwcDomain; }
bool blocked_by(const Value* v) { return v && is_nchwc(v->producer()) && v->producer()->op().name != "ReorderOutput"; }

Fits fits_of_conv(const Node& n) {
  Fits f;
  const Tensor* w = n.input(1) ? n.input(1)->constant() : nullptr;
  if (!w || w->rank() != 4) return f;
  f.aligned(w->dims()[0]);
  const int64_t in = w->dims()[1];
  if (n.attr_or<int64_t>("group", 1) != 1) return f;
  if (blocked_by(n.input(0))) f.aligned(in);
  else if (!n.input(0)->producer() || n.input(0)->producer()->op().name == "ReorderOutput") f.b8 = f.b8 && in < 8;
  return f;
}

Fits fits_of(const Node& n) {
  Fits f;
  if (is_nchwc(&n) && n.op().name == "Conv") return fits_of_conv(n);
  if (is_nchwc(&n) && n.op().name == "ReorderOutput") {
    const Node* from = n.input(0) ? n.input(0)->producer() : nullptr;
    const Tensor* w = is_nchwc(from) && from->op().name == "Conv" && from->input(1) ? from->input(1)->constant() : nullptr;
    if (w && w->rank() == 4) f.padded(n.attr_or<int64_t>("channels", 0), w->dims()[0]);
  } else if (n.is("Reshape") && blocked_by(n.input(0)) && n.input(1) && n.input(1)->constant()) {
    const Tensor& to = *n.input(1)->constant();  // [0, C/b, 0, 0, b]: ONNX Runtime adds so where it does not know that shapes are equal
    if (to.dtype() == DType::int64 && to.size() == 5) f = {to.data<int64_t>()[4] == 8, to.data<int64_t>()[4] == 16};
  }
  return f;
}

}  // namespace

NchwcBlock nchwc_block(Model& m) {
  NchwcBlock r{block_of_this_machine(), false};
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      if (r.certain) return;
      for (const Node& n : g.nodes())
        if (const Fits f = fits_of(n); f.certain()) {
          r = {f.b8 ? 8 : 16, true};
          return;
        }
    });
  return r;
}

NchwcFilter nchwc_filter_kind(const Dims& w, int64_t groups, int64_t block) {
  const bool depthwise = groups > 1 && w[1] == 1 && w[0] == groups;
  return {depthwise || w[1] >= block, depthwise};
}

int64_t nchwc_aligned(int64_t channels, int64_t block) { return (channels + block - 1) / block * block; }

Tensor nchwc_to_plain(const Tensor& blocked, int64_t b) {
  check_float4(blocked, "a tensor in blocked layout");
  const Dims& d = blocked.dims();
  if (d[1] % b != 0) bad_input(fmt::format("{} channels are no whole blocks of {}", d[1], b));
  const int64_t area = d[2] * d[3];
  std::vector<float> out(static_cast<std::size_t>(blocked.size()));
  const float* in = blocked.data<float>().data();
  for (int64_t block = 0; block < d[0] * d[1] / b; ++block)
    for (int64_t i = 0; i < area; ++i)
      for (int64_t c = 0; c < b; ++c) out[static_cast<std::size_t>((block * b + c) * area + i)] = *in++;
  return Tensor::of<float>(d, out);
}

Tensor plain_to_nchwc(const Tensor& plain, int64_t b) {
  check_float4(plain, "a tensor to be blocked");
  Dims d = plain.dims();
  const int64_t channels = d[1], area = d[2] * d[3];
  d[1] = nchwc_aligned(channels, b);
  std::vector<float> out(static_cast<std::size_t>(d[0] * d[1] * area));
  const float* in = plain.data<float>().data();
  for (int64_t n = 0; n < d[0]; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < area; ++i) out[static_cast<std::size_t>(n * d[1] * area + (c / b * area + i) * b + c % b)] = *in++;
  return Tensor::of<float>(d, out);
}

Tensor nchwc_filter_to_plain(const Tensor& w, int64_t groups, int64_t b) {
  check_float4(w, "a filter");
  const Dims& d = w.dims();
  const NchwcFilter kind = nchwc_filter_kind(d, groups, b);
  const int64_t bi = kind.blocked_input && !kind.depthwise ? b : 1, kernel = d[2] * d[3];
  if (d[0] % b != 0 || d[1] % bi != 0) bad_input(fmt::format("a filter of {} x {} channels is no whole blocks of {}", d[0], d[1], b));
  std::vector<float> out(static_cast<std::size_t>(w.size()));
  const float* in = w.data<float>().data();
  for (int64_t o = 0; o < d[0]; o += b)
    for (int64_t i = 0; i < d[1]; i += bi)
      for (int64_t k = 0; k < kernel; ++k)
        for (int64_t ii = 0; ii < bi; ++ii)
          for (int64_t oo = 0; oo < b; ++oo) out[static_cast<std::size_t>(((o + oo) * d[1] + i + ii) * kernel + k)] = *in++;
  return Tensor::of<float>(d, out);
}

}  // namespace onnxopt
