// a = Transpose <perm = p> (x);  y = Transpose <perm = q> (a)  ==>  y = Transpose <perm = p[q]> (x),  or x where that is the identity
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

std::optional<Ints> perm_of(const Node& n, std::optional<std::size_t> rank) {
  if (const Ints* p = n.attrs().get<Ints>("perm")) return *p;
  if (!rank) return std::nullopt;
  Ints reversed(*rank);
  for (std::size_t i = 0; i < *rank; ++i) reversed[i] = static_cast<std::int64_t>(*rank - 1 - i);
  return reversed;
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Transpose");
  if (!inner || !plain(n)) return no(rw, "the input is not a Transpose");
  std::optional<std::size_t> rank;
  if (const Shape* s = shape_of(n.input(0))) rank = s->size();
  for (const Node* t : {&n, inner})
    if (const Ints* p = t->attrs().get<Ints>("perm")) rank = p->size();
  const auto p = perm_of(*inner, rank), q = perm_of(n, rank);
  if (!p || !q) return no(rw, "perm is not known");  // two reversals of unknown rank: rare, and inference usually knows the rank
  Ints merged;
  bool identity = true;
  for (std::size_t i = 0; i < q->size(); ++i) {
    merged.push_back(p->at(static_cast<std::size_t>((*q)[i])));
    identity = identity && merged.back() == static_cast<std::int64_t>(i);
  }
  if (identity) return becomes(n, rw, inner->input(0));
  return becomes(n, rw, rw.op("Transpose", {inner->input(0)}, {Attribute("perm", merged)}));
}

}  // namespace

NodeRule merge_transposes() { return {"merge-transposes", "One Transpose, or none, for two in a row", "Transpose", Level::o1, visit}; }

}  // namespace onnxopt
