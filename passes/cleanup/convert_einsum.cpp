// Einsum  ==>  Transpose (ij -> ji), ReduceSum (ijk -> ik), Mul (ij, ij -> ij) or MatMul (bij, bjk -> bik)
// Where MatMul needs an operand the other way round, the operand must come from a Transpose, which is turned instead.
// O2: MatMul and ReduceSum may add in another order.
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

struct Equation {
  std::vector<std::string> in;
  std::string out;
};

bool distinct(std::string s) {
  std::sort(s.begin(), s.end());
  return std::adjacent_find(s.begin(), s.end()) == s.end();
}

// Letters of each term; nullopt: implicit output, an ellipsis, or a letter twice in one term.
std::optional<Equation> parse(std::string text) {
  std::erase(text, ' ');
  const auto arrow = text.find("->");
  if (arrow == text.npos || text.find('.') != text.npos) return std::nullopt;
  Equation e{{""}, text.substr(arrow + 2)};
  for (char c : text.substr(0, arrow)) {
    if (c == ',') e.in.emplace_back();
    else e.in.back() += c;
  }
  if (!distinct(e.out) || !std::all_of(e.in.begin(), e.in.end(), distinct)) return std::nullopt;
  return e;
}

bool has(const std::string& s, char c) { return s.find(c) != s.npos; }

bool unary(const Node& n, const Equation& e, Rewriter& rw) {
  const std::string& in = e.in[0];
  Ints perm, dropped;
  std::string left;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (has(e.out, in[i])) left += in[i];
    else dropped.push_back(static_cast<std::int64_t>(i));
  }
  if (left.size() != e.out.size()) return no(rw, "the output has a letter of its own");
  if (!dropped.empty()) {
    if (left != e.out) return no(rw, "it sums and transposes");
    return becomes(n, rw, rw.op("ReduceSum", {n.input(0), rw.constant(Tensor::int64s(dropped), "axes")}, {Attribute("keepdims", std::int64_t{0})}));
  }
  for (char c : e.out) perm.push_back(static_cast<std::int64_t>(in.find(c)));
  return becomes(n, rw, rw.op("Transpose", {n.input(0)}, {Attribute("perm", perm)}));
}

// `v`, whose dims are named `letters`, with its dims in the order `want`; null if that needs a node more.
Value* arranged(Value* v, const std::string& letters, const std::string& want, Rewriter& rw) {
  if (letters == want) return v;
  const Node* t = v->used_once() ? made_by(v, "Transpose") : nullptr;
  const Ints* perm = t ? t->attrs().get<Ints>("perm") : nullptr;
  if (!perm || perm->size() != letters.size()) return nullptr;
  Ints turned;
  for (char c : want) turned.push_back((*perm)[letters.find(c)]);
  rw.consume(*t);
  return rw.op("Transpose", {t->input(0)}, {Attribute("perm", turned)});
}

// The two dims that are summed over are provably equal: Einsum broadcasts a 1 there too, MatMul does not.
bool same_length(const Node& n, std::size_t left, std::size_t in_left, std::size_t in_right) {
  const Shape &a = *shape_of(n.input(left)), &b = *shape_of(n.input(1 - left));
  return same(a[in_left], b[in_right]);
}

bool matmul(const Node& n, const Equation& e, std::size_t left, Rewriter& rw) {
  const std::string &a = e.in[left], &b = e.in[1 - left];
  std::string batch, rows, columns, summed;
  for (char c : e.out) (has(a, c) ? (has(b, c) ? batch : rows) : columns) += c;
  for (char c : a)
    if (!has(e.out, c)) summed += c;
  for (char c : b)
    if (!has(e.out, c) && !has(a, c)) return false;
  if (rows.size() != 1 || columns.size() != 1 || summed.size() != 1 || !has(b, summed[0]) || e.out != batch + rows + columns) return false;
  if (a.size() != batch.size() + 2 || b.size() != batch.size() + 2) return false;
  if (!same_length(n, left, a.find(summed[0]), b.find(summed[0]))) return false;
  Value* x = arranged(n.input(left), a, batch + rows + summed, rw);
  Value* y = x ? arranged(n.input(1 - left), b, batch + summed + columns, rw) : nullptr;
  return y && becomes(n, rw, rw.op("MatMul", {x, y}));
}

bool visit(const Node& n, Rewriter& rw) {
  const auto e = plain(n) ? parse(n.attr<std::string>("equation")) : std::nullopt;
  if (!e || e->in.size() != n.inputs().size()) return no(rw, "the equation has an implicit output, an ellipsis or a diagonal");
  for (std::size_t i = 0; i < e->in.size(); ++i)
    if (rank_of(n.input(i)) != static_cast<std::int64_t>(e->in[i].size())) return no(rw, "the ranks are not known");
  if (e->in.size() == 1) return unary(n, *e, rw);
  if (e->in.size() != 2) return no(rw, "there are more than two terms");
  if (e->in[0] == e->in[1] && e->in[0] == e->out) return becomes(n, rw, rw.op("Mul", {n.input(0), n.input(1)}));
  return matmul(n, *e, 0, rw) || matmul(n, *e, 1, rw) || no(rw, "it is not one MatMul");
}

}  // namespace

NodeRule convert_einsum() { return {"convert-einsum", "Einsum that is a Transpose, ReduceSum, Mul or MatMul", "Einsum", Level::o2, visit}; }

}  // namespace onnxopt
