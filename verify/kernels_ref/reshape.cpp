// Operators that change only the shape, or look only at it.
#include <algorithm>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;

Dims resolve_reshape(const Tensor& x, const Ints& wanted, bool allow_zero) {
  Dims out = wanted;
  int64_t known = 1, inferred = -1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !allow_zero) {
      if (i >= x.dims().size()) bad_input(fmt::format("shape has 0 at {}, the input only {} dimensions", i, x.rank()));
      out[i] = x.dims()[i];
    }
    if (out[i] < -1) bad_input(fmt::format("shape has {} at {}", out[i], i));
    if (out[i] == -1) {
      if (inferred >= 0) bad_input("shape has more than one -1");
      inferred = static_cast<int64_t>(i);
    } else if (__builtin_mul_overflow(known, out[i], &known)) {
      bad_input("the elements of the shape are more than there are numbers");
    }
  }
  const std::string text = fmt::format("cannot reshape {} into {}", dims_text(x.dims()), dims_text(wanted));
  if (inferred >= 0) {
    if (allow_zero && known == 0) bad_input(text + ": a size of 0 leaves open what -1 is");
    if (known == 0 ? x.size() != 0 : x.size() % known != 0) bad_input(text);
    out[static_cast<std::size_t>(inferred)] = known == 0 ? 0 : x.size() / known;
  }
  if (element_count(out) != x.size()) bad_input(text);
  return out;
}

Maybe<RunFn> prepare_reshape(const OpCall& call, ExecEnv&) {
  return RunFn([allow_zero = attr_or<int64_t>(call, "allowzero", 0) != 0](KernelIo& io) {
    io.set(0, io.in(0).reshaped(resolve_reshape(io.in(0), ints_of(io.in(1)), allow_zero)));
  });
}

Maybe<RunFn> prepare_flatten(const OpCall& call, ExecEnv&) {
  return RunFn([axis = attr<int64_t>(call, "axis")](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (axis < -x.rank() || axis > x.rank()) bad_input(fmt::format("axis {} is out of range for rank {}", axis, x.rank()));
    const auto at = static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis);
    io.set(0, x.reshaped({product(x.dims(), 0, at), product(x.dims(), at)}));
  });
}

// Axes: the second input from 13 on, an attribute before.
std::function<Ints(const KernelIo&)> axes_reader(const OpCall& call) {
  return [axes = attr_or<Ints>(call, "axes", {})](const KernelIo& io) { return io.has(1) ? ints_of(io.in(1)) : axes; };
}

Maybe<RunFn> prepare_squeeze(const OpCall& call, ExecEnv&) {
  return RunFn([read = axes_reader(call), stated = has_attr(call, "axes")](KernelIo& io) {
    const Tensor& x = io.in(0);
    std::vector<bool> drop(x.dims().size());
    if (io.has(1) || stated) {
      for (int64_t a : read(io)) {
        if (x.rank() == 0 && (a == 0 || a == -1)) continue;  // as ONNX Runtime has it: exporters squeeze the scalar counter of Loop
        const auto axis = static_cast<std::size_t>(normalize_axis(a, x.rank()));
        if (x.dims()[axis] != 1) bad_input(fmt::format("axis {} has {} elements, not 1", a, x.dims()[axis]));
        drop[axis] = true;
      }
    } else {
      for (std::size_t i = 0; i < drop.size(); ++i) drop[i] = x.dims()[i] == 1;
    }
    Dims out;
    for (std::size_t i = 0; i < drop.size(); ++i)
      if (!drop[i]) out.push_back(x.dims()[i]);
    io.set(0, x.reshaped(out));
  });
}

Maybe<RunFn> prepare_unsqueeze(const OpCall& call, ExecEnv&) {
  return RunFn([read = axes_reader(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const Ints axes = read(io);
    const int64_t rank = x.rank() + static_cast<int64_t>(axes.size());
    std::vector<bool> added(static_cast<std::size_t>(rank));
    for (int64_t a : axes) {
      const auto axis = static_cast<std::size_t>(normalize_axis(a, rank));
      if (added[axis]) bad_input(fmt::format("axis {} is given twice", a));
      added[axis] = true;
    }
    Dims out;
    auto next = x.dims().begin();
    for (bool one : added) out.push_back(one ? 1 : *next++);
    io.set(0, x.reshaped(out));
  });
}

Maybe<RunFn> prepare_shape(const OpCall& call, ExecEnv&) {
  const int64_t start = attr_or<int64_t>(call, "start", 0), end = attr_or<int64_t>(call, "end", INT64_MAX);
  return RunFn([start, end](KernelIo& io) {
    const Dims& dims = io.in(0).dims();
    const auto rank = static_cast<int64_t>(dims.size());
    auto clamp = [&](int64_t v) { return std::clamp(v < 0 ? v + rank : v, int64_t{0}, rank); };
    const int64_t from = clamp(start), to = std::max(from, clamp(end));
    io.set(0, Tensor::int64s(Ints(dims.begin() + from, dims.begin() + to)));
  });
}

void run_size(KernelIo& io) { io.set(0, Tensor::scalar<int64_t>(io.in(0).size())); }
void run_identity(KernelIo& io) { io.set(0, io.value(0)); }

constexpr Kernel kKernels[] = {
    {"", "Reshape", 5, kAnyVersion, prepare_reshape},       {"", "Flatten", 1, kAnyVersion, prepare_flatten},
    {"", "Squeeze", 1, kAnyVersion, prepare_squeeze},       {"", "Unsqueeze", 1, kAnyVersion, prepare_unsqueeze},
    {"", "Shape", 1, kAnyVersion, prepare_shape},           {"", "Size", 1, kAnyVersion, simple<run_size>},
    {"", "Identity", 1, kAnyVersion, simple<run_identity>},
};

}  // namespace

std::span<const Kernel> reshape_kernels() { return kKernels; }

}  // namespace onnxopt::ref
