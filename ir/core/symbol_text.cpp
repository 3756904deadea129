// Printing and parsing of symbolic dimensions.
//   expr   = ["-"] term (("+" | "-") term)*
//   term   = factor ("*" factor)*
//   factor = number | name | 'quoted name' | "floor(" factor "/" factor ")" | "ceil(" factor "/" factor ")" | ("mod" | "min" | "max") "(" expr ","
//   expr ")"
//          | "(" expr ")"
#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "ir/core/symbol_impl.h"

namespace onnxopt {
namespace {

constexpr int kMaxParseDepth = 40;

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '.' || c == ':'; }

bool is_plain_name(std::string_view s) { return !s.empty() && is_name_start(s[0]) && std::all_of(s.begin(), s.end(), is_name_char); }

std::string_view function_name(AtomKind kind) {
  switch (kind) {
    case AtomKind::floor_div: return "floor";
    case AtomKind::ceil_div: return "ceil";
    case AtomKind::mod: return "mod";
    case AtomKind::min: return "min";
    default: return "max";
  }
}

}  // namespace

// Prints with names in alphabetical order inside a product and products in alphabetical order, so that the text does not depend on which symbol was
// met first.
class SymbolPrinter {
 public:
  SymbolPrinter(const std::deque<SymAtom>& atoms) : atoms_(atoms) {}

  std::string expression(Dim d) const {
    if (d.is_unknown()) return "?";
    if (d.is_value()) return std::to_string(d.value());
    struct Piece {
      std::size_t degree;
      std::string text;
      std::int64_t coefficient;
    };
    std::vector<Piece> pieces;
    for (const SymTerm& t : d.expr()->terms) pieces.push_back({t.atoms.size(), monomial(t), t.coefficient});
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece& x, const Piece& y) { return x.degree != y.degree ? x.degree > y.degree : x.text < y.text; });
    // A positive term first reads better: "n - m", not "-m + n".
    const auto positive = std::find_if(pieces.begin(), pieces.end(), [](const Piece& p) { return p.coefficient > 0; });
    if (positive != pieces.end()) std::rotate(pieces.begin(), positive, positive + 1);
    std::string out;
    for (const Piece& p : pieces) {
      const std::string magnitude = p.coefficient < 0 ? std::to_string(p.coefficient).substr(1) : std::to_string(p.coefficient);
      if (out.empty()) out += p.coefficient < 0 ? "-" : "";
      else out += p.coefficient < 0 ? " - " : " + ";
      if (p.degree == 0) out += magnitude;
      else out += magnitude == "1" ? p.text : magnitude + "*" + p.text;
    }
    return out;
  }

 private:
  std::string monomial(const SymTerm& t) const {
    std::vector<std::string> names;
    for (const std::uint32_t a : t.atoms) names.push_back(atom(atoms_[a]));
    std::sort(names.begin(), names.end());
    std::string out;
    for (const std::string& n : names) out += (out.empty() ? "" : "*") + n;
    return out;
  }

  std::string atom(const SymAtom& a) const {
    switch (a.kind) {
      case AtomKind::symbol: return is_plain_name(a.name) ? a.name : "'" + a.name + "'";
      case AtomKind::floor_div: return division(a);
      case AtomKind::ceil_div: return "ceil(" + operand(a.a) + "/" + operand(a.b) + ")";
      default: {
        std::string x = expression(a.a), y = expression(a.b);
        if (a.kind != AtomKind::mod && y < x) std::swap(x, y);
        return std::string(function_name(a.kind)) + "(" + x + ", " + y + ")";
      }
    }
  }

  // floor((x + d - 1)/d) is shown as ceil(x/d).
  std::string division(const SymAtom& a) const {
    if (a.b.is_value() && a.a.is_symbolic() && a.b.value() > 1) {
      const SymTerm& last = a.a.expr()->terms.back();
      if (last.atoms.empty() && last.coefficient == a.b.value() - 1) return "ceil(" + operand(a.a, true) + "/" + operand(a.b) + ")";
    }
    return "floor(" + operand(a.a) + "/" + operand(a.b) + ")";
  }

  std::string operand(Dim d, bool drop_constant = false) const {
    if (!d.is_symbolic()) return expression(d);
    SymExpr shown;
    shown.terms = d.expr()->terms;
    if (drop_constant) shown.terms.pop_back();
    std::string text = expression(Dim(&shown));
    const bool bare = shown.terms.size() == 1 && shown.terms[0].coefficient == 1 && shown.terms[0].atoms.size() == 1;
    return bare ? text : "(" + text + ")";
  }

  const std::deque<SymAtom>& atoms_;
};

namespace {

// Recursive descent; a failure of any kind makes the whole text a symbol, so it only remembers that it failed.
class SymbolParser {
 public:
  SymbolParser(SymbolTable& table, std::string_view text) : table_(table), text_(text) {}

  Dim parse() {
    const Dim d = expression(0);
    space();
    return failed_ || at_ != text_.size() ? Dim() : d;
  }

 private:
  void space() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Dim fail() {
    failed_ = true;
    return Dim();
  }

  Dim expression(int depth) {
    if (depth > kMaxParseDepth) return fail();
    const bool negative = take('-');
    Dim sum = term(depth);
    if (negative) sum = table_.mul(sum, Dim(-1));
    while (!failed_) {
      if (take('+')) sum = table_.add(sum, term(depth));
      else if (take('-')) sum = table_.sub(sum, term(depth));
      else break;
    }
    return sum;
  }

  Dim term(int depth) {
    Dim product = factor(depth);
    while (!failed_ && take('*')) product = table_.mul(product, factor(depth));
    return product;
  }

  Dim factor(int depth) {
    space();
    if (at_ >= text_.size()) return fail();
    const char c = text_[at_];
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) return number();
    if (c == '\'') return quoted();
    if (c == '(') {
      ++at_;
      const Dim d = expression(depth + 1);
      return take(')') ? d : fail();
    }
    if (!is_name_start(c)) return fail();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    if (at_ < text_.size() && text_[at_] == '(') return call(name, depth);
    return table_.symbol(name);
  }

  Dim number() {
    std::int64_t v = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
    if (error != std::errc()) return fail();
    at_ = static_cast<std::size_t>(end - text_.data());
    return Dim(v);
  }

  Dim quoted() {
    const std::size_t end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) return fail();
    const Dim d = table_.symbol(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return d;
  }

  Dim call(std::string_view name, int depth) {
    ++at_;
    const bool divides = name == "floor" || name == "ceil";
    if (!divides && name != "mod" && name != "min" && name != "max") return fail();
    const Dim a = divides ? term(depth + 1) : expression(depth + 1);
    if (!take(divides ? '/' : ',')) return fail();
    const Dim b = divides ? term(depth + 1) : expression(depth + 1);
    if (!take(')')) return fail();
    if (name == "floor") return table_.floor_div(a, b);
    if (name == "ceil") return table_.ceil_div(a, b);
    if (name == "mod") return table_.mod(a, b);
    return name == "min" ? table_.min(a, b) : table_.max(a, b);
  }

  SymbolTable& table_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

bool is_number(std::string_view s) {
  if (!s.empty() && s[0] == '-') s.remove_prefix(1);
  return !s.empty() && s.size() <= 19 && std::all_of(s.begin(), s.end(), [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace

std::string SymbolTable::to_string(Dim d) const {
  if (d.is_symbolic() && d.expr()->terms.size() == 1) {
    const SymTerm& t = d.expr()->terms[0];
    if (t.coefficient == 1 && t.atoms.size() == 1 && impl_->atoms[t.atoms[0]].kind == AtomKind::symbol) return impl_->atoms[t.atoms[0]].name;
  }
  return SymbolPrinter(impl_->atoms).expression(d);
}

// A text is an expression only if it is exactly what to_string prints of that expression: so a file's own spelling of a name always survives.
Dim SymbolTable::parse(std::string_view text) {
  if (text.empty() || text == "?") return Dim();
  if (is_plain_name(text)) return symbol(text);
  const auto known = impl_->symbols.find(std::string(text));
  if (known != impl_->symbols.end()) return known->second;
  if (!is_number(text) && text.find_first_of("+-*(") == std::string_view::npos) return symbol(text);
  const Dim d = SymbolParser(*this, text).parse();
  if (!d.is_unknown() && to_string(d) == text) return d;
  return symbol(text);
}

}  // namespace onnxopt
