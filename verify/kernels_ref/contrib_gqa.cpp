// com.microsoft RotaryEmbedding, GemmaRotaryEmbedding, GroupQueryAttention and SparseAttention (onnxruntime docs/ContribOperators.md).
#include <algorithm>
#include <cmath>
#include <limits>

#include "verify/kernels_ref/contrib_heads.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/stack.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

struct RotaryCache {
  std::vector<float> cosines, sines;
  int64_t rows, half;
  RotaryCache(const Tensor& c, const Tensor& s) : cosines(floats_of(c)), sines(floats_of(s)), rows(0), half(0) {
    if (c.rank() != 2 || c.dims() != s.dims()) bad_input(fmt::format("caches {} and {}", dims_text(c.dims()), dims_text(s.dims())));
    rows = c.dims()[0];
    half = c.dims()[1];
  }
  // Rotates the first 2 * half elements of one head.
  void rotate(float* e, int64_t position, bool interleaved) const {
    if (position < 0 || position >= rows) bad_input(fmt::format("position {} of {}", position, rows));
    for (int64_t i = 0; i < half; ++i) {
      float &one = e[interleaved ? 2 * i : i], &two = e[interleaved ? 2 * i + 1 : i + half];
      const float c = cosines[at(position * half + i)], s = sines[at(position * half + i)], real = one * c - two * s;
      two = two * c + one * s;
      one = real;
    }
  }
};

// Positions: one number to start from, or one for every token.
int64_t position_of(const Ints& ids, int64_t b, int64_t l, int64_t length) { return ids.size() == 1 ? ids[0] + l : ids[at(b * length + l)]; }

void rotate_heads(Heads& x, const RotaryCache& cache, const Ints& ids, bool interleaved) {
  if (2 * cache.half > x.size) bad_input(fmt::format("rotary dimension {} of heads of {}", 2 * cache.half, x.size));
  if (ids.size() != 1 && static_cast<int64_t>(ids.size()) != x.batch * x.length)
    bad_input(fmt::format("{} position ids for {}x{} tokens", ids.size(), x.batch, x.length));
  for (int64_t b = 0; b < x.batch; ++b)
    for (int64_t h = 0; h < x.heads; ++h)
      for (int64_t l = 0; l < x.length; ++l) cache.rotate(x.row(b, h, l), position_of(ids, b, l, x.length), interleaved);
}

Maybe<RunFn> prepare_rotary(const OpCall& call, ExecEnv&) {
  return RunFn([interleaved = attr_or<int64_t>(call, "interleaved", 0) != 0, heads = attr_or<int64_t>(call, "num_heads", 0),
                dim = attr_or<int64_t>(call, "rotary_embedding_dim", 0)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const RotaryCache cache(io.in(2), io.in(3));
    const int64_t width = x.dims().empty() ? 0 : x.dims().back(), size = x.rank() == 4          ? width
                                                                         : dim > 0 && heads > 0 ? width / heads
                                                                                                : 2 * cache.half;
    if (size < 1 || width % size != 0) bad_input(fmt::format("heads of {} in {}", size, dims_text(x.dims())));
    Heads h = split_heads(x, heads > 0 ? heads : width / size);
    rotate_heads(h, cache, ints_of(io.in(1)), interleaved);
    io.set(0, x.rank() == 4 ? heads_tensor(h, x.dtype()) : join_heads(h, x.dtype()));
  });
}

// emb [b, s, d], q and q_rot, k and k_rot [b, n, s, d]: q * cos(emb) + q_rot * sin(emb), k alike.
void run_gemma_rotary(KernelIo& io) {
  const Tensor& emb = io.in(0);
  const std::vector<float> angles = floats_of(emb);
  for (std::size_t i = 0; i < 2; ++i) {
    const Tensor &x = io.in(1 + 2 * i), &turned = io.in(2 + 2 * i);
    if (emb.rank() != 3 || x.rank() != 4 || x.dims() != turned.dims() || x.dims()[0] != emb.dims()[0] || x.dims()[2] != emb.dims()[1] ||
        x.dims()[3] != emb.dims()[2])
      bad_input(fmt::format("emb {}, inputs {} and {}", dims_text(emb.dims()), dims_text(x.dims()), dims_text(turned.dims())));
    std::vector<float> v = floats_of(x);
    const std::vector<float> r = floats_of(turned);
    const int64_t plane = emb.dims()[1] * emb.dims()[2], heads = x.dims()[1];
    for (int64_t e = 0; e < x.size(); ++e) {
      const float angle = angles[at(e / (plane * heads) * plane + e % plane)];
      v[at(e)] = v[at(e)] * std::cos(angle) + r[at(e)] * std::sin(angle);
    }
    io.set(i, narrow(x.dtype(), x.dims(), v));
  }
}

struct GroupAttrs {
  int64_t heads, kv_heads, window, qk_output;
  float scale, softcap;
  bool rotary, interleaved, smooth, causal;
};

// Query, key and value, also packed side by side in the query.
struct Qkv {
  Heads q, k, v;
};
Qkv read_qkv(const KernelIo& io, int64_t heads, int64_t kv_heads) {
  const Tensor& q = io.in(0);
  if (io.has(1)) {
    Qkv x{split_heads(q, heads), split_heads(io.in(1), kv_heads), split_heads(io.in(2), kv_heads)};
    for (const Heads* h : {&x.k, &x.v})
      if (h->batch != x.q.batch || h->length != x.q.length)
        bad_input(fmt::format("a query {}, a key {}, a value {}", dims_text(q.dims()), dims_text(io.in(1).dims()), dims_text(io.in(2).dims())));
    return x;
  }
  if (q.rank() != 3 || heads < 1 || kv_heads < 1 || q.dims()[2] % (heads + 2 * kv_heads) != 0)
    bad_input(fmt::format("a packed query is {}", dims_text(q.dims())));
  const int64_t size = q.dims()[2] / (heads + 2 * kv_heads);
  return {split_heads(take(q, 2, 0, heads * size), heads), split_heads(take(q, 2, heads * size, kv_heads * size), kv_heads),
          split_heads(take(q, 2, (heads + kv_heads) * size, kv_heads * size), kv_heads)};
}

// The cache with `now` written behind the first past[b] rows of `cache`; `length` rows.
Heads extend_cache(const Heads* cache, const Heads& now, const Ints& past, int64_t length) {
  Heads r(now.batch, now.heads, length, now.size);
  if (cache && (cache->batch != now.batch || cache->heads != now.heads || cache->size != now.size)) bad_input("the cache does not fit the input");
  for (int64_t b = 0; b < now.batch; ++b)
    for (int64_t h = 0; h < now.heads; ++h) {
      if (cache) std::copy_n(cache->row(b, h, 0), past[at(b)] * now.size, r.row(b, h, 0));
      std::copy_n(now.row(b, h, 0), now.length * now.size, r.row(b, h, past[at(b)]));
    }
  return r;
}

// Tokens before this step for each row of the batch, from total lengths; and what positions the new ones have.
struct Steps {
  Ints past, total, positions;
};
Steps read_steps(const Ints& totals, int64_t longest, int64_t batch, int64_t length, const Heads* cache, int64_t capacity) {
  if (static_cast<int64_t>(totals.size()) != batch) bad_input(fmt::format("{} lengths for a batch of {}", totals.size(), batch));
  Steps s;
  const bool first = longest == length;
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t total = totals[at(b)], past = first ? 0 : total - length;
    if (past < 0 || past + length > capacity || total > capacity || (past > 0 && (!cache || past > cache->length)))
      bad_input(fmt::format("a total length of {} with {} new tokens in a cache of {}", total, length, capacity));
    s.past.push_back(past);
    s.total.push_back(total);
    for (int64_t l = 0; l < length; ++l) s.positions.push_back(first && l >= total ? 1 : past + l);  // padding of a first prompt stands at 1
  }
  return s;
}

void run_group(KernelIo& io, const GroupAttrs& a) {
  Qkv x = read_qkv(io, a.heads, a.kv_heads);
  const DType t = io.in(0).dtype();
  const bool cached = io.has(3);
  const Heads past_k = cached ? split_heads(io.in(3), a.kv_heads) : Heads(), past_v = cached ? split_heads(io.in(4), a.kv_heads) : Heads();
  Ints totals = ints_of(io.in(5));
  for (int64_t& n : totals) ++n;
  const int64_t longest = scalar_of<int64_t>(io.in(6)), capacity = std::max(longest, cached ? past_k.length : 0);
  if (longest > 1 << 24) bad_input(fmt::format("a total length of {}", longest));
  const Steps steps = read_steps(totals, longest, x.q.batch, x.q.length, cached ? &past_k : nullptr, capacity);
  if (a.rotary) {
    const RotaryCache cache(io.in(7), io.in(8));
    Ints ids = io.has(9) ? ints_of(io.in(9)) : steps.positions;
    if (io.has(9) && longest == x.q.length && ids.size() > 1) ids.erase(ids.begin() + 1, ids.end());  // a first prompt: only where it starts
    rotate_heads(x.q, cache, ids, a.interleaved);
    rotate_heads(x.k, cache, ids, a.interleaved);
  }
  const Heads k = extend_cache(cached ? &past_k : nullptr, x.k, steps.past, capacity),
              v = extend_cache(cached ? &past_v : nullptr, x.v, steps.past, capacity);
  io.set(1, heads_tensor(k, t));
  io.set(2, heads_tensor(v, t));
  std::vector<float> bias(at(x.q.batch * x.q.heads * x.q.length * capacity), -HUGE_VALF);
  const Tensor* extra = io.has(10) ? &io.in(10) : nullptr;
  const std::vector<float> more = extra ? floats_of(*extra) : std::vector<float>();
  if (extra && (extra->rank() != 4 || (extra->dims()[0] != 1 && extra->dims()[0] != x.q.batch) ||
                (extra->dims()[1] != 1 && extra->dims()[1] != a.heads) || extra->dims()[2] != x.q.length || extra->dims()[3] < longest))
    bad_input(fmt::format("attention_bias {} for {} queries and {} keys", dims_text(extra->dims()), x.q.length, longest));
  float* out = bias.data();
  for (int64_t b = 0; b < x.q.batch; ++b)
    for (int64_t h = 0; h < x.q.heads; ++h)
      for (int64_t l = 0; l < x.q.length; ++l, out += capacity) {
        const int64_t seen = a.causal ? steps.past[at(b)] + l + 1 : steps.total[at(b)];
        const int64_t from = a.window > 0 ? std::max<int64_t>(0, seen - a.window) : 0;
        const float* e =
            extra ? more.data() +
                        (((extra->dims()[0] == 1 ? 0 : b) * extra->dims()[1] + (extra->dims()[1] == 1 ? 0 : h)) * x.q.length + l) * extra->dims()[3]
                  : nullptr;
        for (int64_t i = from; i < seen; ++i) out[i] = e ? e[i] : 0;
      }
  std::vector<float> sink;
  if (io.has(11)) sink = floats_of(io.in(11));
  else if (a.smooth) sink.assign(at(a.heads), 0.0f);
  const Attended y = attend(x.q, k, v, {.scale = a.scale, .softcap = a.softcap, .bias = bias, .sink = sink});
  io.set(0, join_heads(y.out, t));
  if (a.qk_output == 0) return;
  // Only the columns up to the longest total length.
  const std::vector<float>& all = a.qk_output == 1 ? y.scores : y.weights;
  const int64_t rows = x.q.batch * x.q.heads * x.q.length;
  std::vector<float> shown(at(rows * longest));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < longest; ++i) {
      const float e = all[at(r * capacity + i)];
      shown[at(r * longest + i)] = e == -HUGE_VALF ? 0 : e;  // what is never seen counts as zero
    }
  io.set(3, narrow(t, {x.q.batch, x.q.heads, x.q.length, longest}, shown));
}

Maybe<RunFn> prepare_group(const OpCall& call, ExecEnv&) {
  if (attr_or<int64_t>(call, "kv_cache_bit_width", 0) != 0 || attr_or<std::string>(call, "k_quant_type", "NONE") != "NONE")
    return Maybe<RunFn>::none("quantized caches are not run here");
  if (attr_or<int64_t>(call, "sliding_window_cache", 0) != 0) return Maybe<RunFn>::none("sliding_window_cache is not run here");
  const GroupAttrs a{attr<int64_t>(call, "num_heads"),
                     attr<int64_t>(call, "kv_num_heads"),
                     attr_or<int64_t>(call, "local_window_size", -1),
                     attr_or<int64_t>(call, "qk_output", 0),
                     attr_or<float>(call, "scale", 0),
                     attr_or<float>(call, "softcap", 0),
                     attr_or<int64_t>(call, "do_rotary", 0) != 0,
                     attr_or<int64_t>(call, "rotary_interleaved", 0) != 0,
                     attr_or<int64_t>(call, "smooth_softmax", -1) == 1,
                     attr_or<int64_t>(call, "causal", 1) != 0};
  if (a.heads < 1 || a.kv_heads < 1 || std::max(a.heads, a.kv_heads) > 1 << 20) bad_input(fmt::format("{} heads, {} of keys", a.heads, a.kv_heads));
  return RunFn([a](KernelIo& io) { run_group(io, a); });
}

struct SparseAttrs {
  int64_t heads, kv_heads, block;
  float scale;
  bool rotary, interleaved;
};

// Blocks of keys that a block of queries sees, in one of several layouts: rows [layouts, blocks + 1] point into columns [layouts, n].
struct BlockMask {
  int64_t layouts, blocks;
  std::vector<bool> seen;
  BlockMask(const Tensor& rows, const Tensor& columns) : layouts(0), blocks(0) {
    if (rows.rank() != 2 || rows.dims()[0] < 1 || rows.dims()[1] < 2 || columns.rank() != 2 || columns.dims()[0] != rows.dims()[0] ||
        rows.dims()[1] > 1 << 14)
      bad_input(fmt::format("block_row_indices {} and block_col_indices {}", dims_text(rows.dims()), dims_text(columns.dims())));
    layouts = rows.dims()[0], blocks = rows.dims()[1] - 1;
    seen.resize(at(layouts * blocks * blocks));
    const Ints r = ints_of(rows), c = ints_of(columns);
    const int64_t width = columns.dims()[1];
    for (int64_t l = 0; l < layouts; ++l)
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t from = r[at(l * (blocks + 1) + b)], to = r[at(l * (blocks + 1) + b + 1)];
        if (from < 0 || to < from || to > width) bad_input(fmt::format("block_row_indices {} to {} of {}", from, to, width));
        for (int64_t i = from; i < to; ++i) {
          const int64_t column = c[at(l * width + i)];
          if (column < 0 || column >= blocks) bad_input(fmt::format("block_col_indices names block {} of {}", column, blocks));
          seen[at((l * blocks + b) * blocks + column)] = true;
        }
      }
  }
  bool operator()(int64_t layout, int64_t query, int64_t key) const { return seen[at((layout * blocks + query) * blocks + key)]; }
};

// What each query adds to its scores: nothing where it sees the key, the lowest number where the block is masked, -inf after it.
std::vector<float> sparse_bias(const Heads& q, const BlockMask& mask, const Ints& past, int64_t block, int64_t keys) {
  std::vector<float> bias(at(q.batch * q.heads * q.length * keys), -HUGE_VALF);
  float* out = bias.data();
  for (int64_t b = 0; b < q.batch; ++b)
    for (int64_t h = 0; h < q.heads; ++h)
      for (int64_t l = 0; l < q.length; ++l, out += keys) {
        const int64_t self = past[at(b)] + l;
        for (int64_t i = 0; i <= self; ++i) out[i] = mask(h % mask.layouts, self / block, i / block) ? 0 : -std::numeric_limits<float>::max();
      }
  return bias;
}

// The cache is a buffer of fixed size: what stands behind the new tokens stays.
Tensor write_cache(Heads cache, const Heads& now, const Ints& past, DType t) {
  for (int64_t b = 0; b < now.batch; ++b)
    for (int64_t h = 0; h < now.heads; ++h) std::copy_n(now.row(b, h, 0), now.length * now.size, cache.row(b, h, past[at(b)]));
  return heads_tensor(cache, t);
}

void run_sparse(KernelIo& io, const SparseAttrs& a) {
  Qkv x = read_qkv(io, a.heads, a.kv_heads);
  const DType t = io.in(0).dtype();
  if (io.in(3).rank() != 4 || io.in(4).dims() != io.in(3).dims())
    bad_input(fmt::format("caches {} and {}", dims_text(io.in(3).dims()), dims_text(io.in(4).dims())));
  const Heads past_k = split_heads(io.in(3), a.kv_heads), past_v = split_heads(io.in(4), a.kv_heads);
  const BlockMask mask(io.in(5), io.in(6));
  const int64_t longest = scalar_of<int64_t>(io.in(7));
  if (longest > past_k.length || longest > mask.blocks * a.block || a.heads % mask.layouts != 0)
    bad_input(fmt::format("a total length of {} in a cache of {}, {} blocks of {} in {} layouts", longest, past_k.length, mask.blocks, a.block,
                          mask.layouts));
  const Steps steps = read_steps(ints_of(io.in(8)), longest, x.q.batch, x.q.length, &past_k, longest);
  if (a.rotary) {
    Ints ids;
    for (int64_t past : steps.past)
      for (int64_t l = 0; l < x.q.length; ++l) ids.push_back(past + l);
    const RotaryCache cache(io.in(9), io.in(10));
    rotate_heads(x.q, cache, ids, a.interleaved);
    rotate_heads(x.k, cache, ids, a.interleaved);
  }
  const Heads k = extend_cache(&past_k, x.k, steps.past, longest), v = extend_cache(&past_v, x.v, steps.past, longest);
  const std::vector<float> bias = sparse_bias(x.q, mask, steps.past, a.block, longest);
  io.set(0, join_heads(attend(x.q, k, v, {.scale = a.scale, .bias = bias}).out, t));
  io.set(1, write_cache(past_k, x.k, steps.past, t));
  io.set(2, write_cache(past_v, x.v, steps.past, t));
}

Maybe<RunFn> prepare_sparse(const OpCall& call, ExecEnv&) {
  const SparseAttrs a{
      attr<int64_t>(call, "num_heads"), attr<int64_t>(call, "kv_num_heads"),         attr<int64_t>(call, "sparse_block_size"),
      attr_or<float>(call, "scale", 0), attr_or<int64_t>(call, "do_rotary", 0) != 0, attr_or<int64_t>(call, "rotary_interleaved", 0) != 0};
  if (a.heads < 1 || a.kv_heads < 1 || std::max(a.heads, a.kv_heads) > 1 << 20 || a.block < 1 || a.block > 1 << 20)
    bad_input(fmt::format("{} heads, {} of keys, blocks of {}", a.heads, a.kv_heads, a.block));
  return RunFn([a](KernelIo& io) { run_sparse(io, a); });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "RotaryEmbedding", 1, kAnyVersion, prepare_rotary},
    {"com.microsoft", "GemmaRotaryEmbedding", 1, kAnyVersion, simple<run_gemma_rotary>},
    {"com.microsoft", "GroupQueryAttention", 1, kAnyVersion, prepare_group},
    {"com.microsoft", "SparseAttention", 1, kAnyVersion, prepare_sparse},
};

}  // namespace

std::span<const Kernel> contrib_gqa_kernels() { return kKernels; }

}  // namespace onnxopt::ref
