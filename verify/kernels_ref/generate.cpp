// Operators that make tensors: Constant, ConstantOfShape, Range, EyeLike, OneHot, and Dropout out of training.
#include <algorithm>
#include <cmath>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

Tensor densify(const SparseTensor& s) {
  Codes codes(s.values.dtype());
  const std::byte* values = codes.add(s.values);
  const auto zero = codes.zero();
  const int64_t total = element_count(s.dims);
  std::byte* out = codes.make(s.dims);
  for (int64_t i = 0; i < total; ++i) std::memcpy(out + at(i) * codes.size(), zero.data(), codes.size());
  const Ints indices = s.values.size() == 0 ? Ints() : ints_of(s.indices);
  const Dims strides = strides_of(s.dims);
  const bool linear = s.indices.rank() < 2;
  for (int64_t i = 0; i < s.values.size(); ++i) {
    int64_t to = linear ? indices[at(i)] : 0;
    for (std::size_t d = 0; !linear && d < strides.size(); ++d) to += indices[at(i) * strides.size() + d] * strides[d];
    if (to < 0 || to >= total) bad_input(fmt::format("sparse index {} of {} elements", to, total));
    std::memcpy(out + at(to) * codes.size(), values + at(i) * codes.size(), codes.size());
  }
  return codes.finish();
}

Tensor constant_value(const OpCall& call) {
  const Attrs& a = *call.attrs;
  if (std::count_if(a.begin(), a.end(), [](const Attribute& x) { return x.name == "sparse_value" || x.name.starts_with("value"); }) > 1)
    bad_input("a Constant has one value, this one several");
  if (const auto* v = a.get<Tensor>("value")) return *v;
  if (const auto* v = a.get<float>("value_float")) return Tensor::scalar(*v);
  if (const auto* v = a.get<int64_t>("value_int")) return Tensor::scalar(*v);
  if (const auto* v = a.get<std::string>("value_string")) return Tensor::from_strings({}, {*v});
  if (const auto* v = a.get<Floats>("value_floats")) return Tensor::of<float>({static_cast<int64_t>(v->size())}, *v);
  if (const auto* v = a.get<Ints>("value_ints")) return Tensor::int64s(*v);
  if (const auto* v = a.get<Strings>("value_strings")) return Tensor::from_strings({static_cast<int64_t>(v->size())}, *v);
  if (const auto* v = a.get<SparseTensor>("sparse_value")) return densify(*v);
  if (const auto* v = a.get<SparseTensor>("value")) return densify(*v);  // what some write, and ONNX Runtime reads
  bad_input("a Constant without a value");
}
Maybe<RunFn> prepare_constant(const OpCall& call, ExecEnv&) {
  return RunFn([value = constant_value(call)](KernelIo& io) { io.set(0, value); });
}

Maybe<RunFn> prepare_constant_of_shape(const OpCall& call, ExecEnv&) {
  const Tensor* stated = call.attrs->get<Tensor>("value");
  return RunFn([value = stated ? *stated : Tensor::scalar(0.0f)](KernelIo& io) {
    if (value.size() != 1) bad_input(fmt::format("the value has {} elements, not one", value.size()));
    Codes codes(value.dtype());
    const std::byte* code = codes.add(value);
    const Dims shape = ints_of(io.in(0));
    const int64_t n = element_count(shape);
    std::byte* out = codes.make(shape);
    with_size(codes.size(), [&](auto width) {
      DeadlineWatch watch;
      for (int64_t i = 0; i < n; ++i, watch.did(1)) std::memcpy(out + at(i) * decltype(width)::value, code, decltype(width)::value);
    });
    io.set(0, codes.finish());
  });
}

Tensor range_of_ints(DType t, int64_t start, int64_t limit, int64_t delta) {
  if (delta == 0) bad_input("delta is 0");
  const auto distance = static_cast<std::uint64_t>(delta > 0 ? limit : start) - static_cast<std::uint64_t>(delta > 0 ? start : limit);
  const std::uint64_t step = delta > 0 ? static_cast<std::uint64_t>(delta) : 0 - static_cast<std::uint64_t>(delta);
  const bool empty = delta > 0 ? limit <= start : limit >= start;
  const std::uint64_t n = empty ? 0 : (distance - 1) / step + 1;
  if (n > (std::uint64_t{1} << 40)) bad_input(fmt::format("a range of {} elements", n));
  Ints v(n);
  for (std::uint64_t i = 0; i < n; ++i) v[i] = static_cast<int64_t>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
  return narrow(t, {static_cast<int64_t>(n)}, v);
}
// Elements are start + i * delta in the precision of the type (float for the 16-bit types: stash_type 1).
template <class F>
Tensor range_of_floats(DType t, F start, F limit, F delta) {
  if (delta == 0 || std::isnan(delta)) bad_input("delta is 0 or NaN");
  const double count = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta));
  if (!(count < 0x1p40)) bad_input(fmt::format("a range of {} elements", count));
  std::vector<F> v(count > 0 ? static_cast<std::size_t>(count) : 0);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = start + static_cast<F>(i) * delta;
  const auto n = static_cast<int64_t>(v.size());
  return narrow(t, {n}, v);
}
void run_range(KernelIo& io) {
  const DType t = io.in(0).dtype();
  auto all = [&](auto zero) {
    using C = decltype(zero);
    return std::array<C, 3>{scalar_of<C>(io.in(0)), scalar_of<C>(io.in(1)), scalar_of<C>(io.in(2))};
  };
  if (t == DType::float64) {
    const auto v = all(0.0);
    io.set(0, range_of_floats(t, v[0], v[1], v[2]));
  } else if (is_float(t)) {
    const auto v = all(0.0f);
    io.set(0, range_of_floats(t, v[0], v[1], v[2]));
  } else {
    const auto v = all(int64_t{0});
    io.set(0, range_of_ints(t, v[0], v[1], v[2]));
  }
}

Maybe<RunFn> prepare_eye_like(const OpCall& call, ExecEnv&) {
  const int64_t k = attr<int64_t>(call, "k"), dtype = attr_or<int64_t>(call, "dtype", 0);
  if (dtype != 0 && !is_known_dtype(dtype)) bad_input(fmt::format("attribute 'dtype': {} is no element type", dtype));
  return RunFn([k, dtype](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 2) bad_input("the input must have two dimensions");
    Buffer out(dtype ? static_cast<DType>(dtype) : x.dtype(), x.dims());
    out.zero();
    for (int64_t r = 0; r < x.dims()[0]; ++r)
      if (k > -x.dims()[0] && k < x.dims()[1] && r + k >= 0 && r + k < x.dims()[1])
        store_element(out.dtype(), out.bytes(), r * x.dims()[1] + r + k, 1.0);
    io.set(0, std::move(out).tensor());
  });
}

Maybe<RunFn> prepare_one_hot(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr<int64_t>(call, "axis")](KernelIo& io) {
    const Tensor& index = io.in(0);
    const std::vector<int64_t> indices = widen<int64_t>(index);
    const auto depth = scalar_of<int64_t>(io.in(1));
    if (depth < 0 || io.in(2).size() != 2) bad_input(fmt::format("depth {}, {} values", depth, io.in(2).size()));
    const auto axis = at(normalize_axis(stated, index.rank() + 1));
    Dims shape = index.dims();
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
    const int64_t outer = product(index.dims(), 0, axis), inner = product(index.dims(), axis);
    Codes codes(io.in(2).dtype());
    const std::byte* values = codes.add(io.in(2));
    std::byte* out = codes.make(shape);
    DeadlineWatch watch;
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t d = 0; d < depth; ++d, watch.did(4 + 4 * inner))
        for (int64_t i = 0; i < inner; ++i, out += codes.size()) {
          const int64_t hot = indices[at(o * inner + i)];
          std::memcpy(out, values + (hot == d || hot + depth == d ? codes.size() : 0), codes.size());
        }
    io.set(0, codes.finish());
  });
}

constexpr Kernel kKernels[] = {
    {"", "Constant", 1, kAnyVersion, prepare_constant}, {"", "ConstantOfShape", 9, kAnyVersion, prepare_constant_of_shape},
    {"", "Range", 11, kAnyVersion, simple<run_range>},  {"", "EyeLike", 9, kAnyVersion, prepare_eye_like},
    {"", "OneHot", 9, kAnyVersion, prepare_one_hot},
};

}  // namespace

std::span<const Kernel> generate_kernels() { return kKernels; }

}  // namespace onnxopt::ref
