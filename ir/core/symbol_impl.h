// Inside of SymbolTable, shared by symbol.cpp (arithmetic) and symbol_text.cpp (printing and parsing). Not for other files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/core/symbol.h"

namespace onnxopt {

enum class AtomKind : std::uint8_t { symbol, floor_div, ceil_div, mod, min, max };

struct SymAtom {
  AtomKind kind = AtomKind::symbol;
  bool anonymous = false;
  std::string name;  // symbol
  Dim a, b;          // the other kinds
};

// coefficient * product of atoms (sorted numbers of atoms, with repetition); no atoms: the constant term.
struct SymTerm {
  std::int64_t coefficient = 0;
  std::vector<std::uint32_t> atoms;
  friend bool operator==(const SymTerm&, const SymTerm&) = default;
};

// Sum of terms, sorted by monomial_less, no zero coefficients, at least one term with atoms.
struct SymExpr {
  std::vector<SymTerm> terms;
  std::uint32_t id = 0;
  std::uint32_t size = 0;  // terms and atoms, those inside of atoms included
  bool anonymous = false;
};

using Poly = std::vector<SymTerm>;

struct SymBounds {
  std::optional<std::int64_t> low, high;
};

struct SymbolTable::Impl {
  std::deque<SymAtom> atoms;
  std::deque<SymExpr> exprs;
  std::unordered_map<std::string, Dim> symbols;
  std::unordered_multimap<std::size_t, std::uint32_t> atom_index;
  std::unordered_multimap<std::size_t, const SymExpr*> expr_index;
  std::uint32_t next_fresh = 0;

  Dim make_symbol(std::string name, bool anonymous);
  Dim make_atom(AtomKind kind, Dim a, Dim b);
  Dim atom_dim(std::uint32_t atom) { return intern(Poly{{1, {atom}}}); }
  Dim intern(Poly poly);
  // The polynomial of a number or an expression.
  static Poly poly_of(Dim d);
  // Null for anything but floor((..)/positive number) standing alone with coefficient 1 beside a constant: then its atom and the constant.
  const SymAtom* single_floor(const Poly& p, std::int64_t& constant) const;
  SymBounds bounds(Dim d, int depth) const;
  SymBounds atom_bounds(const SymAtom& atom, int depth) const;
};

}  // namespace onnxopt
