// y = ArgMax <axis> (Softmax|LogSoftmax <axis> (x))  ==>  y = ArgMax <axis> (x)
// O3: values that only differ below the precision of the softmax are told apart afterwards, which is nearer to the truth; but the softmax of a row
// with NaN or +Inf is NaN all over and its ArgMax is 0, which the row's own ArgMax need not be. The softmax has no other reader.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Softmax");
  if (!inner) inner = made_by(n.input(0), "LogSoftmax");
  const auto rank = rank_of(n.input(0));
  if (!inner || !rank || !plain(n)) return no(rw, "the input is not made by Softmax");
  if (!n.input(0)->used_once()) return no(rw, "the Softmax has another reader");
  if (normalize_axis(n.attr<std::int64_t>("axis"), *rank) != normalize_axis(inner->attr<std::int64_t>("axis"), *rank))
    return no(rw, "the axes differ");
  return becomes(n, rw, rw.op("ArgMax", {inner->input(0)}, n.attrs()));
}

}  // namespace

NodeRule remove_softmax_before_argmax() {
  return {"remove-softmax-before-argmax", "The largest logit has the largest probability", "ArgMax", Level::o3, visit};
}

}  // namespace onnxopt
