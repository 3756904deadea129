// Attention and RotaryEmbedding (ai.onnx). Attention-25: masks compose as an additive bias of 0 and -inf; a row without any allowed key gives zeros.
// Types of 16 bits are rounded where the operator's function body rounds: scaled operands, scores, probabilities.
#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/broadcast.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/gemm.h"
#include "verify/kernels_ref/stack.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct AttentionAttrs {
  bool causal = false, has_scale = false;
  double scale = 0, softcap = 0;
  int64_t q_heads = 0, kv_heads = 0, output_mode = 0, left = -1, right = -1;
  DType softmax_type = DType::undefined;
};

// Rounds values to a type and back.
void round_values(DType t, std::vector<double>& v) {
  if (t == DType::float64) return;
  Buffer b(t, {static_cast<int64_t>(v.size())});
  store_block<double>(t, b.bytes(), 0, b.size(), v.data());
  load_block<double>(t, b.bytes(), 0, b.size(), v.data());
}

// [batch, sequence, heads * size] to [batch, heads, sequence, size]; four dims stay.
Tensor split_heads(const Tensor& x, int64_t heads) {
  if (x.rank() == 4) return x;
  if (x.rank() != 3 || heads < 1 || x.dims()[2] % heads != 0) bad_input(fmt::format("{} heads for an input {}", heads, dims_text(x.dims())));
  const int64_t b = x.dims()[0], s = x.dims()[1], size = x.dims()[2] / heads;
  std::vector<double> in = widen<double>(x), out(in.size());
  for (int64_t i = 0; i < b; ++i)
    for (int64_t t = 0; t < s; ++t)
      for (int64_t h = 0; h < heads; ++h)
        std::copy_n(in.begin() + ((i * s + t) * heads + h) * size, size, out.begin() + ((i * heads + h) * s + t) * size);
  return narrow(x.dtype(), {b, heads, s, size}, out);
}

struct Problem {
  int64_t batch, heads, kv_heads, queries, keys, size, v_size;
  int64_t scores() const { return batch * heads * queries * keys; }
};

// What is added for a mask, in the type of the query; one that is shorter than the keys hides those behind its end.
Tensor added_mask(const Problem& p, DType t, const Tensor& mask) {
  std::vector<double> v = widen<double>(mask);
  if (mask.dtype() == DType::boolean)
    for (double& e : v) e = e != 0 ? 0 : -HUGE_VAL;
  const Tensor m = narrow(t, mask.dims(), v);
  const int64_t missing = p.keys - (m.rank() ? m.dims().back() : 0);
  if (m.rank() == 0 || missing <= 0 || m.dims().back() == 1) return m;
  Dims pad = m.dims();
  pad.back() = missing;
  return concat({m, narrow(t, pad, std::vector<double>(at(element_count(pad)), -HUGE_VAL))}, m.rank() - 1);
}

// The additive bias [batch, heads, queries, keys] of mask, causality, window and padding.
std::vector<double> make_bias(const AttentionAttrs& a, const Problem& p, DType t, const Tensor* mask, const Ints& nonpad, int64_t past) {
  std::vector<double> bias(at(p.scores()));
  if (mask) {
    const Tensor m = added_mask(p, t, *mask);
    const std::vector<double> v = widen<double>(m);
    const Dims full{p.batch, p.heads, p.queries, p.keys};
    if (broadcast(full, m.dims()) != full) bad_input(fmt::format("attn_mask {} does not broadcast to {}", dims_text(mask->dims()), dims_text(full)));
    const Dims* shapes[] = {&full, &m.dims()};
    const BroadcastLoop loop(shapes);
    const int64_t step = loop.strides.back()[1];
    loop.for_rows(0, loop.rows(), [&](int64_t to, const auto& o) {
      for (int64_t i = 0; i < loop.row(); ++i) bias[at(to + i)] = v[at(o[1] + i * step)];
    });
  }
  for (int64_t b = 0; b < p.batch; ++b) {
    const int64_t valid = nonpad.empty() ? p.keys : nonpad[at(b)], offset = nonpad.empty() ? past : valid - p.queries;
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t q = 0; q < p.queries; ++q)
        for (int64_t k = 0; k < p.keys; ++k) {
          const int64_t distance = q + offset - k;
          const bool allowed =
              k < valid && (!a.causal || distance >= 0) && (a.left < 0 || distance <= a.left) && (a.right < 0 || -distance <= a.right);
          if (!allowed) bias[at(((b * p.heads + h) * p.queries + q) * p.keys + k)] = -HUGE_VAL;
        }
  }
  return bias;
}

// In place; a row whose bias is all -inf becomes zeros.
void softmax_rows(const Problem& p, DType t, std::vector<double>& scores, const std::vector<double>& bias) {
  const bool rounded = bit_width(t) == 16;
  std::vector<double> row(at(p.keys));
  for (int64_t r = 0; r < p.batch * p.heads * p.queries; ++r) {
    const double* b = bias.data() + r * p.keys;
    double* s = scores.data() + r * p.keys;
    if (std::all_of(b, b + p.keys, [](double e) { return e == -HUGE_VAL; })) {
      std::fill(s, s + p.keys, 0.0);
      continue;
    }
    double top = -HUGE_VAL;
    for (int64_t k = 0; k < p.keys; ++k) top = s[k] > top || s[k] != s[k] ? s[k] : top;
    for (int64_t k = 0; k < p.keys; ++k) row[at(k)] = s[k] - top;
    if (rounded) round_values(t, row);
    for (double& e : row) e = std::exp(e);
    if (rounded) round_values(t, row);
    std::vector<double> sum(1);
    for (double e : row) sum[0] += e;
    if (rounded) round_values(t, sum);
    for (int64_t k = 0; k < p.keys; ++k) s[k] = row[at(k)] / sum[0];
  }
}

// Products of every batch and head: left [rows, inner] times right [inner, columns], right possibly transposed; kv heads are shared by groups.
template <class Right>
void head_products(const Problem& p, DType t, const std::vector<double>& left, const std::vector<double>& right, int64_t rows, int64_t inner,
                   int64_t columns, std::vector<double>& out, Right matrix_of) {
  const std::vector<float> lf = t == DType::float64 ? std::vector<float>() : std::vector<float>(left.begin(), left.end());
  const std::vector<float> rf = t == DType::float64 ? std::vector<float>() : std::vector<float>(right.begin(), right.end());
  const int64_t group = p.heads / p.kv_heads;
  parallel_for(p.batch * p.heads, 0.2 * static_cast<double>(rows * inner * columns), [&](int64_t from, int64_t to) {
    std::vector<float> c(at(rows * columns));
    for (int64_t i = from; i < to; ++i) {
      const int64_t kv = i / p.heads * p.kv_heads + i % p.heads / group;
      if (t == DType::float64) {
        const auto m = matrix_of(right.data() + kv * inner * columns);
        gemm_plain<double>(rows, columns, inner, {left.data() + i * rows * inner, inner, 1}, {m.data, m.row, m.column},
                           out.data() + i * rows * columns, columns);
        continue;
      }
      gemm(rows, columns, inner, Matrix<float>{lf.data() + i * rows * inner, inner, 1}, matrix_of(rf.data() + kv * inner * columns), c.data(),
           columns, {.threaded = false});
      std::copy(c.begin(), c.end(), out.begin() + i * rows * columns);
    }
  });
}

// softcap * tanh(scores / softcap), each step rounded as the function body rounds it.
void cap(std::vector<double>& scores, double softcap, DType t) {
  if (softcap <= 0) return;
  for (double& e : scores) e /= softcap;
  round_values(t, scores);
  for (double& e : scores) e = std::tanh(e);
  round_values(t, scores);
  for (double& e : scores) e *= softcap;
  round_values(t, scores);
}

// [batch, heads, queries, size] -> [batch, queries, heads, size]
std::vector<double> join_heads(const Problem& p, const std::vector<double>& x) {
  std::vector<double> joined(x.size());
  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t h = 0; h < p.heads; ++h)
      for (int64_t s = 0; s < p.queries; ++s)
        std::copy_n(x.begin() + ((b * p.heads + h) * p.queries + s) * p.v_size, p.v_size,
                    joined.begin() + ((b * p.queries + s) * p.heads + h) * p.v_size);
  return joined;
}

void run_attention(KernelIo& io, const AttentionAttrs& a) {
  const bool flat = io.in(0).rank() == 3;
  const Tensor q = split_heads(io.in(0), a.q_heads);
  Tensor k = split_heads(io.in(1), a.kv_heads), v = split_heads(io.in(2), a.kv_heads);
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4) bad_input("Q, K and V must all have three or four dimensions");
  int64_t past = 0;
  if (io.has(4) != io.has(5)) bad_input("past_key and past_value must be given together");
  if (io.has(4)) {
    if (io.in(4).rank() != 4 || io.in(5).rank() != 4) bad_input("past_key and past_value must have four dimensions");
    past = io.in(4).dims()[2];
    k = concat({io.in(4), k}, 2);
    v = concat({io.in(5), v}, 2);
  }
  const Problem p{q.dims()[0], q.dims()[1], k.dims()[1], q.dims()[2], k.dims()[2], q.dims()[3], v.dims()[3]};
  if (k.dims()[0] != p.batch || v.dims()[0] != p.batch || v.dims()[1] != p.kv_heads || v.dims()[2] != p.keys || k.dims()[3] != p.size ||
      p.kv_heads < 1 || p.heads % p.kv_heads != 0)
    bad_input(fmt::format("Q {}, K {}, V {}", dims_text(q.dims()), dims_text(k.dims()), dims_text(v.dims())));
  const Ints nonpad = io.has(6) ? ints_of(io.in(6)) : Ints();
  if (!nonpad.empty() && static_cast<int64_t>(nonpad.size()) != p.batch)
    bad_input(fmt::format("{} entries of nonpad_kv_seqlen for a batch of {}", nonpad.size(), p.batch));
  const DType t = q.dtype();
  std::vector<double> scale{std::sqrt(a.has_scale ? a.scale : 1 / std::sqrt(static_cast<double>(p.size)))};
  round_values(t, scale);
  std::vector<double> vq = widen<double>(q), vk = widen<double>(k), scores(at(p.scores()));
  for (double& e : vq) e *= scale[0];
  for (double& e : vk) e *= scale[0];
  round_values(t, vq);
  round_values(t, vk);
  head_products(p, t, vq, vk, p.queries, p.size, p.keys, scores, [&]<class T>(const T* m) { return Matrix<T>{m, 1, p.size}; });
  round_values(t, scores);
  const Dims score_dims{p.batch, p.heads, p.queries, p.keys};
  const bool want_scores = io.num_outputs() > 3;
  if (want_scores && a.output_mode == 0) io.set(3, narrow(t, score_dims, scores));
  cap(scores, a.softcap, t);
  if (want_scores && a.output_mode == 1) io.set(3, narrow(t, score_dims, scores));
  const std::vector<double> bias = make_bias(a, p, t, io.has(3) ? &io.in(3) : nullptr, nonpad, past);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += bias[i];
  round_values(t, scores);
  if (want_scores && a.output_mode == 2) io.set(3, narrow(t, score_dims, scores));
  const DType softmax_type = a.softmax_type == DType::undefined ? t : a.softmax_type;
  round_values(softmax_type, scores);
  softmax_rows(p, softmax_type, scores, bias);
  round_values(t, scores);
  if (want_scores && a.output_mode == 3) io.set(3, narrow(t, score_dims, scores));
  std::vector<double> out(at(p.batch * p.heads * p.queries * p.v_size));
  head_products(p, t, scores, widen<double>(v), p.queries, p.keys, p.v_size, out, [&]<class T>(const T* m) { return Matrix<T>{m, p.v_size, 1}; });
  io.set(1, k);
  io.set(2, v);
  if (!flat) return io.set(0, narrow(t, {p.batch, p.heads, p.queries, p.v_size}, out));
  io.set(0, narrow(t, {p.batch, p.queries, p.heads * p.v_size}, join_heads(p, out)));
}

Maybe<RunFn> prepare_attention(const OpCall& call, ExecEnv&) {
  AttentionAttrs a;
  a.causal = attr_or<int64_t>(call, "is_causal", 0) != 0;
  a.has_scale = has_attr(call, "scale");
  a.scale = attr_or<float>(call, "scale", 0);
  a.softcap = attr_or<float>(call, "softcap", 0);
  a.q_heads = attr_or<int64_t>(call, "q_num_heads", 0);
  a.kv_heads = attr_or<int64_t>(call, "kv_num_heads", 0);
  a.output_mode = attr_or<int64_t>(call, "qk_matmul_output_mode", 0);
  a.left = attr_or<int64_t>(call, "left_window_size", -1);
  a.right = attr_or<int64_t>(call, "right_window_size", -1);
  const int64_t type = attr_or<int64_t>(call, "softmax_precision", 0);
  if (type != 0 && (!is_known_dtype(type) || !is_float(static_cast<DType>(type)))) bad_input(fmt::format("attribute 'softmax_precision': {}", type));
  a.softmax_type = static_cast<DType>(type);
  return RunFn([a](KernelIo& io) { run_attention(io, a); });
}

struct RotaryAttrs {
  bool interleaved;
  int64_t heads, dim;
};

// cos and sin caches: [positions, dim / 2] with position ids, [batch, sequence, dim / 2] without. Of wider caches, which tests of ONNX 1.18 have, the
// first columns count, as the function body says.
void run_rotary(KernelIo& io, const RotaryAttrs& a) {
  const Tensor& x = io.in(0);
  const bool flat = x.rank() == 3;
  if (!flat && x.rank() != 4) bad_input(fmt::format("the input is {}", dims_text(x.dims())));
  const int64_t batch = x.dims()[0], heads = flat ? a.heads : x.dims()[1], steps = x.dims()[flat ? 1 : 2];
  if (flat && (heads < 1 || x.dims()[2] % heads != 0)) bad_input(fmt::format("{} heads for an input {}", heads, dims_text(x.dims())));
  const int64_t size = flat ? x.dims()[2] / heads : x.dims()[3], dim = a.dim == 0 ? size : a.dim, half = dim / 2;
  if (dim > size || dim % 2 != 0) bad_input(fmt::format("rotary dimension {} of heads of {}", dim, size));
  const Tensor &cosines = io.in(1), &sines = io.in(2);
  const Ints ids = io.has(3) ? ints_of(io.in(3)) : Ints();
  const int64_t width = cosines.rank() == 0 ? 0 : cosines.dims().back(), rows = width == 0 ? 0 : cosines.size() / width;
  if (cosines.dims() != sines.dims() || cosines.dims().empty() || width < half ||
      (ids.empty() ? rows != batch * steps : static_cast<int64_t>(ids.size()) != batch * steps))
    bad_input(fmt::format("caches {} and {} for an input {}", dims_text(cosines.dims()), dims_text(sines.dims()), dims_text(x.dims())));
  const std::vector<double> c = widen<double>(cosines), s = widen<double>(sines);
  std::vector<double> v = widen<double>(x);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t t = 0; t < steps; ++t) {
      const int64_t row = ids.empty() ? b * steps + t : ids[at(b * steps + t)];
      if (row < 0 || row >= rows) bad_input(fmt::format("position id {} of {}", row, rows));
      for (int64_t h = 0; h < heads; ++h) {
        double* e = v.data() + (flat ? ((b * steps + t) * heads + h) * size : ((b * heads + h) * steps + t) * size);
        for (int64_t i = 0; i < half; ++i) {
          double& one = e[a.interleaved ? 2 * i : i];
          double& two = e[a.interleaved ? 2 * i + 1 : i + half];
          const double cosine = c[at(row * width + i)], sine = s[at(row * width + i)], real = cosine * one - sine * two;
          two = sine * one + cosine * two;
          one = real;
        }
      }
    }
  io.set(0, narrow(x.dtype(), x.dims(), v));
}
Maybe<RunFn> prepare_rotary(const OpCall& call, ExecEnv&) {
  const RotaryAttrs a{attr_or<int64_t>(call, "interleaved", 0) != 0, attr_or<int64_t>(call, "num_heads", 0),
                      attr_or<int64_t>(call, "rotary_embedding_dim", 0)};
  return RunFn([a](KernelIo& io) { run_rotary(io, a); });
}

constexpr Kernel kKernels[] = {
    {"", "Attention", 23, kAnyVersion, prepare_attention},
    {"", "RotaryEmbedding", 23, kAnyVersion, prepare_rotary},
};

}  // namespace

std::span<const Kernel> attention_kernels() { return kKernels; }

}  // namespace onnxopt::ref
