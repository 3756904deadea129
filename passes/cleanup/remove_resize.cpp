// y = Resize (x, roi?, scales | sizes)  ==>  x      where the size stays and nothing is cropped
// O2: with cubic or linear interpolation an infinite neighbour times weight 0 would give NaN.
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  if (!plain(n) || n.attr<std::string>("coordinate_transformation_mode") == "tf_crop_and_resize") return no(rw, "Resize crops");
  const bool scales = n.input(2) && (!n.input(2)->constant() || n.input(2)->constant()->size() > 0);
  if (scales) return splat(n.input(2)) == 1.0 ? becomes(n, rw, n.input(0)) : no(rw, "a scale is not the constant 1");
  return same_shape(n.input(0), n.output()) ? becomes(n, rw, n.input(0)) : no(rw, "the sizes are not provably x's");
}

}  // namespace

NodeRule remove_resize() { return {"remove-resize", "Remove Resize to the same size", "Resize", Level::o2, visit}; }

}  // namespace onnxopt
