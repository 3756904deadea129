// a = Slice (x, s1, e1, axes1, t1);  y = Slice (a, s2, e2, axes2, t2)  ==>  y = Slice (x, ...)
// Axes that only one of the two cuts keep their operands. An axis that both cut is merged where all its bounds count from the front and its steps are
// 1: [s1, e1) then [s2, e2) is [s1 + s2, min(e1, s1 + e2)).
#include <algorithm>

#include "passes/cleanup/slice_spec.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Slice");
  if (!inner) return no(rw, "the input is not a Slice");
  auto first = slice_spec(*inner);
  const auto second = slice_spec(n);
  if (!first || !second) return no(rw, "an operand is not known");
  for (std::size_t i = 0; i < second->axes.size(); ++i) {
    const auto at = std::find(first->axes.begin(), first->axes.end(), second->axes[i]);
    if (at == first->axes.end()) {
      first->starts.push_back(second->starts[i]);
      first->ends.push_back(second->ends[i]);
      first->axes.push_back(second->axes[i]);
      first->steps.push_back(second->steps[i]);
      continue;
    }
    const auto k = static_cast<std::size_t>(at - first->axes.begin());
    std::int64_t &s1 = first->starts[k], &e1 = first->ends[k];
    const std::int64_t s2 = second->starts[i], e2 = second->ends[i];
    if (first->steps[k] != 1 || second->steps[i] != 1 || s1 < 0 || e1 < 0 || s2 < 0 || e2 < 0 || s1 > kToTheEnd / 2 || s2 > kToTheEnd / 2)
      return no(rw, "both cut the same axis, and not simply from the front");
    e1 = std::min(e1, e2 > kToTheEnd - s1 ? kToTheEnd : s1 + e2);
    s1 += s2;
  }
  return becomes(n, rw, rw.op("Slice", slice_inputs(rw, inner->input(0), *first)));
}

}  // namespace

NodeRule merge_slices() { return {"merge-slices", "One Slice for two in a row", "Slice", Level::o1, visit}; }

}  // namespace onnxopt
