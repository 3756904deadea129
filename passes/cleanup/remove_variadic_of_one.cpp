// y = Sum|Max|Min|Mean (x)  ==>  x
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) { return n.inputs().size() == 1 ? becomes(n, rw, n.input(0)) : no(rw, "there are several inputs"); }

}  // namespace

NodeRule remove_variadic_of_one() {
  return {"remove-variadic-of-one", "Remove Sum, Max, Min and Mean of one tensor", "Sum Max Min Mean", Level::o1, visit};
}

}  // namespace onnxopt
