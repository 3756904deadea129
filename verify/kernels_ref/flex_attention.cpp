// FlexAttention (ai.onnx.preview): attention whose scores and probabilities go through subgraphs of the node.
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct FlexAttrs {
  bool has_scale;
  float scale;
  DType softmax_type;           // undefined: float, for double double
  Graph *score_mod, *prob_mod;  // may be null
};

Tensor convert(const Tensor& x, DType t) { return x.dtype() == t ? x : narrow(t, x.dims(), widen<double>(x)); }

Tensor scaled(const Tensor& x, double factor) {
  std::vector<double> v = widen<double>(x);
  for (double& e : v) e *= factor;
  return narrow(x.dtype(), x.dims(), v);
}

Tensor swap_last_dims(const Tensor& x) {
  const int64_t rows = x.dims()[2], columns = x.dims()[3], planes = x.dims()[0] * x.dims()[1];
  const std::vector<double> v = widen<double>(x);
  std::vector<double> out(v.size());
  for (int64_t p = 0; p < planes; ++p)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c) out[at((p * columns + c) * rows + r)] = v[at((p * rows + r) * columns + c)];
  return narrow(x.dtype(), {x.dims()[0], x.dims()[1], columns, rows}, out);
}

// Every key/value head stands for a run of query heads.
Tensor repeat_heads(const Tensor& x, int64_t heads) {
  const int64_t given = x.dims()[1], size = x.dims()[2] * x.dims()[3];
  if (given == heads) return x;
  const std::vector<double> v = widen<double>(x);
  std::vector<double> out;
  out.reserve(at(x.dims()[0] * heads * size));
  for (int64_t b = 0; b < x.dims()[0]; ++b)
    for (int64_t h = 0; h < heads; ++h) {
      const auto from = v.begin() + (b * given + h / (heads / given)) * size;
      out.insert(out.end(), from, from + size);
    }
  return narrow(x.dtype(), {x.dims()[0], heads, x.dims()[2], x.dims()[3]}, out);
}

Tensor softmax_rows(const Tensor& x) {
  const int64_t n = x.dims().back();
  std::vector<double> v = widen<double>(x);
  for (auto row = v.begin(); n > 0 && row != v.end(); row += n) {
    double top = -HUGE_VAL, sum = 0;
    for (auto e = row; e != row + n; ++e) top = *e > top || *e != *e ? *e : top;
    for (auto e = row; e != row + n; ++e) sum += * e = std::exp(*e - top);
    for (auto e = row; e != row + n; ++e) *e /= sum;
  }
  return narrow(x.dtype(), x.dims(), v);
}

Tensor modify(const ExecEnv& env, Graph* graph, const Tensor& x, const char* name) {
  if (!graph) return x;
  const std::vector<RtValue> out = env.run_subgraph(*graph, {x});
  if (out.size() != 1 || !out[0].is_tensor()) bad_input(fmt::format("{} must give one tensor", name));
  const Tensor& y = out[0].tensor();
  if (y.dims() != x.dims() || y.dtype() != x.dtype())
    bad_input(fmt::format("{} makes {} {} of {} {}", name, dtype_name(y.dtype()), dims_text(y.dims()), dtype_name(x.dtype()), dims_text(x.dims())));
  return y;
}

void run_flex_attention(KernelIo& io, const ExecEnv& env, const FlexAttrs& a) {
  const Tensor &q = io.in(0), &k = io.in(1), &v = io.in(2);
  const auto fail = [&] { bad_input(fmt::format("Q {}, K {}, V {}", dims_text(q.dims()), dims_text(k.dims()), dims_text(v.dims()))); };
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4) fail();
  const int64_t heads = q.dims()[1], kv_heads = k.dims()[1];
  if (k.dims()[0] != q.dims()[0] || v.dims()[0] != q.dims()[0] || v.dims()[1] != kv_heads || v.dims()[2] != k.dims()[2] ||
      k.dims()[3] != q.dims()[3] || kv_heads < 1 || heads % kv_heads != 0)
    fail();
  const DType type = q.dtype();
  const DType inner = a.softmax_type != DType::undefined ? a.softmax_type : type == DType::float64 ? DType::float64 : DType::float32;
  // Both operands are scaled by the root, in float, rounded to the type.
  const float scale = a.has_scale ? a.scale : 1.0f / std::sqrt(static_cast<float>(q.dims()[3]));
  if (!(scale >= 0)) bad_input(fmt::format("attribute 'scale' is {}", scale));
  const double root = widen<double>(narrow(type, {1}, std::vector<double>{std::sqrt(scale)}))[0];
  const Tensor scores = matmul(scaled(q, root), swap_last_dims(scaled(repeat_heads(k, heads), root)));
  const Tensor probabilities = softmax_rows(modify(env, a.score_mod, convert(scores, inner), "score_mod"));
  const Tensor weights = modify(env, a.prob_mod, probabilities, "prob_mod");
  io.set(0, convert(matmul(weights, convert(repeat_heads(v, heads), inner)), v.dtype()));
}

Graph* optional_graph(const OpCall& call, std::string_view name) {
  const auto* g = call.attrs->get<std::shared_ptr<Graph>>(name);
  if (!g) return nullptr;
  if (!*g || (*g)->inputs().size() != 1 || (*g)->outputs().size() != 1)
    bad_input(fmt::format("attribute '{}' must be a graph with one input and one output", name));
  return g->get();
}
Maybe<RunFn> prepare_flex_attention(const OpCall& call, ExecEnv& env) {
  const int64_t type = attr_or<int64_t>(call, "softmax_precision", 0);
  const DType t = is_known_dtype(type) ? static_cast<DType>(type) : DType::undefined;
  if (has_attr(call, "softmax_precision") && t != DType::float32 && t != DType::float64 && t != DType::float16 && t != DType::bfloat16)
    bad_input(fmt::format("attribute 'softmax_precision': {}", type));
  const FlexAttrs a{has_attr(call, "scale"), attr_or<float>(call, "scale", 0), t, optional_graph(call, "score_mod"),
                    optional_graph(call, "prob_mod")};
  return RunFn([a, &env](KernelIo& io) { run_flex_attention(io, env, a); });
}

constexpr Kernel kKernels[] = {{"ai.onnx.preview", "FlexAttention", 1, kAnyVersion, prepare_flex_attention}};

}  // namespace

std::span<const Kernel> flex_attention_kernels() { return kKernels; }

}  // namespace onnxopt::ref
