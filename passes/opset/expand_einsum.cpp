// Einsum of one or two operands as ReduceSum, Transpose and MatMul.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

struct Equation {
  std::vector<std::string> terms;
  std::string out;
};

bool has(const std::string& s, char c) { return s.find(c) != std::string::npos; }

// Letters only, each at most once a term.
std::optional<Equation> parse(std::string text) {
  std::erase(text, ' ');
  Equation q;
  const auto arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  for (std::size_t at = 0; at <= left.size();) {
    const std::size_t end = std::min(left.find(',', at), left.size());
    q.terms.push_back(left.substr(at, end - at));
    at = end + 1;
  }
  if (arrow != std::string::npos) {
    q.out = text.substr(arrow + 2);
  } else {  // letters that occur once, in order
    for (char c : left)
      if (c != ',' && std::count(left.begin(), left.end(), c) == 1) q.out += c;
    std::sort(q.out.begin(), q.out.end());
  }
  for (const std::string* s : {&q.out, &q.terms[0], &q.terms.back()})
    for (char c : *s)
      if (!std::isalpha(static_cast<unsigned char>(c)) || std::count(s->begin(), s->end(), c) != 1) return std::nullopt;
  return q;
}

// Sums over what nobody else names.
Value* summed(Expansion& e, Value* x, std::string& term, const std::string& wanted) {
  Ints axes;
  std::string left;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (has(wanted, term[i])) left += term[i];
    else axes.push_back(static_cast<std::int64_t>(i));
  }
  term = left;
  return axes.empty() ? x : e.reduce("ReduceSum", x, axes, false);
}

Value* ordered(Expansion& e, Value* x, const std::string& term, const std::string& order) {
  if (term == order) return x;
  Ints perm;
  for (char c : order) perm.push_back(static_cast<std::int64_t>(term.find(c)));
  return e.transpose(x, perm);
}

}  // namespace

std::string einsum(Expansion& e) {
  auto q = parse(e.text("equation"));
  const std::size_t n = e.node().inputs().size();
  if (!q || q->terms.size() != n || n > 2) return "no decomposition: this equation";
  for (std::size_t i = 0; i < n; ++i)
    if (!e.rank(i) || *e.rank(i) != static_cast<std::int64_t>(q->terms[i].size())) return "the ranks of the inputs are not known";
  if (n == 1) {
    Value* x = summed(e, e.in(0), q->terms[0], q->out);
    x = ordered(e, x, q->terms[0], q->out);
    e.result(0, x == e.in(0) ? e.op("Identity", {x}) : x);
    return "";
  }
  std::string &a = q->terms[0], &b = q->terms[1];
  const std::string first = b + q->out, second = a + q->out;
  Value *x = summed(e, e.in(0), a, first), *y = summed(e, e.in(1), b, second);
  std::string batch, inner, rows, columns;
  for (char c : a) (has(b, c) ? (has(q->out, c) ? batch : inner) : rows) += c;
  for (char c : b)
    if (!has(a, c)) columns += c;
  const auto size = [&](char c) {
    return has(a, c) ? dim_of(e, x, static_cast<std::int64_t>(a.find(c))) : dim_of(e, y, static_cast<std::int64_t>(b.find(c)));
  };
  for (char c : batch + inner) {
    const Index s = dim_of(e, x, static_cast<std::int64_t>(a.find(c))), t = dim_of(e, y, static_cast<std::int64_t>(b.find(c)));
    if (s.number && t.number && *s.number != *t.number) return "no decomposition: sizes that broadcast";
  }
  const auto sizes = [&](const std::string& s) {
    std::vector<Index> r;
    for (char c : s) r.push_back(size(c));
    return r;
  };
  const auto joined = [&](const std::string& one, const std::string& two) {
    std::vector<Index> r = sizes(batch);
    r.push_back(product(e, sizes(one)));
    r.push_back(product(e, sizes(two)));
    return vector_of(e, r);
  };
  Value* left = e.op("Reshape", {ordered(e, x, a, batch + rows + inner), joined(rows, inner)});
  Value* right = e.op("Reshape", {ordered(e, y, b, batch + inner + columns), joined(inner, columns)});
  const std::string made = batch + rows + columns;
  Value* z = e.op("MatMul", {left, right});
  z = made.empty() ? e.reshape(z, {}) : e.op("Reshape", {z, vector_of(e, sizes(made))});
  e.result(0, ordered(e, z, made, q->out));
  return "";
}

}  // namespace onnxopt::expand_fn
