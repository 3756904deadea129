// What every reference kernel is written with: attributes with defaults, tensors under construction, carriers, axes, threads.
#pragma once

#include <fmt/format.h>

#include <climits>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/buffer.h"
#include "ir/core/element.h"
#include "verify/exec/executor.h"

namespace onnxopt::ref {

inline constexpr int kAnyVersion = INT_MAX;

// ---- attributes: the stated value, else the schema's default; Error if there is neither.
template <class T>
T attr(const OpCall& call, std::string_view name);
template <class T>
T attr_or(const OpCall& call, std::string_view name, T otherwise) {
  const T* v = call.attrs->get<T>(name);
  return v ? *v : otherwise;
}
inline bool has_attr(const OpCall& call, std::string_view name) { return call.attrs->has(name); }

// A kernel without attributes as a table entry: simple<run_shape>.
template <void (*F)(KernelIo&)>
Maybe<RunFn> simple(const OpCall&, ExecEnv&) {
  return RunFn(F);
}

// All elements in a carrier; C as for load_block.
template <class C>
std::vector<C> widen(const Tensor& t) {
  std::vector<C> r(static_cast<std::size_t>(t.size()));
  load_block<C>(t.dtype(), t.bytes().data(), 0, t.size(), r.data());
  return r;
}
template <class C>
Tensor narrow(DType t, Dims dims, const std::vector<C>& values, const NarrowOptions& options = {}) {
  Buffer b(t, std::move(dims));
  ONNXOPT_CHECK(static_cast<std::size_t>(b.size()) == values.size(), "narrow: number of values");
  store_block<C>(t, b.bytes(), 0, b.size(), values.data(), options);
  return std::move(b).tensor();
}
template <class C>
C scalar_of(const Tensor& t) {
  if (t.size() != 1) bad_input(fmt::format("expected one element, got {}", t.size()));
  return load_element<C>(t.dtype(), t.bytes().data(), 0);
}
Ints ints_of(const Tensor& t);  // of an integer tensor

// A float32 view: the tensor's own memory if it is float32, else a converted copy held in `copy`.
struct FloatView {
  explicit FloatView(const Tensor& t);
  const float* data;
  std::vector<float> copy;
  Tensor keep;
};

// ---- shapes
std::string dims_text(const Dims& dims);                                   // "2x3x4", "scalar"
std::int64_t normalize_axis(std::int64_t axis, std::int64_t rank);         // Error naming it if out of range
std::int64_t product(const Dims& dims, std::size_t from, std::size_t to);  // of dims[from, to)
inline std::int64_t product(const Dims& dims, std::size_t from = 0) { return product(dims, from, dims.size()); }
Dims strides_of(const Dims& dims);             // row-major, in elements
Dims broadcast(const Dims& a, const Dims& b);  // numpy rules; Error naming both

// ---- threads
// body(begin, end) over [0, n) on up to two threads; `cost` in nanoseconds an item decides whether that pays.
void parallel_for(std::int64_t n, double cost, const std::function<void(std::int64_t, std::int64_t)>& body);

}  // namespace onnxopt::ref
