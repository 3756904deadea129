// y = Reshape (Transpose <perm> (Reshape (x)))   ==>   y = Transpose <perm'> (Reshape (x))
// where the last Reshape only divides dims, or drops and adds ones: then it may as well be done before the Transpose, and merges with the first.
// For Squeeze and Unsqueeze too.
#include <algorithm>

#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {
namespace {

constexpr std::size_t kMostPieces = 4;

// For each dim of `in` the run of dims of `out` that it is divided into; nullopt: not only divisions. An empty run: a 1 that is dropped.
std::optional<std::vector<std::size_t>> divisions(const Shape& in, const Shape& out, SymbolTable& symbols) {
  std::vector<std::size_t> lengths;
  std::size_t o = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    std::size_t taken = 0;
    if (o < out.size() && same(in[i], out[o])) taken = 1;
    else if (in[i].is(1)) taken = 0;
    else {
      Dim product(1);
      while (o + taken < out.size() && !same(product, in[i]) && taken < kMostPieces) product = symbols.mul(product, out[o + taken++]);
      if (!same(product, in[i])) return std::nullopt;
    }
    o += taken;
    while (o < out.size() && out[o].is(1) && !(i + 1 < in.size() && in[i + 1].is(1))) ++o, ++taken;  // added ones go with the dim in front
    lengths.push_back(taken);
  }
  return o == out.size() ? std::optional(lengths) : std::nullopt;
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* transpose = made_by(n.input(0), "Transpose");
  if (!transpose || !plain(n) || !n.input(0)->used_once()) return no(rw, "the input is not a Transpose that nobody else reads");
  const Value* source = transpose->input(0);
  Value* x = before_reshape(source);
  if (!x || !source->used_once()) return no(rw, "no Reshape that nobody else reads in front of the Transpose");
  const Ints* perm = transpose->attrs().get<Ints>("perm");
  const Shape *from = shape_of(source), *mid = shape_of(n.input(0)), *out = shape_of(n.output());
  if (!perm || !from || !mid || !out || perm->size() != from->size()) return no(rw, "a rank or perm is not known");
  const auto lengths = divisions(*mid, *out, rw.symbols());
  if (!lengths) return no(rw, "the Reshape behind does more than divide dims");
  // `out` begins at starts[k] for dim k of the transposed tensor; the same dims in the order before the Transpose.
  std::vector<std::size_t> starts;
  std::size_t at = 0;
  for (const std::size_t l : *lengths) {
    starts.push_back(at);
    at += l;
  }
  Shape before;
  Ints order(out->size());  // new perm: position of each dim of `out` in `before`
  for (std::size_t source_dim = 0; source_dim < perm->size(); ++source_dim) {
    const auto k = static_cast<std::size_t>(std::find(perm->begin(), perm->end(), static_cast<std::int64_t>(source_dim)) - perm->begin());
    for (std::size_t j = 0; j < (*lengths)[k]; ++j) {
      order[starts[k] + j] = static_cast<std::int64_t>(before.size());
      before.push_back((*out)[starts[k] + j]);
    }
  }
  const auto operand = reshape_operand(before, x, rw.symbols());
  if (!operand) return no(rw, "no constant shape operand gives this shape");
  Value* y = rw.op("Reshape", {x, rw.constant(Tensor::int64s(*operand), "shape")});
  rw.consume(*transpose);
  rw.consume(*source->producer());
  return becomes(n, rw, rw.op("Transpose", {y}, {Attribute("perm", order)}));
}

}  // namespace

NodeRule move_reshape_up() {
  return {"move-reshape-up", "Divide dims before a Transpose, where another Reshape stands", "Reshape Squeeze Unsqueeze", Level::o1, visit};
}

}  // namespace onnxopt
