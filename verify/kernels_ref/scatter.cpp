// ScatterElements, ScatterND, the older Scatter, TensorScatter. Updates apply in index order.
#include "verify/exec/deadline.h"
#include "verify/kernels_ref/codes.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

enum class Reduction { none, add, mul, max, min };
Reduction read_reduction(const OpCall& call) {
  const std::string name = attr_or<std::string>(call, "reduction", "none");
  if (name == "none") return Reduction::none;
  if (name == "add") return Reduction::add;
  if (name == "mul") return Reduction::mul;
  if (name == "max") return Reduction::max;
  if (name == "min") return Reduction::min;
  bad_input("attribute 'reduction' must be none, add, mul, max or min, not " + name);
}

template <class C>
C reduce(Reduction how, C old, C update) {
  using U = std::conditional_t<std::is_integral_v<C>, std::uint64_t, C>;  // integers wrap
  switch (how) {
    case Reduction::add: return static_cast<C>(static_cast<U>(old) + static_cast<U>(update));
    case Reduction::mul: return static_cast<C>(static_cast<U>(old) * static_cast<U>(update));
    case Reduction::max: return old > update || old != old ? old : update;
    case Reduction::min: return old < update || old != old ? old : update;
    case Reduction::none: break;
  }
  return update;
}

// Writes block i of `updates` (each `block` elements) at element targets[i] of data.
template <class C>
Tensor scatter_reduce(const Tensor& data, const Tensor& updates, const Ints& targets, int64_t block, Reduction how) {
  std::vector<C> values = widen<C>(data);
  const std::vector<C> add = widen<C>(updates);
  DeadlineWatch watch;
  for (std::size_t i = 0; i < targets.size(); ++i, watch.did(4 + 4 * block))
    for (int64_t k = 0; k < block; ++k) {
      C& v = values[at(targets[i] + k)];
      v = reduce(how, v, add[i * at(block) + at(k)]);
    }
  return narrow(data.dtype(), data.dims(), values);
}
Tensor scatter(const Tensor& data, const Tensor& updates, const Ints& targets, int64_t block, Reduction how) {
  if (data.dtype() != updates.dtype()) bad_input(fmt::format("data is {}, updates {}", dtype_name(data.dtype()), dtype_name(updates.dtype())));
  if (how != Reduction::none) {
    if (is_complex(data.dtype()) || data.dtype() == DType::string) bad_input("no reduction for " + std::string(dtype_name(data.dtype())));
    if (is_float(data.dtype())) return scatter_reduce<double>(data, updates, targets, block, how);
    if (is_signed_integer(data.dtype())) return scatter_reduce<int64_t>(data, updates, targets, block, how);
    return scatter_reduce<std::uint64_t>(data, updates, targets, block, how);
  }
  Codes codes(data.dtype());
  const std::byte* from = codes.add(data);
  const std::byte* add = codes.add(updates);
  std::byte* out = codes.make(data.dims());
  if (data.size() != 0) std::memcpy(out, from, at(data.size()) * codes.size());
  const std::size_t bytes = at(block) * codes.size();
  DeadlineWatch watch;
  for (std::size_t i = 0; i < targets.size() && bytes != 0; ++i, watch.did(moving_cost(bytes)))
    std::memcpy(out + at(targets[i]) * codes.size(), add + i * bytes, bytes);
  return codes.finish();
}

int64_t checked_index(int64_t index, int64_t n) {
  if (index < -n || index >= n) bad_input(fmt::format("index {} is out of range for an axis of {}", index, n));
  return index < 0 ? index + n : index;
}

Maybe<RunFn> prepare_scatter_elements(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", 0), how = read_reduction(call)](KernelIo& io) {
    const Tensor &data = io.in(0), &updates = io.in(2);
    const Dims& shape = io.in(1).dims();
    const auto axis = at(normalize_axis(stated, data.rank()));
    bool fits = shape.size() == data.dims().size() && updates.dims() == shape;
    for (std::size_t d = 0; fits && d < shape.size(); ++d) fits = d == axis || shape[d] <= data.dims()[d];
    if (!fits) bad_input(fmt::format("indices {}, updates {} for data {}", dims_text(shape), dims_text(updates.dims()), dims_text(data.dims())));
    Ints targets = ints_of(io.in(1));
    const Dims strides = strides_of(data.dims()), own = strides_of(shape);
    DeadlineWatch watch;
    for (std::size_t i = 0; i < targets.size(); ++i, watch.did(20)) {
      int64_t to = 0, rest = static_cast<int64_t>(i);
      for (std::size_t d = 0; d < shape.size(); rest %= own[d], ++d)
        to += (d == axis ? checked_index(targets[i], data.dims()[axis]) : rest / own[d]) * strides[d];
      targets[i] = to;
    }
    io.set(0, scatter(data, updates, targets, 1, how));
  });
}

Maybe<RunFn> prepare_scatter_nd(const OpCall& call, ExecEnv&) {
  return RunFn([how = read_reduction(call)](KernelIo& io) {
    const Tensor &data = io.in(0), &index = io.in(1), &updates = io.in(2);
    const auto fail = [&] {
      bad_input(fmt::format("indices {}, updates {} for data {}", dims_text(index.dims()), dims_text(updates.dims()), dims_text(data.dims())));
    };
    if (index.rank() < 1 || index.dims().back() > data.rank()) fail();
    const int64_t depth = index.dims().back();
    Dims expected(index.dims().begin(), index.dims().end() - 1);
    expected.insert(expected.end(), data.dims().begin() + depth, data.dims().end());
    if (updates.dims() != expected) fail();
    const Ints indices = ints_of(index);
    const Dims strides = strides_of(data.dims());
    Ints targets(at(product(index.dims(), 0, at(index.rank() - 1))));
    for (std::size_t i = 0; i < targets.size(); ++i)
      for (int64_t d = 0; d < depth; ++d) targets[i] += checked_index(indices[i * at(depth) + at(d)], data.dims()[at(d)]) * strides[at(d)];
    io.set(0, scatter(data, updates, targets, product(data.dims(), at(depth)), how));
  });
}

Maybe<RunFn> prepare_tensor_scatter(const OpCall& call, ExecEnv&) {
  const std::string mode = attr<std::string>(call, "mode");
  return RunFn([circular = mode == "circular", stated = attr<int64_t>(call, "axis")](KernelIo& io) {
    const Tensor &cache = io.in(0), &update = io.in(1);
    const auto axis = at(normalize_axis(stated, cache.rank()));
    Dims expected = cache.dims();
    if (update.rank() == cache.rank()) expected[axis] = update.dims()[axis];
    if (axis == 0 || update.dims() != expected)
      bad_input(fmt::format("update {} for a cache {}, axis {}", dims_text(update.dims()), dims_text(cache.dims()), stated));
    const int64_t steps = update.dims()[axis], room = cache.dims()[axis], batch = cache.dims()[0];
    const Ints first = io.has(2) ? ints_of(io.in(2)) : Ints(at(batch));
    if (static_cast<int64_t>(first.size()) != batch) bad_input(fmt::format("{} write indices for a batch of {}", first.size(), batch));
    const int64_t block = product(cache.dims(), axis + 1), prefixes = product(cache.dims(), 1, axis);
    Ints targets;
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t p = 0; p < prefixes; ++p)
        for (int64_t s = 0; s < steps; ++s) {
          int64_t to = first[at(b)] + s;
          if (circular) to = (to % room + room) % room;
          if (to < 0 || to >= room) bad_input(fmt::format("write index {} in a cache of {}", to, room));
          targets.push_back(((b * prefixes + p) * room + to) * block);
        }
    io.set(0, scatter(cache, update, targets, block, Reduction::none));
  });
}

constexpr Kernel kKernels[] = {
    {"", "Scatter", 9, kAnyVersion, prepare_scatter_elements},
    {"", "ScatterElements", 11, kAnyVersion, prepare_scatter_elements},
    {"", "ScatterND", 11, kAnyVersion, prepare_scatter_nd},
    {"", "TensorScatter", 24, kAnyVersion, prepare_tensor_scatter},
};

}  // namespace

std::span<const Kernel> scatter_kernels() { return kKernels; }

}  // namespace onnxopt::ref
