// y = Squeeze (Squeeze (x, a), b)  ==>  y = Squeeze (x, a and b),     y = Unsqueeze (Unsqueeze (x, a), b)  ==>  y = Unsqueeze (x, a and b)
#include <algorithm>

#include "passes/cleanup/squeeze_axes.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), n.op().name);
  if (!inner) return no(rw, "the input is not made by the same op");
  const auto a = squeeze_axes(*inner), b = squeeze_axes(n);
  if (!a || !b) return no(rw, "the axes are not known");
  // Squeeze: everything as positions of x. Unsqueeze: everything as positions of y, from which taking out b gives the middle tensor.
  Ints merged = n.is("Squeeze") ? *a : *b;
  for (auto p : n.is("Squeeze") ? *b : *a) merged.push_back(position_before_squeeze(p, n.is("Squeeze") ? *a : *b));
  std::sort(merged.begin(), merged.end());
  return becomes(n, rw, rw.op(n.op().name, {inner->input(0), rw.constant(Tensor::int64s(merged), "axes")}));
}

}  // namespace

NodeRule merge_squeezes() { return {"merge-squeezes", "One Squeeze (Unsqueeze) for two in a row", "Squeeze Unsqueeze", Level::o1, visit}; }

}  // namespace onnxopt
