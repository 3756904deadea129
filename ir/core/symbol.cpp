#include "ir/core/symbol.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "ir/core/symbol_impl.h"

namespace onnxopt {
namespace {

// Beyond these an expression helps nobody and comparing it would cost: unknown is always right.
constexpr std::size_t kMaxTerms = 64;
constexpr std::size_t kMaxDegree = 12;
constexpr std::uint32_t kMaxSize = 256;
constexpr int kMaxBoundsDepth = 24;

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) { return a / b - ((a % b != 0) && ((a % b < 0) != (b < 0))); }

std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
  if (b == -1) return 0;
  const std::int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

// Its absolute value does not exist, so gcd and negation cannot have it.
bool has_minimum(const Poly& p) {
  return std::any_of(p.begin(), p.end(), [](const SymTerm& t) { return t.coefficient == std::numeric_limits<std::int64_t>::min(); });
}

// Higher degree first, then by atom number: a graded order, as polynomial division needs it. The constant comes last.
bool monomial_less(const SymTerm& x, const SymTerm& y) {
  if (x.atoms.size() != y.atoms.size()) return x.atoms.size() > y.atoms.size();
  return x.atoms < y.atoms;
}

// Sorts, adds up equal monomials and drops zeros; false on overflow.
bool normalize(Poly& p) {
  std::sort(p.begin(), p.end(), monomial_less);
  std::size_t out = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (out > 0 && p[out - 1].atoms == p[i].atoms) {
      if (__builtin_add_overflow(p[out - 1].coefficient, p[i].coefficient, &p[out - 1].coefficient)) return false;
    } else {
      if (out != i) p[out] = std::move(p[i]);
      ++out;
    }
    if (p[out - 1].coefficient == 0) --out;
  }
  p.resize(out);
  return true;
}

std::optional<SymTerm> multiply(const SymTerm& x, const SymTerm& y) {
  SymTerm t;
  if (x.atoms.size() + y.atoms.size() > kMaxDegree || __builtin_mul_overflow(x.coefficient, y.coefficient, &t.coefficient)) return std::nullopt;
  t.atoms.resize(x.atoms.size() + y.atoms.size());
  std::merge(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end(), t.atoms.begin());
  return t;
}

std::optional<SymTerm> divide(const SymTerm& x, const SymTerm& y) {
  if (x.coefficient % y.coefficient != 0 || !std::includes(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end())) return std::nullopt;
  SymTerm t;
  t.coefficient = x.coefficient / y.coefficient;
  std::set_difference(x.atoms.begin(), x.atoms.end(), y.atoms.begin(), y.atoms.end(), std::back_inserter(t.atoms));
  return t;
}

// q with a = q * b, by long division; nullopt if b does not divide a.
std::optional<Poly> exact_quotient(Poly a, const Poly& b) {
  Poly q;
  for (std::size_t step = 0; !a.empty(); ++step) {
    if (step > kMaxTerms || a.front().coefficient == std::numeric_limits<std::int64_t>::min()) return std::nullopt;
    const std::optional<SymTerm> lead = divide(a.front(), b.front());
    if (!lead) return std::nullopt;
    for (const SymTerm& t : b) {
      std::optional<SymTerm> product = multiply(*lead, t);
      if (!product || __builtin_sub_overflow(std::int64_t{0}, product->coefficient, &product->coefficient)) return std::nullopt;
      a.push_back(std::move(*product));
    }
    if (!normalize(a)) return std::nullopt;
    q.push_back(*lead);
  }
  return q;
}

std::size_t mix(std::size_t h, std::size_t v) { return (h ^ v) * 0x9E3779B97F4A7C15ull + (h >> 29); }

std::size_t hash_dim(Dim d) { return d.is_symbolic() ? d.expr()->id * 2u + 1u : static_cast<std::size_t>(d.value()) * 2u; }

std::size_t hash_poly(const Poly& p) {
  std::size_t h = p.size();
  for (const SymTerm& t : p) {
    h = mix(h, static_cast<std::size_t>(t.coefficient));
    for (const std::uint32_t a : t.atoms) h = mix(h, a);
  }
  return h;
}

// Numbers before expressions, expressions by age: the order of the two operands of min and max.
bool operand_less(Dim a, Dim b) {
  if (a.is_value() != b.is_value()) return b.is_value();
  return a.is_value() ? a.value() < b.value() : a.expr()->id < b.expr()->id;
}

std::optional<std::int64_t> checked_add(std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  std::int64_t r = 0;
  if (!a || !b || __builtin_add_overflow(*a, *b, &r)) return std::nullopt;
  return r;
}

// Product of two intervals that are not negative; anything else is unbounded.
SymBounds multiply_bounds(const SymBounds& x, const SymBounds& y) {
  const auto times = [](std::optional<std::int64_t> a, std::optional<std::int64_t> b) -> std::optional<std::int64_t> {
    std::int64_t r = 0;
    if (!a || !b || __builtin_mul_overflow(*a, *b, &r)) return std::nullopt;
    return r;
  };
  if (!x.low || !y.low || *x.low < 0 || *y.low < 0) return {};
  return {times(x.low, y.low), times(x.high, y.high)};
}

SymBounds scale_bounds(const SymBounds& x, std::int64_t factor) {
  const auto times = [&](std::optional<std::int64_t> a) -> std::optional<std::int64_t> {
    std::int64_t r = 0;
    if (!a || __builtin_mul_overflow(*a, factor, &r)) return std::nullopt;
    return r;
  };
  return factor >= 0 ? SymBounds{times(x.low), times(x.high)} : SymBounds{times(x.high), times(x.low)};
}

}  // namespace

// ---------------------------------------------------------------------------------------------------------------- interning

Poly SymbolTable::Impl::poly_of(Dim d) {
  if (d.is_symbolic()) return d.expr()->terms;
  if (d.value() == 0) return {};
  return Poly{{d.value(), {}}};
}

Dim SymbolTable::Impl::intern(Poly poly) {
  if (poly.empty()) return Dim(0);
  if (poly.size() == 1 && poly[0].atoms.empty()) return Dim(poly[0].coefficient);
  if (poly.size() > kMaxTerms) return Dim();
  const std::size_t h = hash_poly(poly);
  const auto [first, last] = expr_index.equal_range(h);
  for (auto it = first; it != last; ++it)
    if (it->second->terms == poly) return Dim(it->second);
  SymExpr e;
  for (const SymTerm& t : poly) {
    ++e.size;
    for (const std::uint32_t a : t.atoms) {
      const SymAtom& atom = atoms[a];
      e.anonymous = e.anonymous || atom.anonymous;
      ++e.size;
      if (atom.a.is_symbolic()) e.size += atom.a.expr()->size;
      if (atom.b.is_symbolic()) e.size += atom.b.expr()->size;
    }
  }
  if (e.size > kMaxSize) return Dim();
  e.terms = std::move(poly);
  e.id = static_cast<std::uint32_t>(exprs.size());
  exprs.push_back(std::move(e));
  expr_index.emplace(h, &exprs.back());
  return Dim(&exprs.back());
}

Dim SymbolTable::Impl::make_symbol(std::string name, bool anonymous) {
  const auto found = symbols.find(name);
  if (found != symbols.end()) return found->second;
  SymAtom atom;
  atom.name = name;
  atom.anonymous = anonymous;
  atoms.push_back(std::move(atom));
  const Dim d = atom_dim(static_cast<std::uint32_t>(atoms.size() - 1));
  symbols.emplace(std::move(name), d);
  return d;
}

Dim SymbolTable::Impl::make_atom(AtomKind kind, Dim a, Dim b) {
  const std::size_t h = mix(mix(static_cast<std::size_t>(kind), hash_dim(a)), hash_dim(b));
  const auto [first, last] = atom_index.equal_range(h);
  for (auto it = first; it != last; ++it) {
    const SymAtom& x = atoms[it->second];
    if (x.kind == kind && x.a == a && x.b == b) return atom_dim(it->second);
  }
  SymAtom atom;
  atom.kind = kind;
  atom.a = a;
  atom.b = b;
  atom.anonymous = (a.is_symbolic() && a.expr()->anonymous) || (b.is_symbolic() && b.expr()->anonymous);
  atoms.push_back(std::move(atom));
  const auto number = static_cast<std::uint32_t>(atoms.size() - 1);
  atom_index.emplace(h, number);
  return atom_dim(number);
}

const SymAtom* SymbolTable::Impl::single_floor(const Poly& p, std::int64_t& constant) const {
  if (p.empty() || p.size() > 2 || p[0].coefficient != 1 || p[0].atoms.size() != 1) return nullptr;
  if (p.size() == 2 && !p[1].atoms.empty()) return nullptr;
  const SymAtom& atom = atoms[p[0].atoms[0]];
  if (atom.kind != AtomKind::floor_div || !atom.b.is_value()) return nullptr;
  constant = p.size() == 2 ? p[1].coefficient : 0;
  return &atom;
}

// ------------------------------------------------------------------------------------------------------------------- bounds

SymBounds SymbolTable::Impl::atom_bounds(const SymAtom& atom, int depth) const {
  if (atom.kind == AtomKind::symbol) return {0, std::nullopt};
  const SymBounds a = bounds(atom.a, depth + 1), b = bounds(atom.b, depth + 1);
  const bool positive = b.low && *b.low > 0;
  const auto quotient = [&](std::optional<std::int64_t> v, std::int64_t round) -> std::optional<std::int64_t> {
    const std::optional<std::int64_t> sum = checked_add(v, round);
    return sum ? std::optional(floor_quotient(*sum, *b.low)) : std::nullopt;
  };
  switch (atom.kind) {
    case AtomKind::floor_div:
    case AtomKind::ceil_div: {
      const std::int64_t round = atom.kind == AtomKind::ceil_div && positive ? *b.low - 1 : 0;
      if (positive && b.high && *b.high == *b.low) return {quotient(a.low, round), quotient(a.high, round)};
      if (a.low && *a.low >= 0 && b.low && *b.low >= 0) return {0, a.high};  // division by zero is undefined: b >= 1
      return {};
    }
    case AtomKind::mod:
      if (b.low && *b.low >= 0) return {0, checked_add(b.high, -1)};
      return {};
    case AtomKind::min:
      return {a.low && b.low ? std::optional(std::min(*a.low, *b.low)) : std::nullopt,
              a.high && b.high ? std::optional(std::min(*a.high, *b.high)) : (a.high ? a.high : b.high)};
    case AtomKind::max:
      return {a.low && b.low ? std::optional(std::max(*a.low, *b.low)) : (a.low ? a.low : b.low),
              a.high && b.high ? std::optional(std::max(*a.high, *b.high)) : std::nullopt};
    default: return {};
  }
}

SymBounds SymbolTable::Impl::bounds(Dim d, int depth) const {
  if (d.is_value()) return {d.value(), d.value()};
  if (d.is_unknown() || depth > kMaxBoundsDepth) return {};
  SymBounds sum{0, 0};
  for (const SymTerm& t : d.expr()->terms) {
    SymBounds product{1, 1};
    if (t.atoms.size() == 1) {
      product = atom_bounds(atoms[t.atoms[0]], depth);
    } else {
      for (const std::uint32_t a : t.atoms) product = multiply_bounds(product, atom_bounds(atoms[a], depth));
    }
    const SymBounds scaled = scale_bounds(product, t.coefficient);
    sum = {checked_add(sum.low, scaled.low), checked_add(sum.high, scaled.high)};
    if (!sum.low && !sum.high) break;
  }
  return sum;
}

// --------------------------------------------------------------------------------------------------------------- public face

SymbolTable::SymbolTable() : impl_(std::make_unique<Impl>()) {}
SymbolTable::~SymbolTable() = default;

Dim SymbolTable::symbol(std::string_view name) { return impl_->make_symbol(std::string(name), false); }

Dim SymbolTable::fresh() {
  std::string name;
  do name = "_d" + std::to_string(impl_->next_fresh++);
  while (impl_->symbols.count(name) != 0);
  return impl_->make_symbol(std::move(name), true);
}

Dim SymbolTable::stable(std::uint32_t owner, std::uint32_t index) {
  std::string name = "_d" + std::to_string(owner) + "_" + std::to_string(index);
  for (;;) {
    const Dim d = impl_->make_symbol(name, true);
    if (is_anonymous(d)) return d;
    name += "_";  // a file uses this name
  }
}

Dim SymbolTable::add(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown()) return Dim();
  if (a.is_value() && b.is_value()) {
    std::int64_t r = 0;
    return __builtin_add_overflow(a.value(), b.value(), &r) ? Dim() : Dim(r);
  }
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  Poly p = Impl::poly_of(a);
  for (const SymTerm& t : Impl::poly_of(b)) p.push_back(t);
  return normalize(p) ? impl_->intern(std::move(p)) : Dim();
}

Dim SymbolTable::sub(Dim a, Dim b) {
  if (b.is_value() && a.is_value()) {
    std::int64_t r = 0;
    return __builtin_sub_overflow(a.value(), b.value(), &r) ? Dim() : Dim(r);
  }
  return add(a, mul(b, Dim(-1)));
}

Dim SymbolTable::mul(Dim a, Dim b) {
  if (a.is(0) || b.is(0)) return Dim(0);
  if (a.is_unknown() || b.is_unknown()) return Dim();
  if (a.is_value() && b.is_value()) {
    std::int64_t r = 0;
    return __builtin_mul_overflow(a.value(), b.value(), &r) ? Dim() : Dim(r);
  }
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  const Poly x = Impl::poly_of(a), y = Impl::poly_of(b);
  if (x.size() * y.size() > 4 * kMaxTerms) return Dim();
  Poly p;
  p.reserve(x.size() * y.size());
  for (const SymTerm& s : x)
    for (const SymTerm& t : y) {
      std::optional<SymTerm> product = multiply(s, t);
      if (!product) return Dim();
      p.push_back(std::move(*product));
    }
  return normalize(p) ? impl_->intern(std::move(p)) : Dim();
}

// Normal form of floor((..)/d), d > 1: what d divides stands outside, the constant inside is in [0, d), coefficients and d have no common factor,
// and floor((floor(x/b) + k)/d) is floor((x + k*b)/(b*d)). ceil(x/d) is floor((x + d - 1)/d), so that both spellings are equal.
Dim SymbolTable::floor_div(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return Dim();
  if (b.is(1)) return a;
  if (b.is_value() && b.value() < 0) {
    if (b.value() == std::numeric_limits<std::int64_t>::min()) return Dim();
    return floor_div(mul(a, Dim(-1)), Dim(-b.value()));
  }
  if (a.is_value() && b.is_value()) return Dim(floor_quotient(a.value(), b.value()));
  if (a.is(0)) return Dim(0);
  if (!b.is_value()) {
    if (std::optional<Poly> q = exact_quotient(Impl::poly_of(a), Impl::poly_of(b))) return normalize(*q) ? impl_->intern(std::move(*q)) : Dim();
    return impl_->make_atom(AtomKind::floor_div, a, b);
  }
  if (has_minimum(a.expr()->terms)) return Dim();
  std::int64_t d = b.value(), common = d, constant = 0;
  Poly outside, inside;
  for (const SymTerm& t : a.expr()->terms) {
    if (t.coefficient % d == 0) {
      outside.push_back({t.coefficient / d, t.atoms});
    } else if (t.atoms.empty()) {
      constant = floor_remainder(t.coefficient, d);
      if (t.coefficient != constant) outside.push_back({floor_quotient(t.coefficient, d), {}});
    } else {
      common = std::gcd(common, t.coefficient);
      inside.push_back(t);
    }
  }
  Dim rest(0);
  if (!inside.empty()) {
    d /= common;
    for (SymTerm& t : inside) t.coefficient /= common;
    if (constant / common != 0) inside.push_back({constant / common, {}});
    if (d == 1) {
      rest = impl_->intern(std::move(inside));
    } else if (const SymAtom* inner = impl_->single_floor(inside, constant)) {
      const Dim divisor = mul(inner->b, Dim(d));
      rest = floor_div(add(inner->a, mul(Dim(constant), inner->b)), divisor);
    } else {
      const Dim numerator = impl_->intern(std::move(inside));
      if (numerator.is_unknown()) return Dim();
      const SymBounds range = impl_->bounds(numerator, 0);
      rest = range.low && *range.low >= 0 && range.high && *range.high < d ? Dim(0) : impl_->make_atom(AtomKind::floor_div, numerator, Dim(d));
    }
  }
  return add(impl_->intern(std::move(outside)), rest);
}

Dim SymbolTable::ceil_div(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return Dim();
  if (b.is_value() && b.value() > 0) return floor_div(add(a, Dim(b.value() - 1)), b);
  if (b.is_value()) return ceil_div(mul(a, Dim(-1)), mul(b, Dim(-1)));
  if (a.is(0)) return Dim(0);
  if (std::optional<Poly> q = exact_quotient(Impl::poly_of(a), Impl::poly_of(b))) return normalize(*q) ? impl_->intern(std::move(*q)) : Dim();
  return impl_->make_atom(AtomKind::ceil_div, a, b);
}

Dim SymbolTable::mod(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown() || b.is(0)) return Dim();
  if (a.is_value() && b.is_value()) return Dim(floor_remainder(a.value(), b.value()));
  if (!b.is_value() || b.value() < 0) {
    if (a.is(0) || exact_quotient(Impl::poly_of(a), Impl::poly_of(b))) return Dim(0);
    return impl_->make_atom(AtomKind::mod, a, b);
  }
  if (has_minimum(a.expr()->terms)) return Dim();
  const std::int64_t d = b.value();
  std::int64_t common = d;
  Poly rest;
  for (const SymTerm& t : a.expr()->terms) {
    const std::int64_t c = floor_remainder(t.coefficient, d);
    if (c == 0) continue;
    common = std::gcd(common, c);
    rest.push_back({c, t.atoms});
  }
  for (SymTerm& t : rest) t.coefficient /= common;
  const Dim value = impl_->intern(std::move(rest));
  if (!value.is_symbolic()) return value.is_unknown() ? Dim() : Dim(value.value() * common);
  const SymBounds range = impl_->bounds(value, 0);
  if (range.low && *range.low >= 0 && range.high && *range.high < d / common) return mul(value, Dim(common));
  return mul(impl_->make_atom(AtomKind::mod, value, Dim(d / common)), Dim(common));
}

Dim SymbolTable::min(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown()) return Dim();
  if (provably_ge(b, a)) return a;
  if (provably_ge(a, b)) return b;
  return operand_less(b, a) ? impl_->make_atom(AtomKind::min, b, a) : impl_->make_atom(AtomKind::min, a, b);
}

Dim SymbolTable::max(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown()) return Dim();
  if (provably_ge(a, b)) return a;
  if (provably_ge(b, a)) return b;
  return operand_less(b, a) ? impl_->make_atom(AtomKind::max, b, a) : impl_->make_atom(AtomKind::max, a, b);
}

std::optional<std::int64_t> SymbolTable::lower_bound(Dim d) const { return impl_->bounds(d, 0).low; }

bool SymbolTable::provably_equal(Dim a, Dim b) { return same(a, b) || sub(a, b).is(0); }

bool SymbolTable::provably_ge(Dim a, Dim b) {
  if (a.is_unknown() || b.is_unknown()) return false;
  if (a.is_value() && b.is_value()) return a.value() >= b.value();
  const std::optional<std::int64_t> low = lower_bound(sub(a, b));
  return low && *low >= 0;
}

bool SymbolTable::is_min_of(Dim m, Dim a) const {
  if (!m.is_symbolic() || a.is_unknown()) return false;
  const std::vector<SymTerm>& terms = m.expr()->terms;
  if (terms.size() != 1 || terms[0].coefficient != 1 || terms[0].atoms.size() != 1) return false;
  const SymAtom& atom = impl_->atoms[terms[0].atoms[0]];
  if (atom.kind != AtomKind::min || (!(atom.a == a) && !(atom.b == a))) return false;
  return lower_bound(atom.a == a ? atom.b : atom.a).value_or(0) >= 1;
}

bool SymbolTable::is_anonymous(Dim d) const { return d.is_symbolic() && d.expr()->anonymous; }

Dim SymbolTable::substitute(Dim d, const std::unordered_map<std::string, Dim>& bind) {
  if (!d.is_symbolic()) return d;
  Dim sum(0);
  for (std::size_t i = 0; i < d.expr()->terms.size(); ++i) {
    Dim product(d.expr()->terms[i].coefficient);
    for (const std::uint32_t number : d.expr()->terms[i].atoms) {
      const SymAtom atom = impl_->atoms[number];
      Dim value;
      if (atom.kind == AtomKind::symbol) {
        const auto found = bind.find(atom.name);
        if (found != bind.end()) value = found->second;
      } else {
        const Dim a = substitute(atom.a, bind), b = substitute(atom.b, bind);
        switch (atom.kind) {
          case AtomKind::floor_div: value = floor_div(a, b); break;
          case AtomKind::ceil_div: value = ceil_div(a, b); break;
          case AtomKind::mod: value = mod(a, b); break;
          case AtomKind::min: value = min(a, b); break;
          default: value = max(a, b); break;
        }
      }
      product = value.is_unknown() ? Dim() : mul(product, value);
    }
    sum = add(sum, product);
  }
  return sum;
}

}  // namespace onnxopt
