// y = CastLike (x, like: T)  ==>  y = Cast <to = T> (x)
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Type& like = n.input(1)->type;
  if (!like.is_tensor() || like.dtype == DType::undefined) return no(rw, "the type to cast to is not known");
  Attrs attrs = n.attrs();  // saturate, round_mode
  attrs.set("to", static_cast<std::int64_t>(like.dtype));
  return becomes(n, rw, rw.op("Cast", {n.input(0)}, std::move(attrs)));
}

}  // namespace

// What inlined functions of torch.export write for their constants: nobody has to wait for `like`, and a constant can be folded.
NodeRule convert_cast_like() { return {"convert-cast-like", "CastLike to Cast where the type is known", "CastLike", Level::o1, visit}; }

}  // namespace onnxopt
