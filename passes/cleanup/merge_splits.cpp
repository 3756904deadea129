// a, b = Split (x);  c, d = Split (a)  ==>  c, d, b = Split (x)      along one axis, where nobody else reads a
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostParts = 64;

std::optional<std::int64_t> axis_of(const Node& split) {
  const Shape* s = shape_of(split.input(0));
  return s && plain(split) ? normalize_axis(split.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
}

// fuse-rotary-embedding knows an embedding of the first part of each head by the Split and the Concat of what is left alone.
bool turns_in_part(const Node& split, const PassContext& ctx) {
  if (!rotary_embeddings_wanted(ctx)) return false;
  for (const Value* v : split.outputs())
    for (const Use& u : v->uses())
      if (u.node->is("Concat")) return true;
  return false;
}

// The Split that alone reads `part`, along the same axis; null: there is none.
const Node* split_further(const Value& part, const Node& split, std::int64_t axis, const PassContext& ctx) {
  if (!part.used_once() || part.uses()[0].index != 0) return nullptr;
  const Node& n = *part.uses()[0].node;
  return n.is("Split") && !n.kept && n.graph() == split.graph() && axis_of(n) == axis && !turns_in_part(n, ctx) ? &n : nullptr;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto axis = axis_of(n);
  if (!axis) return no(rw, "the rank is not known");
  std::vector<const Node*> inner;
  bool any = false;
  for (const Value* v : n.outputs()) {
    inner.push_back(split_further(*v, n, *axis, rw.context()));
    any = any || inner.back();
  }
  if (!any) return no(rw, "no part is split further along the same axis");
  std::vector<Value*> old;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (!inner[i]) old.push_back(n.output(i));
    else old.insert(old.end(), inner[i]->outputs().begin(), inner[i]->outputs().end());
  }
  if (old.size() > kMostParts) return no(rw, "there would be too many parts");
  Ints sizes;
  for (const Value* v : old) {
    const Shape* s = shape_of(v);
    if (!s || !(*s)[static_cast<std::size_t>(*axis)].is_value()) return no(rw, "the sizes of the parts are not known");
    sizes.push_back((*s)[static_cast<std::size_t>(*axis)].value());
  }
  const auto parts = rw.op_n("Split", {n.input(0), rw.constant(Tensor::int64s(sizes), "split")}, {Attribute("axis", *axis)}, old.size());
  for (const Node* i : inner)
    if (i) rw.consume(*i);
  for (std::size_t i = 0; i < old.size(); ++i) rw.replace(old[i], parts[i]);
  return true;
}

}  // namespace

NodeRule merge_splits() { return {"merge-splits", "One Split for a Split and those of its parts", "Split", Level::o1, visit}; }

}  // namespace onnxopt
