// Heads of attention in float32, for the com.microsoft attention operators: splitting, joining, scores, softmax and the product with V.
#pragma once

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {

// [batch, heads, length, size].
struct Heads {
  std::int64_t batch = 0, heads = 0, length = 0, size = 0;
  std::vector<float> v;
  Heads() = default;
  Heads(std::int64_t b, std::int64_t h, std::int64_t l, std::int64_t s)
      : batch(b), heads(h), length(l), size(s), v(static_cast<std::size_t>(b * h * l * s)) {}
  float* row(std::int64_t b, std::int64_t h, std::int64_t l) { return v.data() + ((b * heads + h) * length + l) * size; }
  const float* row(std::int64_t b, std::int64_t h, std::int64_t l) const { return v.data() + ((b * heads + h) * length + l) * size; }
};

Heads split_heads(const Tensor& x, std::int64_t heads);   // of [batch, length, heads * size] or [batch, heads, length, size]
Tensor join_heads(const Heads& x, DType t);               // [batch, length, heads * size]
Tensor heads_tensor(const Heads& x, DType t);             // [batch, heads, length, size]
Heads append_heads(const Heads& past, const Heads& now);  // along the length
void add_bias(Heads& x, const float* bias);               // [heads * size] on every position
std::vector<float> floats_of(const Tensor& t);            // any float type

struct AttendOptions {
  float scale = 0;                   // 0: 1 / sqrt(size)
  float softcap = 0;                 // 0: none; before the bias is added
  std::span<const float> bias = {};  // empty, or [batch, heads, queries, keys]; -inf: never seen (a row without any key gives zeros)
  std::span<const float> sink = {};  // empty, or one score a head that takes part in the denominator alone
};
struct Attended {
  Heads out;
  std::vector<float> scores, weights;  // before and after the softmax
};
// Heads of K and V are shared by groups of heads of Q.
Attended attend(const Heads& q, const Heads& k, const Heads& v, const AttendOptions& o);

}  // namespace onnxopt::ref
