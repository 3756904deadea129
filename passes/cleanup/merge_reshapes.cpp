// a = Reshape|Squeeze|Unsqueeze|Flatten (x, ...);  y = Reshape|Squeeze|Unsqueeze|Flatten (a, ...)  ==>  y = Reshape (x, shape)
// The new operand is a constant that gives y's shape from x's, or y's own operand where it says nothing about a's dims.
#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

// The operand means the same for any input: no element copies a dim of the input.
bool copies_nothing(const Node& n, const DimList& operand, SymbolTable& symbols) {
  if (n.attr<std::int64_t>("allowzero") != 0) return true;
  for (Dim d : operand)
    if (!d.is(-1) && !at_least_one(d, symbols)) return false;
  return true;
}

bool visit(const Node& n, Rewriter& rw) {
  Value* a = n.input(0);
  Value* x = before_reshape(a);
  if (!x || !plain(n)) return no(rw, "the input is not a Reshape");
  if (same_after_reshape(x, n.output())) return becomes(n, rw, x);
  if ((n.is("Squeeze") || n.is("Unsqueeze")) && a->producer()->is(n.op().name)) return no(rw, "a pair of the same op is merged as such");
  const auto given = n.is("Reshape") ? known_dims(n.input(1)) : std::nullopt;
  if (given && n.is("Reshape") && copies_nothing(n, *given, rw.symbols())) return becomes(n, rw, rw.op("Reshape", {x, n.input(1)}, n.attrs()));
  const Shape* out = shape_of(n.output());
  const Shape* from = shape_of(x);
  if (const auto axes = out && from ? inserted_ones(*from, *out) : std::nullopt; axes && !axes->empty())
    return becomes(n, rw, rw.op("Unsqueeze", {x, rw.constant(Tensor::int64s(*axes), "axes")}));
  const auto operand = out ? reshape_operand(*out, x, rw.symbols(), given ? &*given : nullptr) : std::nullopt;
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  return becomes(n, rw, rw.op("Reshape", {x, rw.constant(Tensor::int64s(*operand), "shape")}));
}

}  // namespace

NodeRule merge_reshapes() {
  return {"merge-reshapes", "One Reshape for a run of Reshape, Squeeze, Unsqueeze and Flatten", "Reshape Squeeze Unsqueeze Flatten", Level::o1,
          visit};
}

}  // namespace onnxopt
