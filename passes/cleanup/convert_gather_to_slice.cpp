// y = Gather <axis> (x, [k, k+1, .. k+n-1])  ==>  y = Slice (x, k, k+n)      n >= 2, inside a dim that is a number
// Slices merge with each other, with Concat and into Split.
#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Shape* s = shape_of(n.input(0));
  const auto indices = n.input(1)->constant() && n.input(1)->constant()->rank() == 1 ? known_ints(n.input(1)) : std::nullopt;
  if (!s || !indices || indices->size() < 2 || !plain(n)) return no(rw, "the indices are not a constant list");
  const auto axis = normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size()));
  if (!axis || !(*s)[static_cast<std::size_t>(*axis)].is_value()) return no(rw, "the dim is not a number");
  const auto d = (*s)[static_cast<std::size_t>(*axis)].value();
  const auto first = indices->front() < 0 ? indices->front() + d : indices->front();
  for (std::size_t i = 0; i < indices->size(); ++i) {
    const auto at = (*indices)[i] < 0 ? (*indices)[i] + d : (*indices)[i];
    if (at != first + static_cast<std::int64_t>(i) || at < 0 || at >= d) return no(rw, "the indices are not a run");
  }
  if (static_cast<std::int64_t>(indices->size()) == d) return no(rw, "nothing is left out");  // remove-gather's
  const SliceSpec spec{{first}, {first + static_cast<std::int64_t>(indices->size())}, {*axis}, {1}};
  return becomes(n, rw, rw.op("Slice", slice_inputs(rw, n.input(0), spec)));
}

}  // namespace

NodeRule convert_gather_to_slice() { return {"convert-gather-to-slice", "Gather of a run of indices is a Slice", "Gather", Level::o1, visit}; }

}  // namespace onnxopt
