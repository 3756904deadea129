// Sequences and optionals.
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/stack.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using Sequence = std::shared_ptr<const RtSequence>;

const RtSequence& sequence_of(const RtValue& v) {
  const auto* s = std::get_if<Sequence>(&v.v);
  if (s == nullptr) bad_input("the input is not a sequence");
  return **s;
}
RtValue make_sequence(RtSequence items, Type type) {
  RtValue v;
  v.v = Sequence(std::make_shared<const RtSequence>(std::move(items)));
  v.type = std::move(type);
  return v;
}
Type sequence_type(const RtValue& element) {
  return element.is_tensor() ? Type::sequence(Type::tensor(element.tensor().dtype())) : Type::sequence(element.type);
}

// A position in [-n, n], or [-n, n) for an existing element.
std::size_t position(int64_t p, int64_t n, bool end_allowed) {
  if (p < -n || p > n || (p == n && !end_allowed)) bad_input(fmt::format("position {} in a sequence of {}", p, n));
  return static_cast<std::size_t>(p < 0 ? p + n : p);
}

void run_construct(KernelIo& io) {
  RtSequence items;
  for (std::size_t i = 0; i < io.num_inputs(); ++i) items.push_back(io.value(i));
  io.set(0, make_sequence(items, sequence_type(items.at(0))));
}
Maybe<RunFn> prepare_empty(const OpCall& call, ExecEnv&) {
  const int64_t t = attr_or<int64_t>(call, "dtype", 1);
  if (!is_known_dtype(t)) bad_input(fmt::format("attribute 'dtype': {} is no element type", t));
  return RunFn([t](KernelIo& io) { io.set(0, make_sequence({}, Type::sequence(Type::tensor(static_cast<DType>(t))))); });
}
void run_insert(KernelIo& io) {
  RtSequence items = sequence_of(io.value(0));
  const auto n = static_cast<int64_t>(items.size());
  const std::size_t to = io.has(2) ? position(scalar_of<int64_t>(io.in(2)), n, true) : items.size();
  items.insert(items.begin() + static_cast<std::ptrdiff_t>(to), io.value(1));
  io.set(0, make_sequence(std::move(items), sequence_type(io.value(1))));
}
void run_erase(KernelIo& io) {
  RtSequence items = sequence_of(io.value(0));
  const auto n = static_cast<int64_t>(items.size());
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(position(io.has(1) ? scalar_of<int64_t>(io.in(1)) : -1, n, false)));
  io.set(0, make_sequence(std::move(items), io.value(0).type));
}
void run_at(KernelIo& io) {
  const RtSequence& items = sequence_of(io.value(0));
  io.set(0, items[position(scalar_of<int64_t>(io.in(1)), static_cast<int64_t>(items.size()), false)]);
}
void run_length(KernelIo& io) { io.set(0, Tensor::scalar(static_cast<int64_t>(sequence_of(io.value(0)).size()))); }

Maybe<RunFn> prepare_concat_from_sequence(const OpCall& call, ExecEnv&) {
  return RunFn([axis = attr<int64_t>(call, "axis"), fresh = attr_or<int64_t>(call, "new_axis", 0) != 0](KernelIo& io) {
    std::vector<Tensor> parts;
    for (const RtValue& v : sequence_of(io.value(0))) parts.push_back(v.tensor());
    if (parts.empty()) bad_input("the sequence is empty");
    const int64_t rank = parts[0].rank();
    io.set(0, fresh ? stack(parts, normalize_axis(axis, rank + 1)) : concat(parts, normalize_axis(axis, rank)));
  });
}

Maybe<RunFn> prepare_split_to_sequence(const OpCall& call, ExecEnv&) {
  return RunFn([stated = attr_or<int64_t>(call, "axis", 0), keepdims = attr_or<int64_t>(call, "keepdims", 1) != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    const int64_t axis = normalize_axis(stated, x.rank()), n = x.dims()[static_cast<std::size_t>(axis)];
    Ints sizes;
    if (!io.has(1)) sizes.assign(static_cast<std::size_t>(n), 1);
    else if (io.in(1).rank() == 0) {
      const auto part = scalar_of<int64_t>(io.in(1));
      if (part < 1) bad_input(fmt::format("a part of {} elements", part));
      for (int64_t left = n; left > 0; left -= part) sizes.push_back(std::min(part, left));
    } else sizes = ints_of(io.in(1));
    RtSequence items;
    int64_t start = 0;
    for (int64_t s : sizes) {
      const bool drop = !io.has(1) && !keepdims;
      items.emplace_back(drop ? select(x, axis, start) : take(x, axis, start, s));
      start += s;
    }
    if (start != n) bad_input(fmt::format("parts of {} elements for an axis of {}", start, n));
    io.set(0, make_sequence(std::move(items), Type::sequence(Type::tensor(x.dtype()))));
  });
}

// SequenceMap: the body runs once an element; inputs that are tensors are the same every time.
Maybe<RunFn> prepare_map(const OpCall& call, ExecEnv& env) {
  const auto* g = call.attrs->get<std::shared_ptr<Graph>>("body");
  if (g == nullptr) bad_input("attribute 'body' is missing");
  return RunFn([&env, &body = **g](KernelIo& io) {
    const std::size_t n = sequence_of(io.value(0)).size();
    std::vector<RtSequence> out(body.outputs().size());
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<RtValue> in;
      for (std::size_t k = 0; k < io.num_inputs(); ++k) {
        if (io.value(k).is_tensor()) in.push_back(io.value(k));
        else if (sequence_of(io.value(k)).size() != n) bad_input("the sequences differ in length");
        else in.push_back(sequence_of(io.value(k))[i]);
      }
      std::vector<RtValue> results = env.run_subgraph(body, std::move(in));
      for (std::size_t o = 0; o < out.size(); ++o) out[o].push_back(std::move(results[o]));
    }
    for (std::size_t o = 0; o < out.size(); ++o) {
      const Type type = out[o].empty() ? Type::sequence(body.outputs()[o]->type) : sequence_type(out[o][0]);
      io.set(o, make_sequence(std::move(out[o]), type));
    }
  });
}

// An optional is its element, or nothing.
Maybe<RunFn> prepare_optional(const OpCall& call, ExecEnv&) {
  const Type* stated = call.attrs->get<Type>("type");
  return RunFn([type = stated ? Type::optional(*stated) : Type()](KernelIo& io) {
    RtValue v = io.has(0) ? io.value(0) : RtValue();
    if (!io.has(0)) v.type = type;
    io.set(0, std::move(v));
  });
}
void run_has_element(KernelIo& io) { io.set(0, Tensor::scalar(io.has(0))); }
void run_get_element(KernelIo& io) {
  if (!io.has(0)) bad_input("the optional is empty");
  io.set(0, io.value(0));
}

constexpr Kernel kKernels[] = {
    {"", "SequenceConstruct", 11, kAnyVersion, simple<run_construct>},
    {"", "SequenceEmpty", 11, kAnyVersion, prepare_empty},
    {"", "SequenceInsert", 11, kAnyVersion, simple<run_insert>},
    {"", "SequenceErase", 11, kAnyVersion, simple<run_erase>},
    {"", "SequenceAt", 11, kAnyVersion, simple<run_at>},
    {"", "SequenceLength", 11, kAnyVersion, simple<run_length>},
    {"", "ConcatFromSequence", 11, kAnyVersion, prepare_concat_from_sequence},
    {"", "SplitToSequence", 11, kAnyVersion, prepare_split_to_sequence},
    {"", "SequenceMap", 17, kAnyVersion, prepare_map},
    {"", "Optional", 15, kAnyVersion, prepare_optional},
    {"", "OptionalHasElement", 15, kAnyVersion, simple<run_has_element>},
    {"", "OptionalGetElement", 15, kAnyVersion, simple<run_get_element>},
};

}  // namespace

std::span<const Kernel> sequence_kernels() { return kKernels; }

}  // namespace onnxopt::ref
