// y = Cast <to = T> (x: T)  ==>  x,      y = CastLike (x: T, like: T)  ==>  x
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Value* x = n.input(0);
  if (!x->type.is_tensor() || x->type.dtype == DType::undefined || !plain(n)) return no(rw, "the element type of the input is not known");
  DType to = DType::undefined;
  if (n.is("Cast")) to = static_cast<DType>(n.attr<std::int64_t>("to"));
  else if (n.input(1)->type.is_tensor()) to = n.input(1)->type.dtype;
  return to == x->type.dtype ? becomes(n, rw, n.input(0)) : no(rw, "the element type changes");
}

}  // namespace

NodeRule remove_cast() { return {"remove-cast", "Remove casts to the type that a tensor already has", "Cast CastLike", Level::o1, visit}; }

}  // namespace onnxopt
