// a = Gather <axis> (x, c1: 1-D constant);  y = Gather <axis> (a, c2: constant)  ==>  y = Gather <axis> (x, c1[c2])
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Gather");
  if (!inner || !plain(n)) return no(rw, "the input is not a Gather");
  const Tensor *first = inner->input(1)->constant(), *second = n.input(1)->constant();
  const auto rank = rank_of(inner->input(0));
  if (!first || !second || first->rank() != 1 || !rank) return no(rw, "the indices are not constant, or not a list");
  const auto axis = normalize_axis(inner->attr<std::int64_t>("axis"), *rank);
  if (!axis || axis != normalize_axis(n.attr<std::int64_t>("axis"), *rank)) return no(rw, "the axes differ");
  Value* merged = rw.constant(rw.eval("Gather", {*first, *second}), "indices");
  return becomes(n, rw, rw.op("Gather", {inner->input(0), merged}, inner->attrs()));
}

}  // namespace

NodeRule merge_gathers() { return {"merge-gathers", "One Gather for two in a row along one axis", "Gather", Level::o1, visit}; }

}  // namespace onnxopt
