// com.microsoft Attention, MultiHeadAttention, DecoderMaskedMultiHeadAttention and QAttention (onnxruntime docs/ContribOperators.md). Masks are
// added: padding as `mask_filter_value`, what causality forbids as the lowest float, as ONNX Runtime has it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/kernels_ref/contrib_heads.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/matmul.h"
#include "verify/kernels_ref/stack.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct Attrs {
  int64_t heads = 0;
  bool causal = false, shared_buffer = false, rotary = false;
  float scale = 0, filter = -10000;
  Ints sizes;  // of Q, K, V where they differ
};
Attrs read_attrs(const OpCall& call) {
  Attrs a;
  a.heads = attr<int64_t>(call, "num_heads");
  a.causal = attr_or<int64_t>(call, "unidirectional", 0) != 0;
  a.shared_buffer = attr_or<int64_t>(call, "past_present_share_buffer", 0) != 0;
  a.rotary = attr_or<int64_t>(call, "do_rotary", 0) != 0;
  a.scale = attr_or<float>(call, "scale", 0);
  a.filter = attr_or<float>(call, "mask_filter_value", -10000);
  a.sizes = attr_or<Ints>(call, "qkv_hidden_sizes", {});
  if (a.heads < 1) bad_input(fmt::format("attribute 'num_heads': {}", a.heads));
  return a;
}

struct Extent {
  int64_t batch, heads, queries, keys, past;
};

// Padding of one row of the batch: lengths [batch], [2 * batch] (ends, then starts) or [3 * batch + 2], else 0/1 values a key or a query and key.
void add_padding(const Extent& e, const Tensor& mask, float filter, std::vector<float>& out) {
  const Ints m = ints_of(mask);
  const auto hide = [&](int64_t b, int64_t q, int64_t k) { out[at((b * e.queries + q) * e.keys + k)] = filter; };
  const int64_t rank = mask.rank(), n = mask.size();
  if (rank == 1 && (n == e.batch || n == 2 * e.batch || n == 3 * e.batch + 2)) {
    for (int64_t b = 0; b < e.batch; ++b)
      for (int64_t k = 0; k < e.keys; ++k)
        if (k >= m[at(b)] || (n == 2 * e.batch && k < m[at(b + e.batch)]))
          for (int64_t q = 0; q < e.queries; ++q) hide(b, q, k);
    return;
  }
  const bool plain = rank == 2 && mask.dims() == Dims{e.batch, e.keys}, full = rank == 3 && mask.dims() == Dims{e.batch, e.queries, e.keys};
  // [batch, 1, longest, longest]: the rows and columns in question are cut out of it.
  const int64_t longest = rank == 4 ? mask.dims()[3] : 0;
  const bool square = rank == 4 && mask.dims() == Dims{e.batch, 1, longest, longest} && longest >= e.keys;
  if (!plain && !full && !square) bad_input(fmt::format("mask {} for {} queries and {} keys", dims_text(mask.dims()), e.queries, e.keys));
  for (int64_t b = 0; b < e.batch; ++b)
    for (int64_t q = 0; q < e.queries; ++q)
      for (int64_t k = 0; k < e.keys; ++k) {
        const int64_t i = plain ? b * e.keys + k : full ? (b * e.queries + q) * e.keys + k : (b * longest + e.keys - e.queries + q) * longest + k;
        if (m[at(i)] <= 0) hide(b, q, k);
      }
}

// What is added to the scores, [batch, heads, queries, keys]; empty: nothing.
std::vector<float> make_bias(const Extent& e, const Attrs& a, const Tensor* mask, const Tensor* extra) {
  const bool causal = a.causal && e.queries > 1;
  if (!mask && !extra && !causal) return {};
  std::vector<float> hidden(at(e.batch * e.queries * e.keys));
  if (mask) add_padding(e, *mask, a.filter, hidden);
  if (causal)
    for (int64_t b = 0; b < e.batch; ++b)
      for (int64_t q = 0; q < e.queries; ++q)
        for (int64_t k = e.past + q + 1; k < e.keys; ++k) hidden[at((b * e.queries + q) * e.keys + k)] = std::numeric_limits<float>::lowest();
  const std::vector<float> more = extra ? floats_of(*extra) : std::vector<float>();
  const int64_t grid = e.queries * e.keys;
  if (extra && (extra->rank() != 4 || (extra->dims()[0] != 1 && extra->dims()[0] != e.batch) ||
                (extra->dims()[1] != 1 && extra->dims()[1] != e.heads) || extra->dims()[2] != e.queries || extra->dims()[3] != e.keys))
    bad_input(fmt::format("attention_bias {} for {} queries and {} keys", dims_text(extra->dims()), e.queries, e.keys));
  std::vector<float> out(at(e.batch * e.heads * grid));
  for (int64_t b = 0; b < e.batch; ++b)
    for (int64_t h = 0; h < e.heads; ++h) {
      const int64_t from = extra ? ((extra->dims()[0] == 1 ? 0 : b) * extra->dims()[1] + (extra->dims()[1] == 1 ? 0 : h)) * grid : 0;
      for (int64_t i = 0; i < grid; ++i) out[at((b * e.heads + h) * grid + i)] = hidden[at(b * grid + i)] + (extra ? more[at(from + i)] : 0.0f);
    }
  return out;
}
const Tensor* optional_in(const KernelIo& io, std::size_t i) { return io.has(i) ? &io.in(i) : nullptr; }

// Q, K and V side by side: [batch, length, q + k + v] to heads.
std::array<Heads, 3> split_qkv(const Tensor& x, int64_t heads, const Ints& sizes) {
  std::array<Heads, 3> r;
  for (std::size_t i = 0, from = 0; i < 3; from += at(sizes[i++])) r[i] = split_heads(take(x, 2, static_cast<int64_t>(from), sizes[i]), heads);
  return r;
}

// Attention and QAttention behind the projection. `past` and `present`: [2, batch, heads, length, size].
void run_packed(KernelIo& io, const Attrs& a, const Tensor& projected, DType t, std::size_t mask, std::size_t past, std::size_t extra) {
  if (a.shared_buffer || a.rotary) bad_input("past_present_share_buffer and do_rotary are not run here");
  const int64_t width = projected.dims()[2];
  const Ints sizes = a.sizes.empty() ? Ints{width / 3, width / 3, width / 3} : a.sizes;
  if (sizes.size() != 3 || sizes[0] < 1 || sizes[0] != sizes[1] || sizes[2] < 1 || sizes[0] + sizes[1] + sizes[2] != width)
    bad_input(fmt::format("Q, K and V of {} in a projection of {}", fmt::join(sizes, ", "), width));
  auto [q, k, v] = split_qkv(projected, a.heads, sizes);
  int64_t before = 0;
  if (io.has(past)) {
    const Tensor& p = io.in(past);
    if (p.rank() != 5 || p.dims()[0] != 2) bad_input(fmt::format("past {}", dims_text(p.dims())));
    before = p.dims()[3];
    k = append_heads(split_heads(select(p, 0, 0), a.heads), k);
    v = append_heads(split_heads(select(p, 0, 1), a.heads), v);
  }
  const Extent e{q.batch, q.heads, q.length, k.length, before};
  const std::vector<float> bias = make_bias(e, a, optional_in(io, mask), extra == 0 ? nullptr : optional_in(io, extra));
  io.set(0, join_heads(attend(q, k, v, {.scale = a.scale, .bias = bias}).out, t));
  if (io.num_outputs() > 1) {
    if (k.size != v.size) bad_input("present needs heads of K and V of one size");
    io.set(1, stack({heads_tensor(k, t), heads_tensor(v, t)}, 0));
  }
}

Tensor add_row(const Tensor& x, const Tensor* bias) {
  std::vector<float> v = floats_of(x);
  if (bias) {
    const std::vector<float> b = floats_of(*bias);
    if (bias->size() != x.dims().back()) bad_input(fmt::format("bias {} for {}", dims_text(bias->dims()), dims_text(x.dims())));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] += b[i % b.size()];
  }
  return narrow(DType::float32, x.dims(), v);
}

Maybe<RunFn> prepare_attention(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_attrs(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 3) bad_input(fmt::format("the input is {}", dims_text(x.dims())));
    const Tensor wide = narrow(DType::float32, x.dims(), floats_of(x)), weights = narrow(DType::float32, io.in(1).dims(), floats_of(io.in(1)));
    run_packed(io, a, add_row(matmul(wide, weights), optional_in(io, 2)), x.dtype(), 3, 4, 5);
  });
}

Maybe<RunFn> prepare_qattention(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_attrs(call)](KernelIo& io) {
    const Tensor &x = io.in(0), &w = io.in(1);
    if (x.rank() != 3 || w.rank() != 2) bad_input(fmt::format("input {}, weights {}", dims_text(x.dims()), dims_text(w.dims())));
    std::vector<double> xs = widen<double>(x), ws = widen<double>(w);
    const double x_zero = io.has(6) ? scalar_of<double>(io.in(6)) : 0;
    const std::vector<double> w_zero = io.has(7) ? widen<double>(io.in(7)) : std::vector<double>{0};
    for (double& e : xs) e -= x_zero;
    for (std::size_t i = 0; i < ws.size(); ++i) ws[i] -= w_zero[i % w_zero.size()];
    const Tensor sums = matmul(narrow(DType::float64, x.dims(), xs), narrow(DType::float64, w.dims(), ws));
    std::vector<double> y = widen<double>(sums);
    const auto scale = scalar_of<float>(io.in(3));
    const std::vector<float> scales = floats_of(io.in(4));
    for (std::size_t i = 0; i < y.size(); ++i) y[i] *= static_cast<double>(scale * scales[i % scales.size()]);
    run_packed(io, a, add_row(narrow(DType::float32, sums.dims(), y), &io.in(2)), io.in(3).dtype(), 5, 8, 0);
  });
}

// Part `i` of `parts` of a packed [batch, length, heads, parts, size].
Heads unpack(const Tensor& x, int64_t i) {
  const Tensor part = select(x, 3, i);
  return split_heads(narrow(part.dtype(), {part.dims()[0], part.dims()[1], part.dims()[2] * part.dims()[3]}, widen<float>(part)), part.dims()[2]);
}

struct Qkv {
  Heads q, k, v;
};
Qkv read_qkv(const KernelIo& io, const Attrs& a, std::size_t bias_at) {
  const Tensor& q = io.in(0);
  Qkv r;
  if (!io.has(1)) {
    if (q.rank() == 5 && q.dims()[3] == 3) {
      r = {unpack(q, 0), unpack(q, 1), unpack(q, 2)};
    } else if (q.rank() == 3 && q.dims()[2] % 3 == 0) {
      auto [x, y, z] = split_qkv(q, a.heads, Ints(3, q.dims()[2] / 3));
      r = {std::move(x), std::move(y), std::move(z)};
    } else {
      bad_input(fmt::format("a packed query is {}", dims_text(q.dims())));
    }
  } else if (io.in(1).rank() == 5) {
    if (io.in(1).dims()[3] != 2) bad_input(fmt::format("packed keys and values are {}", dims_text(io.in(1).dims())));
    r = {split_heads(q, a.heads), unpack(io.in(1), 0), unpack(io.in(1), 1)};
  } else {
    r = {split_heads(q, a.heads), split_heads(io.in(1), a.heads), split_heads(io.in(2), a.heads)};
  }
  if (io.has(bias_at)) {
    const std::vector<float> b = floats_of(io.in(bias_at));
    const int64_t qk = r.q.heads * r.q.size;
    const bool cached = io.has(1) && io.in(1).rank() == 4;  // keys and values that already hold their bias
    if (static_cast<int64_t>(b.size()) != 2 * qk + r.v.heads * r.v.size) bad_input(fmt::format("bias {}", dims_text(io.in(bias_at).dims())));
    add_bias(r.q, b.data());
    if (!cached) add_bias(r.k, b.data() + qk), add_bias(r.v, b.data() + 2 * qk);
  }
  return r;
}

// Which beam every cached token came from: [batch, beams, longest].
Heads gather_beams(const Heads& cache, const Tensor& table) {
  if (table.rank() != 3 || table.dims()[0] * table.dims()[1] != cache.batch || table.dims()[2] < cache.length)
    bad_input(fmt::format("cache_indirection {}", dims_text(table.dims())));
  const Ints from = ints_of(table);
  const int64_t beams = table.dims()[1], longest = table.dims()[2];
  Heads r = cache;
  for (int64_t b = 0; b < cache.batch; ++b)
    for (int64_t l = 0; l + 1 < cache.length; ++l) {  // the newest token is each beam's own
      const int64_t beam = from[at(b * longest + l)];
      if (beam < 0 || beam >= beams) bad_input(fmt::format("cache_indirection names beam {} of {}", beam, beams));
      for (int64_t h = 0; h < cache.heads; ++h) std::copy_n(cache.row(b / beams * beams + beam, h, l), cache.size, r.row(b, h, l));
    }
  return r;
}

struct Layout {  // where inputs stand
  std::size_t bias, mask, extra, past, past_length, beams;
};
void run_multi_head(KernelIo& io, const Attrs& a, const Layout& at_input, bool wants_scores) {
  const DType t = io.in(0).dtype();
  Qkv x = read_qkv(io, a, at_input.bias);
  int64_t before = 0;
  Heads k = x.k, v = x.v;
  if (io.has(at_input.past)) {
    Heads past_k = split_heads(io.in(at_input.past), a.heads), past_v = split_heads(io.in(at_input.past + 1), a.heads);
    before = past_k.length;
    if (io.has(at_input.past_length)) {  // a buffer of which the first entries are in use; the new ones are written into it
      before = scalar_of<int64_t>(io.in(at_input.past_length));
      const int64_t total = before + x.k.length;
      if (before < 0 || total > past_k.length) bad_input(fmt::format("{} tokens in a cache of {}", total, past_k.length));
      const auto write = [&](Heads& cache, const Heads& now, Heads& used, std::size_t output) {
        used = Heads(now.batch, now.heads, total, now.size);
        for (int64_t b = 0; b < now.batch; ++b)
          for (int64_t h = 0; h < now.heads; ++h) {
            std::copy_n(now.row(b, h, 0), now.length * now.size, cache.row(b, h, before));
            std::copy_n(cache.row(b, h, 0), total * now.size, used.row(b, h, 0));
          }
        io.set(output, heads_tensor(cache, t));
      };
      write(past_k, x.k, k, 1);
      write(past_v, x.v, v, 2);
      if (io.has(at_input.beams)) k = gather_beams(k, io.in(at_input.beams)), v = gather_beams(v, io.in(at_input.beams));
    } else {
      k = append_heads(past_k, x.k);
      v = append_heads(past_v, x.v);
    }
  }
  if (!io.has(at_input.past_length)) {
    io.set(1, heads_tensor(k, t));
    io.set(2, heads_tensor(v, t));
  }
  const Extent e{x.q.batch, x.q.heads, x.q.length, k.length, before};
  const std::vector<float> bias = make_bias(e, a, optional_in(io, at_input.mask), optional_in(io, at_input.extra));
  const Attended y = attend(x.q, k, v, {.scale = a.scale, .bias = bias});
  io.set(0, join_heads(y.out, t));
  if (wants_scores) io.set(3, narrow(t, {e.batch, e.heads, e.queries, e.keys}, y.scores));
}
Maybe<RunFn> prepare_multi_head(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_attrs(call)](KernelIo& io) { run_multi_head(io, a, {3, 4, 5, 6, 8, 9}, io.num_outputs() > 3); });
}
Maybe<RunFn> prepare_decoder(const OpCall& call, ExecEnv&) {
  return RunFn([a = read_attrs(call)](KernelIo& io) { run_multi_head(io, a, {10, 3, 4, 5, 7, 9}, io.num_outputs() > 3); });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "Attention", 1, kAnyVersion, prepare_attention},
    {"com.microsoft", "QAttention", 1, kAnyVersion, prepare_qattention},
    {"com.microsoft", "MultiHeadAttention", 1, kAnyVersion, prepare_multi_head},
    {"com.microsoft", "DecoderMaskedMultiHeadAttention", 1, kAnyVersion, prepare_decoder},
};

}  // namespace

std::span<const Kernel> contrib_attention_kernels() { return kKernels; }

}  // namespace onnxopt::ref
