// y = Equal|Greater|Less|... (a, b)  ==>  y = constant      where inference can tell for every pair of elements: a dim is never -1, n + 1 is never n
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

std::optional<bool> ge(Dim a, Dim b, SymbolTable& s) {
  if (s.provably_ge(a, b)) return true;
  if (s.provably_ge(b, s.add(a, Dim(std::int64_t{1})))) return false;
  return std::nullopt;
}

std::optional<bool> equal(Dim a, Dim b, SymbolTable& s) {
  if (s.provably_equal(a, b)) return true;
  if (ge(a, b, s) == false || ge(b, a, s) == false) return false;
  return std::nullopt;
}

std::optional<bool> compare(const Node& n, Dim a, Dim b, SymbolTable& s) {
  if (a.is_unknown() || b.is_unknown()) return std::nullopt;
  const auto flip = [](std::optional<bool> v) { return v ? std::optional<bool>(!*v) : v; };
  if (n.is("Equal")) return equal(a, b, s);
  if (n.is("GreaterOrEqual")) return ge(a, b, s);
  if (n.is("LessOrEqual")) return ge(b, a, s);
  return n.is("Less") ? flip(ge(a, b, s)) : flip(ge(b, a, s));  // Less, Greater
}

bool visit(const Node& n, Rewriter& rw) {
  const auto a = known_dims(n.input(0)), b = known_dims(n.input(1));
  if (!a || !b || !is_integer(n.input(0)->type.dtype)) return no(rw, "the elements are not known");
  const auto ra = rank_of(n.input(0)), rb = rank_of(n.input(1));
  if (!ra || !rb || (a->size() != b->size() && a->size() != 1 && b->size() != 1)) return no(rw, "the shapes are not known");
  const std::size_t size = a->size() == 1 ? b->size() : a->size();
  std::unique_ptr<bool[]> result(new bool[size + 1]);
  for (std::size_t i = 0; i < size; ++i) {
    const auto r = compare(n, (*a)[a->size() == 1 ? 0 : i], (*b)[b->size() == 1 ? 0 : i], rw.symbols());
    if (!r) return no(rw, "an element may be either");
    result[i] = *r;
  }
  const Dims dims = *ra == 0 && *rb == 0 ? Dims{} : Dims{static_cast<std::int64_t>(size)};
  return becomes(n, rw, rw.constant(Tensor::of<bool>(dims, std::span<const bool>(result.get(), size)), n.output()->name()));
}

}  // namespace

NodeRule fold_shape_comparison() {
  return {"fold-shape-comparison", "Decide comparisons of dims that hold for every size", "Equal Greater GreaterOrEqual Less LessOrEqual", Level::o1,
          visit};
}

}  // namespace onnxopt
