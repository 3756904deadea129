// y = Squeeze (Unsqueeze (x, a), b)  ==>  what is left of one of them, or x;     y = Unsqueeze (Squeeze (x, a), a)  ==>  x
#include <algorithm>

#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

// Both lists are positions of the middle tensor.
bool squeeze_of_unsqueeze(const Node& n, Value* x, const Ints& put, const Ints& taken, Rewriter& rw) {
  Ints left_put, left_taken;
  for (auto p : put)
    if (!contains(taken, p)) left_put.push_back(position_after_squeeze(p, taken));
  for (auto p : taken)
    if (!contains(put, p)) left_taken.push_back(position_after_squeeze(p, put));
  if (left_put.empty() && left_taken.empty()) return becomes(n, rw, x);
  if (left_taken.empty()) return becomes(n, rw, rw.op("Unsqueeze", {x, rw.constant(Tensor::int64s(left_put), "axes")}));
  if (left_put.empty()) return becomes(n, rw, rw.op("Squeeze", {x, rw.constant(Tensor::int64s(left_taken), "axes")}));
  return no(rw, "each has an axis that the other lacks");
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), n.is("Squeeze") ? "Unsqueeze" : "Squeeze");
  if (!inner) return no(rw, "the input is not made by the inverse op");
  const auto a = squeeze_axes(*inner), b = squeeze_axes(n);
  if (!a || !b) return no(rw, "the axes are not known");
  if (n.is("Squeeze")) return squeeze_of_unsqueeze(n, inner->input(0), *a, *b, rw);
  return *a == *b ? becomes(n, rw, inner->input(0)) : no(rw, "the axes differ");
}

}  // namespace

NodeRule cancel_squeeze_unsqueeze() {
  return {"cancel-squeeze-unsqueeze", "Cancel axes that Squeeze and Unsqueeze take out and put back", "Squeeze Unsqueeze", Level::o1, visit};
}

}  // namespace onnxopt
