// SequenceMap, and Identity of a sequence.
#include <memory>

#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"
#include "passes/opset/sequence_map.h"

namespace onnxopt {
namespace {

// How many elements a sequence has, if what makes it says so.
std::optional<std::int64_t> known_length(const Value* v) {
  std::int64_t more = 0;
  for (;;) {
    const Node* n = v ? v->producer() : nullptr;
    if (!n || n->kept) return std::nullopt;
    if (n->is("SequenceConstruct")) return static_cast<std::int64_t>(n->inputs().size()) + more;
    if (n->is("SequenceEmpty")) return more;
    if (!n->is("SequenceInsert") && !n->is("SequenceErase") && !n->is("Identity")) return std::nullopt;
    more += n->is("SequenceInsert") ? 1 : n->is("SequenceErase") ? -1 : 0;
    v = n->input(0);
  }
}

}  // namespace

std::string unroll_sequence_map(Node& n, const OutputOpsets& target, ConstantPool& pool) {
  constexpr std::int64_t kMost = 1024;
  const auto count = known_length(n.input(0));
  const auto* held = n.attrs().get<std::shared_ptr<Graph>>("body");
  if (!count || *count < 0 || *count > kMost || !held || (*held)->inputs().size() != n.inputs().size()) return "";
  const Graph& body = **held;
  for (const Value* v : body.outputs())
    if (!v->type.is_tensor() || v->type.dtype == DType::undefined) return "";
  Expansion e(n, target, pool);
  std::vector<std::vector<Value*>> results(body.outputs().size());
  for (std::int64_t k = 0; k < *count; ++k) {
    std::unordered_map<const Value*, Value*> map;
    for (std::size_t i = 0; i < n.inputs().size(); ++i)
      map[body.inputs()[i]] = n.input(i)->type.kind == Type::Kind::sequence ? e.op("SequenceAt", {n.input(i), e.index(k)}) : n.input(i);
    clone_nodes(body, *n.graph(), &n, map);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto it = map.find(body.outputs()[i]);
      Value* made = it == map.end() ? body.outputs()[i] : it->second;
      results[i].push_back(e.op("Identity", {made}));
    }
  }
  std::string made;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Type element = Type::tensor(body.outputs()[i]->type.dtype);
    Value* y = *count > 0 ? e.op("SequenceConstruct", results[i])
                          : e.op("SequenceEmpty", {}, {{"dtype", static_cast<std::int64_t>(body.outputs()[i]->type.dtype)}});
    y->type = Type::sequence(element);
    made += (made.empty() ? "" : ", ") + std::string(y->producer()->op().name);
    e.result(i, y);
  }
  e.commit();
  return made;
}

namespace expand_fn {
namespace {

using Body = ExpansionBody;

Type scalar_type(DType t) { return Type::tensor(t, Dims{}); }

// Loops carry no sequences before opset 13: the results stand behind one another in a tensor, which is split in the end. At most one of their sizes
// is not known.
std::string map_into_one(Expansion& e, const Graph& body) {
  struct Joined {
    DType dtype;
    Shape shape;
    std::int64_t axis;  // along which they are joined; of scalars a new one
  };
  std::vector<Joined> joined;
  for (const Value* v : body.outputs()) {
    const Shape* s = Expansion::shape_of(v);
    if (!s) return "the rank of the results is not known";
    Joined j{v->type.dtype, *s, 0};
    std::size_t unknown = 0;
    for (std::size_t k = 0; k < s->size(); ++k)
      if (!(*s)[k].is_value()) ++unknown, j.axis = static_cast<std::int64_t>(k);
    if (unknown > 1) return "no decomposition: results of several unknown sizes, before opset 13";
    if (s->empty()) j.shape = Shape{Dim(1)};
    joined.push_back(std::move(j));
  }
  Body loop(e, "map");
  Value* i = loop.input("i", scalar_type(DType::int64));
  Value* go = loop.input("go", scalar_type(DType::boolean));
  std::vector<Value*> carried, in, given{e.op("SequenceLength", {e.in(0)}), e.tensor(Tensor::scalar<bool>(true), "go")};
  std::vector<Type> types;
  for (const Joined& j : joined) {
    Dims none;
    for (const Dim& d : j.shape) none.push_back(d.is_value() ? d.value() : 0);
    none[static_cast<std::size_t>(j.axis)] = 0;
    Shape open = j.shape;
    open[static_cast<std::size_t>(j.axis)] = Dim();
    types.push_back(Type::tensor(j.dtype, open));
    carried.push_back(loop.input("results", types.back()));
    given.push_back(e.tensor(j.dtype == DType::string ? Tensor::from_strings(none, {}) : Tensor::zeros(j.dtype, none), "none"));
  }
  for (std::size_t k = 0; k < e.node().inputs().size(); ++k)
    in.push_back(e.in(k)->type.kind == Type::Kind::sequence ? loop.op("SequenceAt", {e.in(k), i}) : e.in(k));
  const auto outs = loop.copy_of(body, in);
  loop.output(go, go->type);
  std::vector<Value*> sizes;
  for (std::size_t k = 0; k < outs.size(); ++k) {
    const Joined& j = joined[k];
    const bool scalar = Expansion::shape_of(body.outputs()[k])->empty();
    Value* one = scalar ? loop.op("Reshape", {outs[k], e.ints({1})}) : outs[k];
    loop.output(loop.op("Concat", {carried[k], one}, {{"axis", j.axis}}), types[k]);
    sizes.push_back(loop.op("Gather", {loop.op("Shape", {one}), e.index(j.axis)}, {{"axis", std::int64_t{0}}}));
  }
  for (Value* s : sizes) loop.output(s, scalar_type(DType::int64));
  Node& n = e.make("Loop", std::move(given), {}, 2 * outs.size());
  loop.give_to(n);
  for (std::size_t k = 0; k < outs.size(); ++k) {
    n.output(k)->type = types[k];
    n.output(outs.size() + k)->type = Type::tensor(DType::int64, Shape{Dim()});
    if (!e.node().output(k)) continue;
    const bool scalar = Expansion::shape_of(body.outputs()[k])->empty();
    std::vector<Value*> split{n.output(k)};
    if (!scalar) split.push_back(n.output(outs.size() + k));
    e.result(k, e.op("SplitToSequence", std::move(split), {{"axis", joined[k].axis}, {"keepdims", std::int64_t{scalar ? 0 : 1}}}));
  }
  return "";
}

}  // namespace

// A Loop that carries the sequences of results.
std::string sequence_map(Expansion& e) {
  const auto* body = e.node().attrs().get<std::shared_ptr<Graph>>("body");
  if (e.opset() < 11) return "no decomposition: sequences of unknown length, before opset 11";
  if (!body || (*body)->inputs().size() != e.node().inputs().size()) return "no decomposition: this form of SequenceMap";
  const auto outputs = (*body)->outputs();
  for (const Value* v : outputs)
    if (!v->type.is_tensor() || v->type.dtype == DType::undefined) return "the type of the elements is not known";
  for (std::size_t k = 0; k < e.node().inputs().size(); ++k)
    if (e.in(k)->type.kind == Type::Kind::unknown) return "the type of the inputs is not known";
  if (e.opset() < 13) return map_into_one(e, **body);
  Body loop(e, "map");
  Value* i = loop.input("i", scalar_type(DType::int64));
  Value* go = loop.input("go", scalar_type(DType::boolean));
  std::vector<Value*> carried, in, given{e.op("SequenceLength", {e.in(0)}), e.tensor(Tensor::scalar<bool>(true), "go")};
  std::vector<Type> types;
  for (const Value* v : outputs) {
    types.push_back(Type::sequence(Type::tensor(v->type.dtype)));
    carried.push_back(loop.input("results", types.back()));
    given.push_back(e.op("SequenceEmpty", {}, {{"dtype", static_cast<std::int64_t>(v->type.dtype)}}));
  }
  for (std::size_t k = 0; k < e.node().inputs().size(); ++k)
    in.push_back(e.in(k)->type.kind == Type::Kind::sequence ? loop.op("SequenceAt", {e.in(k), i}) : e.in(k));
  const auto outs = loop.copy_of(**body, in);
  loop.output(go, go->type);
  for (std::size_t k = 0; k < outs.size(); ++k) loop.output(loop.op("SequenceInsert", {carried[k], outs[k]}), types[k]);
  Node& n = e.make("Loop", std::move(given), {}, outs.size());
  loop.give_to(n);
  for (std::size_t k = 0; k < outs.size(); ++k) {
    n.output(k)->type = types[k];
    if (e.node().output(k)) e.result(k, n.output(k));
  }
  return "";
}

// Sequences came with opset 14: an element is put in, and taken out again.
std::string identity(Expansion& e) {
  const Type& t = e.in(0)->type;
  if (t.kind != Type::Kind::sequence || e.opset() < 11 || !t.elem || !t.elem->is_tensor() || t.elem->dtype == DType::undefined) return kOtherReason;
  const DType d = t.elem->dtype;
  Value* any = e.tensor(d == DType::string ? Tensor::from_strings({1}, {""}) : Tensor::zeros(d, {1}), "any");
  e.result(0, e.op("SequenceErase", {e.op("SequenceInsert", {e.in(0), any})}));
  return "";
}

}  // namespace expand_fn
}  // namespace onnxopt
