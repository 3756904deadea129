#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "ir/core/element.h"
#include "ir/ops/op_table.h"
#include "tests/tools/fuzz_mutations.h"

namespace onnxopt::fuzz {

std::vector<Node*> all_nodes(Model& m) {
  std::vector<Node*> r;
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes()) r.push_back(&n);
    });
  return r;
}

std::vector<Value*> all_constants(Model& m) {
  std::vector<Value*> r;
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Value* v : g.constants()) r.push_back(v);
    });
  return r;
}

std::vector<Value*> free_inputs(Model& m) {
  std::vector<Value*> r;
  for (Value* v : m.graph().inputs())
    if (!v->constant()) r.push_back(v);
  return r;
}

void set_input_type(Value& v, const Type& t) {
  v.type = t;
  v.make_extra().declared = t;
  v.make_extra().has_declared = true;
}

const OpSchema* row(const Model& m, std::string_view name) { return find_op("", name, static_cast<int>(m.opset(""))); }

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kFloats[] = {0, 0, 1, 1, -1, -0.0, 0.5, 2, 3, -2, 1e30, -1e30, 1e-30, 1e-8, 6, kInfinity, -kInfinity, std::nan("")};
constexpr std::int64_t kInts[] = {0, 0, 1, 1, -1, -1, 2, 3, -2, -3, 4, 5, 1000, -1000, INT32_MAX, INT64_MAX, INT64_MIN, INT64_MIN + 1};

bool is_numeric(const Tensor& t) {
  return carrier_of(t.dtype()) == Carrier::f64 || carrier_of(t.dtype()) == Carrier::i64 || carrier_of(t.dtype()) == Carrier::u64;
}

// Every element through f(element, index), in the carrier of its type.
template <class F>
Tensor mapped(const Tensor& t, F&& f) {
  std::vector<std::byte> bytes(t.bytes().begin(), t.bytes().end());
  for (std::int64_t i = 0; i < t.size(); ++i) {
    if (is_float(t.dtype())) store_element<double>(t.dtype(), bytes.data(), i, f(load_element<double>(t.dtype(), t.bytes().data(), i), i));
    else store_element<std::int64_t>(t.dtype(), bytes.data(), i, f(load_element<std::int64_t>(t.dtype(), t.bytes().data(), i), i));
  }
  return Tensor::from_bytes(t.dtype(), t.dims(), std::move(bytes));
}

Value* numeric_constant(Model& m, Random& random) {
  std::vector<Value*> all = all_constants(m);
  std::erase_if(all, [](Value* v) { return !is_numeric(*v->constant()) || v->constant()->size() > 4096; });
  return all.empty() ? nullptr : pick(all, random);
}

void replace(Value& v, const Tensor& t) {
  v.graph()->set_constant(v, t);
  if (v.is_graph_input()) set_input_type(v, v.type);
}

bool fill(Model& m, MutationContext& c) {
  Value* v = numeric_constant(m, c.random);
  if (!v) return false;
  const double x = pick(std::span<const double>(kFloats), c.random);
  const std::int64_t i = pick(std::span<const std::int64_t>(kInts), c.random);
  replace(*v, mapped(*v->constant(), [&](auto e, std::int64_t) -> decltype(e) {
    if constexpr (std::is_same_v<decltype(e), double>) return x;
    else return i;
  }));
  return true;
}

bool one_element(Model& m, MutationContext& c) {
  Value* v = numeric_constant(m, c.random);
  if (!v || v->constant()->size() == 0) return false;
  const std::int64_t at = c.random.below(v->constant()->size());
  const double x = pick(std::span<const double>(kFloats), c.random);
  const std::int64_t i = pick(std::span<const std::int64_t>(kInts), c.random);
  const bool step = c.random.below(2) == 0;
  replace(*v, mapped(*v->constant(), [&](auto e, std::int64_t k) -> decltype(e) {
    if (k != at) return e;
    if (step) return e < 100 ? e + 1 : e;
    if constexpr (std::is_same_v<decltype(e), double>) return x;
    else return i;
  }));
  return true;
}

bool negate(Model& m, MutationContext& c) {
  Value* v = numeric_constant(m, c.random);
  if (!v) return false;
  replace(*v, mapped(*v->constant(), [](auto e, std::int64_t) -> decltype(e) {
    if constexpr (std::is_same_v<decltype(e), double>) return -e;
    else return static_cast<std::int64_t>(-static_cast<std::uint64_t>(e));
  }));
  return true;
}

bool uneven(Model& m, MutationContext& c) {  // elements that all differ
  Value* v = numeric_constant(m, c.random);
  if (!v || !is_float(v->constant()->dtype())) return false;
  Random random(c.random.next());
  replace(*v, mapped(*v->constant(), [&](auto e, std::int64_t) -> decltype(e) { return static_cast<decltype(e)>(4 * random.unit() - 2); }));
  return true;
}

bool reshaped(Model& m, MutationContext& c) {  // scalar, [1], [1,1], ones in front or behind taken or given
  Value* v = numeric_constant(m, c.random);
  if (!v) return false;
  Dims d = v->constant()->dims();
  switch (c.random.below(5)) {
    case 0: d.insert(d.begin(), 1); break;
    case 1: d.push_back(1); break;
    case 2: std::erase(d, 1); break;
    case 3:
      if (!d.empty() && d[0] == 1) d.erase(d.begin());
      else d.insert(d.begin(), 2, 1);
      break;
    default:
      if (d.size() < 2) return false;
      std::swap(d[0], d[1]);
  }
  if (d == v->constant()->dims()) return false;
  replace(*v, v->constant()->reshaped(d));
  return true;
}

// Along one axis only element `from` and on, `count` of them, repeated as needed.
Tensor along_axis(const Tensor& t, std::size_t axis, std::int64_t count) {
  Dims d = t.dims();
  std::int64_t inner = 1;
  for (std::size_t i = axis + 1; i < d.size(); ++i) inner *= d[i];
  const std::int64_t old = d[axis];
  d[axis] = count;
  std::vector<std::byte> bytes(raw_byte_size(t.dtype(), d));
  const std::int64_t n = element_count(d);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t outer = i / (inner * count), at = i / inner % count % old, from = (outer * old + at) * inner + i % inner;
    if (is_float(t.dtype())) store_element<double>(t.dtype(), bytes.data(), i, load_element<double>(t.dtype(), t.bytes().data(), from));
    else store_element<std::int64_t>(t.dtype(), bytes.data(), i, load_element<std::int64_t>(t.dtype(), t.bytes().data(), from));
  }
  return Tensor::from_bytes(t.dtype(), d, std::move(bytes));
}

bool resized(Model& m, MutationContext& c) {
  Value* v = numeric_constant(m, c.random);
  if (!v || v->constant()->rank() == 0 || v->constant()->size() == 0) return false;
  const auto axis = static_cast<std::size_t>(c.random.below(v->constant()->rank()));
  const std::int64_t old = v->constant()->dims()[axis];
  static constexpr std::int64_t kWays = 5;
  const std::int64_t now[kWays] = {1, old + 1, old - 1, 2 * old, 0};
  const std::int64_t count = now[c.random.below(kWays)];
  if (count < 0 || count == old || count > 64) return false;
  replace(*v, along_axis(*v->constant(), axis, count));
  return true;
}

bool shuffled(Model& m, MutationContext& c) {
  Value* v = numeric_constant(m, c.random);
  if (!v || v->constant()->size() < 2 || is_float(v->constant()->dtype())) return false;
  const std::int64_t n = v->constant()->size(), a = c.random.below(n), b = c.random.below(n);
  const Tensor t = *v->constant();
  const auto at = [&](std::int64_t i) { return load_element<std::int64_t>(t.dtype(), t.bytes().data(), i); };
  replace(*v, mapped(t, [&](auto e, std::int64_t k) -> decltype(e) {
    return k == a ? static_cast<decltype(e)>(at(b)) : k == b ? static_cast<decltype(e)>(at(a)) : e;
  }));
  return a != b;
}

bool to_input(Model& m, MutationContext& c) {
  std::vector<Value*> all = m.graph().constants();
  std::erase_if(all, [](Value* v) { return v->is_graph_input() || v->is_graph_output(); });
  if (all.empty()) return false;
  Value* v = pick(all, c.random);
  if (c.random.below(4) == 0 && m.ir_version >= 4) {  // a default that may be overridden
    const Tensor t = *v->constant();
    Value& in = m.graph().add_input("with_default", v->type);
    set_input_type(in, v->type);
    m.graph().replace_all_uses(*v, in);
    m.graph().set_constant(in, t);
    return true;
  }
  Type t = v->type;
  for (Dim& d : *t.shape)
    if (c.random.below(3) == 0) d = Dim();
  Value& in = m.graph().add_input("was_constant", t);
  set_input_type(in, t);
  m.graph().replace_all_uses(*v, in);
  return true;
}

bool from_input(Model& m, MutationContext& c) {
  std::vector<Value*> all = free_inputs(m);
  std::erase_if(all, [](Value* v) { return !v->type.is_tensor() || !v->type.shape || v->is_graph_output() || bit_width(v->type.dtype) < 8; });
  if (all.empty()) return false;
  Value* v = pick(all, c.random);
  Dims d;
  for (const Dim& s : *v->type.shape) d.push_back(s.is_value() ? s.value() : 1 + c.random.below(3));
  if (element_count(d) > 4096 || is_complex(v->type.dtype)) return false;
  Random random(c.random.next());
  const Tensor t =
      mapped(Tensor::zeros(v->type.dtype, d), [&](auto e, std::int64_t) -> decltype(e) { return static_cast<decltype(e)>(4 * random.unit() - 1); });
  Value& constant = m.graph().add_constant("was_input", t);
  m.graph().replace_all_uses(*v, constant);
  for (std::size_t i = 0; i < m.graph().inputs().size(); ++i)
    if (m.graph().inputs()[i] == v) {
      m.graph().remove_input(i);
      break;
    }
  return true;
}

bool shared(Model& m, MutationContext& c) {  // one constant takes the place of another, or gets a reader more
  std::vector<Value*> all = m.graph().constants();
  if (all.empty()) return false;
  Value* v = pick(all, c.random);
  for (Value* w : all)
    if (w != v && !w->is_graph_output() && w->type == v->type && c.random.below(2) == 0) {
      m.graph().replace_all_uses(*w, *v);
      return true;
    }
  Node& n = m.graph().append(*row(m, "Identity"), {v});
  m.graph().add_output(*n.output());
  n.output()->set_name("reads_constant");
  return true;
}

bool input_dim(Model& m, MutationContext& c) {
  std::vector<Value*> all = free_inputs(m);
  std::erase_if(all, [](Value* v) { return !v->type.is_tensor() || !v->type.shape; });
  if (all.empty()) return false;
  Value* v = pick(all, c.random);
  Type t = v->type;
  if (c.random.below(8) == 0 || t.shape->empty()) {
    if (c.random.below(2) == 0) t.shape.reset();
    else t.shape->insert(t.shape->begin(), Dim(1 + c.random.below(2)));
    set_input_type(*v, t);
    return true;
  }
  Dim& d = (*t.shape)[static_cast<std::size_t>(c.random.below(t.rank()))];
  static constexpr const char* kNames[] = {"N", "M", "N", "K"};
  switch (c.random.below(8)) {
    case 0: d = Dim(0); break;
    case 1:
    case 2: d = Dim(1); break;
    case 3: d = Dim(2 + c.random.below(4)); break;
    case 4: d = Dim(); break;
    default: d = m.symbols().symbol(kNames[c.random.below(4)]);
  }
  set_input_type(*v, t);
  return true;
}

bool all_symbolic(Model& m, MutationContext& c) {
  std::map<std::int64_t, Dim> names;
  int next = 0;
  const bool consistent = c.random.below(2) == 0;
  for (Value* v : free_inputs(m)) {
    if (!v->type.is_tensor() || !v->type.shape) continue;
    Type t = v->type;
    for (Dim& d : *t.shape) {
      if (!d.is_value()) continue;
      Dim& name = names[consistent ? d.value() : next];
      if (name.is_unknown()) name = m.symbols().symbol("S" + std::to_string(next++));
      d = name;
    }
    set_input_type(*v, t);
  }
  return next > 0;
}

constexpr MutationKind kKinds[] = {{"fill a constant", 6, fill},         {"one element of a constant", 8, one_element},
                                   {"negate a constant", 2, negate},     {"uneven constant", 3, uneven},
                                   {"reshape a constant", 6, reshaped},  {"resize a constant", 6, resized},
                                   {"shuffle a constant", 3, shuffled},  {"constant to input", 3, to_input},
                                   {"input to constant", 3, from_input}, {"share a constant", 3, shared},
                                   {"dim of an input", 10, input_dim},   {"symbolic inputs", 3, all_symbolic}};

}  // namespace

std::span<const MutationKind> constant_mutations() { return kKinds; }

}  // namespace onnxopt::fuzz
