// y = Transpose <perm> (x)  ==>  x      where perm keeps the order of all dims that are not 1, and the shape
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

bool visit(const Node& n, Rewriter& rw) {
  const Shape* s = shape_of(n.input(0));
  const Ints* perm = n.attrs().get<Ints>("perm");
  if (!perm) return s && s->size() <= 1 ? becomes(n, rw, n.input(0)) : no(rw, "perm moves dims");
  std::int64_t last = -1;
  for (std::size_t i = 0; i < perm->size(); ++i) {
    const auto p = (*perm)[i];
    const bool unit = s && p >= 0 && static_cast<std::size_t>(p) < s->size() && (*s)[static_cast<std::size_t>(p)].is(1);
    if (unit && i < s->size() && (*s)[i].is(1)) continue;  // a 1 where a 1 was
    if (p != static_cast<std::int64_t>(i) || p <= last) return no(rw, "perm moves dims");
    last = p;
  }
  return becomes(n, rw, n.input(0));
}

}  // namespace

NodeRule remove_transpose() { return {"remove-transpose", "Remove Transpose that moves nothing", "Transpose", Level::o1, visit}; }

}  // namespace onnxopt
