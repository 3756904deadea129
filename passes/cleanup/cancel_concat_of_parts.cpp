// a, b = Split <axis> (x);  y = Concat <axis> (a, b)  ==>  x,   and the same for adjoining Slices of x that take all of it
#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// All outputs of one Split along `axis`, in order.
Value* whole_split(const Node& n, std::int64_t axis) {
  const Node* split = made_by(n.input(0), "Split");
  if (!split || split->outputs().size() != n.inputs().size()) return nullptr;
  const auto rank = rank_of(split->input(0));
  if (!rank || normalize_axis(split->attr<std::int64_t>("axis"), *rank) != axis) return nullptr;
  for (std::size_t i = 0; i < n.inputs().size(); ++i)
    if (n.input(i) != split->output(i)) return nullptr;
  return split->input(0);
}

Value* whole_slices(const Node& n, std::int64_t axis) {
  Value* x = nullptr;
  std::int64_t at = 0;
  for (const Value* v : n.inputs()) {
    const Node* slice = made_by(v, "Slice");
    if (!slice || (x && slice->input(0) != x)) return nullptr;
    x = slice->input(0);
    const auto s = single_span(*slice);
    if (!s || s->axis != axis || s->start != at) return nullptr;
    at = s->end;
    if (v == n.inputs().back() && at != s->dim) return nullptr;
  }
  return x;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto rank = rank_of(n.output());
  const auto axis = rank && plain(n) ? normalize_axis(n.attr<std::int64_t>("axis"), *rank) : std::nullopt;
  if (!axis) return no(rw, "the rank is not known");
  Value* x = whole_split(n, *axis);
  if (!x) x = whole_slices(n, *axis);
  return x ? becomes(n, rw, x) : no(rw, "the inputs are not all parts of one tensor in order");
}

}  // namespace

NodeRule cancel_concat_of_parts() {
  return {"cancel-concat-of-parts", "Concat that puts the parts of one tensor together again", "Concat", Level::o1, visit};
}

}  // namespace onnxopt
