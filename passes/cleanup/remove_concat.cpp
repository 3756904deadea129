// y = Concat (x)  ==>  x,  and inputs that are empty along the axis are dropped
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (n.inputs().size() == 1) return becomes(n, rw, n.input(0));
  std::vector<Value*> kept;
  for (Value* v : n.inputs()) {
    const Shape* s = shape_of(v);
    const auto axis = s ? normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
    if (!axis || !(*s)[static_cast<std::size_t>(*axis)].is(0)) kept.push_back(v);
  }
  if (kept.empty()) return becomes(n, rw, n.input(0));
  if (kept.size() == n.inputs().size()) return no(rw, "no input is provably empty");
  return becomes(n, rw, kept.size() == 1 ? kept[0] : rw.op("Concat", kept, n.attrs()));
}

}  // namespace

NodeRule remove_concat() { return {"remove-concat", "Remove Concat of one tensor, and its empty inputs", "Concat", Level::o1, visit}; }

}  // namespace onnxopt
