#include "passes/opset/profile_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

TypeSet bit(DType t) { return t == DType::undefined ? 0 : TypeSet{1} << static_cast<unsigned>(t); }

TypeSet types_in(const Type& t) {
  if (t.elem) return types_in(*t.elem) | bit(t.dtype);
  return bit(t.dtype);
}

TypeSet types_of_node(const Node& n) {
  TypeSet s = 0;
  for (const Value* v : n.inputs())
    if (v) s |= types_in(v->type);
  for (const Value* v : n.outputs())
    if (v) s |= types_in(v->type);
  if (const auto* t = n.attrs().get<Tensor>("value"); t && *t) s |= bit(t->dtype());
  return s;
}

// What a release that only stores a type still does with it.
bool stores_or_casts(const Node& n) {
  constexpr std::array<std::string_view, 6> kOps{"Cast", "CastLike", "Constant", "DequantizeLinear", "Identity", "QuantizeLinear"};
  return n.op().domain.empty() && std::ranges::binary_search(kOps, n.op().name);
}

template <class F>
void for_each_node(Model& model, F&& f) {
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes()) f(n);
    });
}

}  // namespace

TypeSet types_to_avoid(Model& model, const LoadedTypes& loaded) {
  if (loaded.source.empty()) return 0;
  TypeSet avoid = ~(loaded.all | 1u);
  if (loaded.stored != 0)
    for_each_node(model, [&](const Node& n) {
      if (!stores_or_casts(n)) avoid |= types_of_node(n) & loaded.stored;
    });
  return avoid;
}

void refuse_types(Model& model, TypeSet avoid, const std::string& target, Conversion& c) {
  if (avoid == 0) return;
  for_each_node(model, [&](const Node& n) {
    const TypeSet found = types_of_node(n) & avoid;
    if (found == 0) return;
    ConversionStep s;
    s.node = n.name.empty() && n.output() ? n.output()->name() : n.name;
    s.graph = n.graph()->function() ? n.graph()->function()->name : n.graph()->parent() ? std::string(n.graph()->parent()->op().name) + " body" : "";
    s.from = row_name(n.op());
    s.kind = ConversionStep::Kind::blocked;
    s.refusal = Refusal::type;
    for (int i = 1; i < kNumDTypes; ++i)
      if (has_type(found, static_cast<DType>(i))) s.reason += (s.reason.empty() ? "" : ", ") + std::string(dtype_name(static_cast<DType>(i)));
    s.reason = fmt::format("{} does not load {}", target, s.reason);
    ++c.blocked;
    c.steps.push_back(std::move(s));
  });
}

}  // namespace onnxopt
