// y = Dropout (x, ratio?, training_mode?)  ==>  x      in inference
// training_mode must be absent or the constant false, and nobody may read the mask.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (n.input(2) && splat_bool(n.input(2)) != false) return no(rw, "training_mode is not the constant false");
  if (n.output(1) && !n.output(1)->unused()) return no(rw, "the mask is used");
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_dropout() { return {"remove-dropout", "Remove Dropout that is not in training mode", "Dropout", Level::o1, visit}; }

}  // namespace onnxopt
