// Symbolic dimensions. A Dim is a number, unknown, or an interned expression over named symbols; equal expressions of one SymbolTable
// are the same pointer, so comparing dims is comparing pointers. Expressions are kept in one normal form: a polynomial with integer
// coefficients over atoms; an atom is a symbol, floor(a/b), ceil(a/b), mod, min or max of expressions.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace onnxopt {

struct SymExpr;  // interned, immutable, owned by its SymbolTable

class Dim {
 public:
  Dim() = default;  // unknown
  template <std::integral T>
  Dim(T value) : value_(static_cast<std::int64_t>(value)), known_(true) {}  // NOLINT: implicit by design
  explicit Dim(const SymExpr* expr) : expr_(expr) {}
  bool is_value() const { return known_; }
  bool is_symbolic() const { return expr_ != nullptr; }
  bool is_unknown() const { return !known_ && expr_ == nullptr; }
  bool is(std::int64_t v) const { return known_ && value_ == v; }
  std::int64_t value() const { return value_; }  // only if is_value()
  const SymExpr* expr() const { return expr_; }
  // Provably equal: same number or same expression. Two unknown dims are never provably equal.
  friend bool same(const Dim& a, const Dim& b) { return !a.is_unknown() && a.known_ == b.known_ && a.value_ == b.value_ && a.expr_ == b.expr_; }
  // Identical description (unknown == unknown).
  friend bool operator==(const Dim& a, const Dim& b) { return a.known_ == b.known_ && a.value_ == b.value_ && a.expr_ == b.expr_; }

 private:
  std::int64_t value_ = 0;
  const SymExpr* expr_ = nullptr;
  bool known_ = false;
};

// Owner and only maker of expressions. Arithmetic with an unknown operand is unknown; overflow gives unknown.
// Symbols that name dims are assumed >= 0; `fresh` makes one that no file uses (an anonymous or data-dependent dim).
class SymbolTable {
 public:
  SymbolTable();
  ~SymbolTable();
  SymbolTable(const SymbolTable&) = delete;
  SymbolTable& operator=(const SymbolTable&) = delete;

  Dim symbol(std::string_view name);
  Dim fresh();                                           // unique anonymous symbol; to_string gives "_d7", is_anonymous is true
  Dim stable(std::uint32_t owner, std::uint32_t index);  // the same, but equal arguments give the same symbol: axis `index` of value `owner`
  Dim add(Dim a, Dim b);
  Dim sub(Dim a, Dim b);
  Dim mul(Dim a, Dim b);
  Dim floor_div(Dim a, Dim b);  // exact polynomial division is recognised: (8*n)/(4) -> 2*n, (n*c)/n -> c
  Dim ceil_div(Dim a, Dim b);
  Dim mod(Dim a, Dim b);
  Dim min(Dim a, Dim b);
  Dim max(Dim a, Dim b);
  // Bounds that hold for every assignment of symbols >= 0; nullopt: unbounded or unknown.
  std::optional<std::int64_t> lower_bound(Dim d) const;
  // True only if a - b is provably zero / non-negative.
  bool provably_equal(Dim a, Dim b);
  bool provably_ge(Dim a, Dim b);
  // m is min(a, c) with c provably >= 1: it is either a, or less than a and not 0.
  bool is_min_of(Dim m, Dim a) const;
  bool is_anonymous(Dim d) const;      // contains a symbol made by fresh()
  std::string to_string(Dim d) const;  // "?", "12", "batch", "2*batch + 1", "floor(W/2)"; parse() reads it back
  Dim parse(std::string_view text);    // an expression as to_string prints it; anything else becomes a symbol of that name
  // The value of `d` with symbols replaced through `bind` (nullopt: not bound); unknown if any stays unbound.
  Dim substitute(Dim d, const std::unordered_map<std::string, Dim>& bind);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace onnxopt
