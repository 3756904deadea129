// y = Slice (x, starts, ends, axes)  ==>  the same with constant bounds
// Bounds that are computed from x's own shape: an end that is the dim itself becomes "to the end", dim - k becomes -k (where dim >= k provably, or k
// is 1).
#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

// The constant that means `bound` on a dim of size `d`.
std::optional<std::int64_t> as_constant(Dim bound, Dim d, bool is_end, SymbolTable& symbols) {
  if (bound.is_value()) return bound.value();
  if (is_end && symbols.provably_ge(bound, d)) return kToTheEnd;
  const Dim back = symbols.sub(bound, d);
  if (back.is(-1)) return -1;  // of an empty dim -1 comes out, which is nothing there too
  if (back.is_value() && back.value() < 0 && symbols.provably_ge(bound, Dim(std::int64_t{0}))) return back.value();
  return std::nullopt;
}

bool visit(const Node& n, Rewriter& rw) {
  if (n.input(1)->constant() && n.input(2)->constant()) return no(rw, "the bounds are constant already");
  const auto starts = known_dims(n.input(1)), ends = known_dims(n.input(2));
  const Shape* shape = shape_of(n.input(0));
  if (!starts || !ends || !shape || starts->size() != ends->size()) return no(rw, "a bound is not known");
  auto axes = n.input(3) ? known_ints(n.input(3)) : std::nullopt;
  if (n.input(3) && (!axes || axes->size() != starts->size())) return no(rw, "the axes are not known");
  auto steps = n.input(4) ? known_ints(n.input(4)) : std::nullopt;
  if (n.input(4) && (!steps || steps->size() != starts->size())) return no(rw, "the steps are not known");
  SliceSpec s;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const auto axis = normalize_axis(axes ? (*axes)[i] : static_cast<std::int64_t>(i), static_cast<std::int64_t>(shape->size()));
    const auto step = steps ? (*steps)[i] : 1;
    if (!axis || step <= 0) return no(rw, "a step is not positive");
    const Dim d = (*shape)[static_cast<std::size_t>(*axis)];
    const auto start = as_constant((*starts)[i], d, false, rw.symbols()), end = as_constant((*ends)[i], d, true, rw.symbols());
    if (!start || !end) return no(rw, "a bound is not known");
    s.starts.push_back(*start);
    s.ends.push_back(*end);
    s.axes.push_back(*axis);
    s.steps.push_back(step);
  }
  return becomes(n, rw, rw.op("Slice", slice_inputs(rw, n.input(0), s)));
}

}  // namespace

NodeRule fold_slice_bounds() { return {"fold-slice-bounds", "Make computed bounds of Slice constant", "Slice", Level::o1, visit}; }

}  // namespace onnxopt
