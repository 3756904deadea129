// Gather, GatherElements, GatherND, Compress, NonZero.
#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

int64_t checked_index(int64_t index, int64_t n) {
  if (index < -n || index >= n) bad_input(fmt::format("index {} is out of range for an axis of {}", index, n));
  return index < 0 ? index + n : index;
}

Maybe<RunFn> prepare_gather(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", 0)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const auto axis = at(normalize_axis(stated, x.rank()));
    const Ints indices = ints_of(io.in(1));
    const int64_t outer = product(x.dims(), 0, axis), n = x.dims()[axis];
    Dims out(x.dims().begin(), x.dims().begin() + static_cast<std::ptrdiff_t>(axis));
    out.insert(out.end(), io.in(1).dims().begin(), io.in(1).dims().end());
    out.insert(out.end(), x.dims().begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.dims().end());
    Ints rows(indices.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = checked_index(indices[i], n);
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    const std::size_t bytes = at(product(x.dims(), axis + 1)) * codes.size();
    std::byte* to = codes.make(out);
    DeadlineWatch watch;
    for (int64_t o = 0; o < outer && bytes != 0; ++o)
      for (int64_t r : rows) {
        std::memcpy(to, in + at(o * n + r) * bytes, bytes);
        to += bytes;
        watch.did(moving_cost(bytes));
      }
    io.set(0, codes.finish());
  });
}

Maybe<RunFn> prepare_gather_elements(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", 0)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Dims& out = io.in(1).dims();
    const auto axis = at(normalize_axis(stated, x.rank()));
    bool fits = out.size() == x.dims().size();
    for (std::size_t d = 0; fits && d < out.size(); ++d) fits = d == axis || out[d] <= x.dims()[d];
    if (!fits) bad_input(fmt::format("indices {} for data {}", dims_text(out), dims_text(x.dims())));
    const Ints indices = ints_of(io.in(1));
    const Dims strides = strides_of(x.dims()), own = strides_of(out);
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    std::byte* to = codes.make(out);
    DeadlineWatch watch;
    for (std::size_t i = 0; i < indices.size(); ++i, watch.did(20)) {
      int64_t from = 0, rest = static_cast<int64_t>(i);
      for (std::size_t d = 0; d < out.size(); rest %= own[d], ++d)
        from += (d == axis ? checked_index(indices[i], x.dims()[axis]) : rest / own[d]) * strides[d];
      std::memcpy(to + i * codes.size(), in + at(from) * codes.size(), codes.size());
    }
    io.set(0, codes.finish());
  });
}

Maybe<RunFn> prepare_gather_nd(const OpCall& call, ExecEnv&) {
  return RunFn([batch_dims = attr_or<int64_t>(call, "batch_dims", 0)](KernelIo& io) {
    const Tensor &x = io.in(0), &index = io.in(1);
    if (index.rank() < 1 || batch_dims < 0 || batch_dims >= index.rank() || batch_dims + index.dims().back() > x.rank())
      bad_input(fmt::format("indices {} with {} batch dimensions for data {}", dims_text(index.dims()), batch_dims, dims_text(x.dims())));
    for (int64_t d = 0; d < batch_dims; ++d)
      if (index.dims()[at(d)] != x.dims()[at(d)]) bad_input("batch dimensions of data and indices differ");
    const int64_t depth = index.dims().back();
    const Ints indices = ints_of(index);
    Dims out(index.dims().begin(), index.dims().end() - 1);
    out.insert(out.end(), x.dims().begin() + batch_dims + depth, x.dims().end());
    const Dims strides = strides_of(x.dims());
    const int64_t batches = product(x.dims(), 0, at(batch_dims)), batch_size = product(x.dims(), at(batch_dims));
    const int64_t per_batch = product(index.dims(), at(batch_dims), at(index.rank() - 1));
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    const std::size_t bytes = at(product(x.dims(), at(batch_dims + depth))) * codes.size();
    std::byte* to = codes.make(out);
    DeadlineWatch watch;
    for (int64_t i = 0; i < batches * per_batch; ++i, to += bytes, watch.did(10 + moving_cost(bytes))) {
      int64_t from = per_batch == 0 ? 0 : i / per_batch * batch_size;
      for (int64_t d = 0; d < depth; ++d)
        from += checked_index(indices[at(i * depth + d)], x.dims()[at(batch_dims + d)]) * strides[at(batch_dims + d)];
      if (bytes != 0) std::memcpy(to, in + at(from) * codes.size(), bytes);
    }
    io.set(0, codes.finish());
  });
}

Maybe<RunFn> prepare_compress(const OpCall& call, ExecEnv&) {
  return RunFn([has_axis = has_attr(call, "axis"), stated = attr_or<int64_t>(call, "axis", 0)](KernelIo& io) {
    const Tensor x = has_axis ? io.in(0) : io.in(0).reshaped({io.in(0).size()});
    const auto axis = at(normalize_axis(stated, x.rank()));
    const auto condition = widen<std::uint64_t>(io.in(1));
    const int64_t n = x.dims()[axis], outer = product(x.dims(), 0, axis);
    Ints chosen;
    for (std::size_t i = 0; i < condition.size(); ++i)
      if (condition[i] != 0) chosen.push_back(checked_index(static_cast<int64_t>(i), n));
    Dims out = x.dims();
    out[axis] = static_cast<int64_t>(chosen.size());
    Codes codes(x.dtype());
    const std::byte* in = codes.add(x);
    const std::size_t bytes = at(product(x.dims(), axis + 1)) * codes.size();
    std::byte* to = codes.make(out);
    DeadlineWatch watch;
    for (int64_t o = 0; o < outer && bytes != 0; ++o)
      for (int64_t c : chosen) {
        std::memcpy(to, in + at(o * n + c) * bytes, bytes);
        to += bytes;
        watch.did(moving_cost(bytes));
      }
    io.set(0, codes.finish());
  });
}

template <class C>
Ints nonzero_positions(const Tensor& x) {
  Ints positions;
  const std::vector<C> v = widen<C>(x);
  for (std::size_t i = 0; i < v.size(); ++i)
    if (v[i] != C(0)) positions.push_back(static_cast<int64_t>(i));
  return positions;
}
void run_non_zero(KernelIo& io) {
  const Tensor& x = io.in(0);
  Ints positions;
  if (x.dtype() == DType::string) {
    for (int64_t i = 0; i < x.size(); ++i)
      if (!x.strings()[at(i)].empty()) positions.push_back(i);
  } else if (is_complex(x.dtype())) positions = nonzero_positions<std::complex<double>>(x);
  else if (is_float(x.dtype())) positions = nonzero_positions<double>(x);
  else positions = nonzero_positions<std::uint64_t>(x);
  const Dims strides = strides_of(x.dims());
  const std::size_t n = positions.size();
  Ints out(strides.size() * n);
  DeadlineWatch watch;
  for (std::size_t d = 0; d < strides.size(); ++d)
    for (std::size_t i = 0; i < n; ++i, watch.did(10)) out[d * n + i] = positions[i] / strides[d] % x.dims()[d];
  io.set(0, Tensor::of<int64_t>({x.rank(), static_cast<int64_t>(n)}, out));
}

constexpr Kernel kKernels[] = {
    {"", "Gather", 1, kAnyVersion, prepare_gather},        {"", "GatherElements", 11, kAnyVersion, prepare_gather_elements},
    {"", "GatherND", 11, kAnyVersion, prepare_gather_nd},  {"", "Compress", 9, kAnyVersion, prepare_compress},
    {"", "NonZero", 9, kAnyVersion, simple<run_non_zero>},
};

}  // namespace

std::span<const Kernel> gather_kernels() { return kKernels; }

}  // namespace onnxopt::ref
