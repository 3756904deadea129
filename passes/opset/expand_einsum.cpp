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

// Letters only; those of an ellipsis are the ones from '\1' on, right-aligned. `ranks` of the inputs.
std::optional<Equation> parse(std::string text, const std::vector<std::int64_t>& ranks) {
  std::erase(text, ' ');
  Equation q;
  const auto arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  for (std::size_t at = 0; at <= left.size();) {
    const std::size_t end = std::min(left.find(',', at), left.size());
    q.terms.push_back(left.substr(at, end - at));
    at = end + 1;
  }
  if (q.terms.size() != ranks.size()) return std::nullopt;
  std::size_t widest = 0;
  const auto dots = [](std::size_t n, std::size_t most) {
    std::string r;
    for (std::size_t k = most - n; k < most; ++k) r += static_cast<char>('\1' + k);
    return r;
  };
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (has(q.terms[i], '.'))
      widest = std::max(widest, static_cast<std::size_t>(std::max<std::int64_t>(0, ranks[i] + 3 - static_cast<std::int64_t>(q.terms[i].size()))));
  if (widest > 16) return std::nullopt;
  const auto spread = [&](std::string& term, std::size_t n) {
    if (const auto at = term.find("..."); at != term.npos) term.replace(at, 3, dots(n, widest));
  };
  std::string all;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const std::int64_t n = ranks[i] + 3 - static_cast<std::int64_t>(q.terms[i].size());
    if (has(q.terms[i], '.') && n < 0) return std::nullopt;
    spread(q.terms[i], static_cast<std::size_t>(std::max<std::int64_t>(0, n)));
    all += q.terms[i];
  }
  if (arrow != std::string::npos) {
    q.out = text.substr(arrow + 2);
    spread(q.out, widest);
  } else {  // letters that occur once, in order, behind the ellipsis
    std::string once;
    for (char c : all)
      if (c > ' ' && std::count(all.begin(), all.end(), c) == 1) once += c;
    std::sort(once.begin(), once.end());
    q.out = dots(widest, widest) + once;
  }
  const auto letters = [](const std::string& s) {
    return std::ranges::all_of(s, [](char c) { return (c >= 1 && c <= 16) || std::isalpha(static_cast<unsigned char>(c)); });
  };
  for (const std::string& s : q.terms)
    if (!letters(s)) return std::nullopt;
  for (char c : q.out)
    if (!letters(q.out) || std::count(q.out.begin(), q.out.end(), c) != 1 || !has(all, c)) return std::nullopt;
  return q;
}

// A letter that a term has twice stands for the diagonal.
Value* diagonals(Expansion& e, Value* x, std::string& term) {
  for (std::size_t i = 0; i < term.size();) {
    const std::size_t j = term.find(term[i], i + 1);
    if (j == term.npos) {
      ++i;
      continue;
    }
    Ints perm;
    for (std::size_t k = 0; k < term.size(); ++k)
      if (k != i && k != j) perm.push_back(static_cast<std::int64_t>(k));
    const auto rest = static_cast<std::int64_t>(perm.size());
    perm.push_back(static_cast<std::int64_t>(i));
    perm.push_back(static_cast<std::int64_t>(j));
    x = e.transpose(x, perm);
    std::vector<Index> dims = dims_of(e, x);
    const Index n = dims.back();
    dims.pop_back();
    dims.back() = mul(e, n, n);
    x = e.op("Reshape", {x, vector_of(e, dims)});
    Value* at = e.mul(range(e, 0, n), vector_of(e, add(e, n, 1)));
    x = e.op("Gather", {x, at}, {{"axis", rest}});
    const char c = term[i];
    term.erase(j, 1);
    term.erase(i, 1);
    term += c;
    i = 0;
  }
  return x;
}

// More than two operands: the first two become one, which keeps what the others and the result name.
std::string einsum_in_pairs(Expansion& e, const Equation& q) {
  std::string others = q.out, kept, plain;
  for (std::size_t i = 2; i < q.terms.size(); ++i) others += q.terms[i];
  for (char c : q.terms[0] + q.terms[1])
    if (has(others, c) && !has(kept, c)) kept += c;
  std::string free;  // names for the letters of an ellipsis
  for (char c = 'A'; c <= 'z'; ++c)
    if (std::isalpha(static_cast<unsigned char>(c)) && !has(others + q.terms[0] + q.terms[1], c)) free += c;
  if (free.size() < 16) return "no decomposition: this equation";
  const auto named = [&](std::string s) {
    for (char& c : s)
      if (c <= 16) c = free[static_cast<std::size_t>(c - 1)];
    return s;
  };
  Value* pair = e.op("Einsum", {e.in(0), e.in(1)}, {{"equation", named(q.terms[0]) + "," + named(q.terms[1]) + "->" + named(kept)}});
  std::vector<Value*> inputs{pair};
  std::string equation = named(kept);
  for (std::size_t i = 2; i < q.terms.size(); ++i) {
    inputs.push_back(e.in(i));
    equation += "," + named(q.terms[i]);
  }
  e.result(0, e.op("Einsum", std::move(inputs), {{"equation", equation + "->" + named(q.out)}}));
  return "";
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
  const std::size_t n = e.node().inputs().size();
  std::vector<std::int64_t> ranks;
  for (std::size_t i = 0; i < n; ++i) {
    if (!e.rank(i)) return "the ranks of the inputs are not known";
    ranks.push_back(*e.rank(i));
  }
  auto q = parse(e.text("equation"), ranks);
  if (!q || n == 0) return "no decomposition: this equation";
  for (std::size_t i = 0; i < n; ++i)
    if (ranks[i] != static_cast<std::int64_t>(q->terms[i].size())) return "no decomposition: this equation";
  const auto shared_dots = [&](char c) {  // sizes of an ellipsis may broadcast
    std::optional<std::int64_t> size;
    for (std::size_t i = 0; i < n; ++i) {
      if (!has(q->terms[i], c)) continue;
      const Dim& d = (*e.shape(i))[q->terms[i].find(c)];
      if (!d.is_value() || (size && *size != d.value())) return false;
      size = d.value();
    }
    return true;
  };
  for (char c = 1; c <= 16 && n > 1; ++c)
    if (!shared_dots(c)) return "no decomposition: sizes that broadcast";
  if (n > 2) return einsum_in_pairs(e, *q);
  if (n == 1) {
    Value* x = diagonals(e, e.in(0), q->terms[0]);
    x = summed(e, x, q->terms[0], q->out);
    x = ordered(e, x, q->terms[0], q->out);
    e.result(0, x == e.in(0) ? e.op("Identity", {x}) : x);
    return "";
  }
  std::string &a = q->terms[0], &b = q->terms[1];
  const std::string first = b + q->out, second = a + q->out;
  Value *x = diagonals(e, e.in(0), a), *y = diagonals(e, e.in(1), b);
  x = summed(e, x, a, first);
  y = summed(e, y, b, second);
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
