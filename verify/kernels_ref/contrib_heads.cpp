#include "verify/kernels_ref/contrib_heads.h"

#include <algorithm>
#include <cmath>

#include "verify/kernels_ref/gemm.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

// In place. An all-forbidden row becomes zeros.
void softmax_row(float* s, int64_t n, const float* sink) {
  float top = sink ? *sink : -HUGE_VALF;
  for (int64_t i = 0; i < n; ++i) top = std::max(top, s[i]);
  if (top == -HUGE_VALF) return std::fill(s, s + n, 0.0f);
  double sum = sink ? std::exp(static_cast<double>(*sink) - static_cast<double>(top)) : 0;
  for (int64_t i = 0; i < n; ++i) {
    s[i] = std::exp(s[i] - top);
    sum += static_cast<double>(s[i]);
  }
  for (int64_t i = 0; i < n; ++i) s[i] = static_cast<float>(static_cast<double>(s[i]) / sum);
}

}  // namespace

std::vector<float> floats_of(const Tensor& t) {
  const FloatView view(t);
  return {view.data, view.data + t.size()};
}

Heads split_heads(const Tensor& x, int64_t heads) {
  if (x.rank() == 4) {
    Heads r(x.dims()[0], x.dims()[1], x.dims()[2], x.dims()[3]);
    r.v = floats_of(x);
    return r;
  }
  if (x.rank() != 3 || heads < 1 || x.dims()[2] % heads != 0) bad_input(fmt::format("{} heads for an input {}", heads, dims_text(x.dims())));
  Heads r(x.dims()[0], heads, x.dims()[1], x.dims()[2] / heads);
  const std::vector<float> in = floats_of(x);
  for (int64_t b = 0; b < r.batch; ++b)
    for (int64_t l = 0; l < r.length; ++l)
      for (int64_t h = 0; h < heads; ++h) std::copy_n(in.data() + ((b * r.length + l) * heads + h) * r.size, r.size, r.row(b, h, l));
  return r;
}

Tensor join_heads(const Heads& x, DType t) {
  std::vector<float> out(x.v.size());
  for (int64_t b = 0; b < x.batch; ++b)
    for (int64_t l = 0; l < x.length; ++l)
      for (int64_t h = 0; h < x.heads; ++h) std::copy_n(x.row(b, h, l), x.size, out.data() + ((b * x.length + l) * x.heads + h) * x.size);
  return narrow(t, {x.batch, x.length, x.heads * x.size}, out);
}

Tensor heads_tensor(const Heads& x, DType t) { return narrow(t, {x.batch, x.heads, x.length, x.size}, x.v); }

Heads append_heads(const Heads& past, const Heads& now) {
  if (past.batch != now.batch || past.heads != now.heads || past.size != now.size)
    bad_input(
        fmt::format("the past holds {}x{} heads of {}, the input {}x{} of {}", past.batch, past.heads, past.size, now.batch, now.heads, now.size));
  Heads r(now.batch, now.heads, past.length + now.length, now.size);
  for (int64_t b = 0; b < r.batch; ++b)
    for (int64_t h = 0; h < r.heads; ++h) {
      std::copy_n(past.row(b, h, 0), past.length * r.size, r.row(b, h, 0));
      std::copy_n(now.row(b, h, 0), now.length * r.size, r.row(b, h, past.length));
    }
  return r;
}

void add_bias(Heads& x, const float* bias) {
  for (int64_t b = 0; b < x.batch; ++b)
    for (int64_t h = 0; h < x.heads; ++h)
      for (int64_t l = 0; l < x.length; ++l)
        for (int64_t i = 0; i < x.size; ++i) x.row(b, h, l)[i] += bias[h * x.size + i];
}

Attended attend(const Heads& q, const Heads& k, const Heads& v, const AttendOptions& o) {
  if (k.batch != q.batch || v.batch != q.batch || k.size != q.size || k.length != v.length || k.heads != v.heads || k.heads < 1 ||
      q.heads % k.heads != 0)
    bad_input(fmt::format("Q {}x{}x{}x{}, K {}x{}x{}x{}, V {}x{}x{}x{}", q.batch, q.heads, q.length, q.size, k.batch, k.heads, k.length, k.size,
                          v.batch, v.heads, v.length, v.size));
  const int64_t keys = k.length, group = q.heads / k.heads;
  const float scale = o.scale != 0 ? o.scale : 1 / std::sqrt(static_cast<float>(q.size));
  Attended r{Heads(q.batch, q.heads, q.length, v.size), std::vector<float>(at(q.batch * q.heads * q.length * keys)), {}};
  ONNXOPT_CHECK(o.bias.empty() || o.bias.size() == r.scores.size(), "attend: bias");
  r.weights.resize(r.scores.size());
  parallel_for(q.batch * q.heads, 0.3 * static_cast<double>(q.length * keys * (q.size + v.size)), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t b = i / q.heads, h = i % q.heads;
      float* s = r.scores.data() + i * q.length * keys;
      gemm(q.length, keys, q.size, {q.row(b, h, 0), q.size, 1}, Matrix<float>{k.row(b, h / group, 0), 1, k.size}, s, keys, {.threaded = false});
      float* w = r.weights.data() + i * q.length * keys;
      for (int64_t e = 0; e < q.length * keys; ++e) {
        s[e] *= scale;
        if (o.softcap > 0) s[e] = o.softcap * std::tanh(s[e] / o.softcap);
        if (!o.bias.empty()) s[e] += o.bias[at(i * q.length * keys + e)];
        w[e] = s[e];
      }
      for (int64_t l = 0; l < q.length; ++l) softmax_row(w + l * keys, keys, o.sink.empty() ? nullptr : &o.sink[at(h)]);
      gemm(q.length, v.size, keys, {w, keys, 1}, Matrix<float>{v.row(b, h / group, 0), v.size, 1}, r.out.row(b, h, 0), v.size, {.threaded = false});
    }
  });
  return r;
}

}  // namespace onnxopt::ref
