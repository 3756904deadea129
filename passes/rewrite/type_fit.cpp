#include "passes/rewrite/type_fit.h"

#include <fmt/format.h>

namespace onnxopt {

std::string type_misfit(const Type& old, const Type& ours, SymbolTable& symbols) {
  using Kind = Type::Kind;
  if (old.kind == Kind::unknown || ours.kind == Kind::unknown) return "";
  if (old.kind != ours.kind) return "the replacement is of another kind of type";
  if (old.dtype != DType::undefined && ours.dtype != DType::undefined && old.dtype != ours.dtype)
    return fmt::format("the replacement is {}, not {}", dtype_name(ours.dtype), dtype_name(old.dtype));
  if (old.elem && ours.elem) {
    if (std::string why = type_misfit(*old.elem, *ours.elem, symbols); !why.empty()) return why;
  }
  if (!old.shape || !ours.shape) return "";
  if (old.rank() != ours.rank()) return fmt::format("the replacement has rank {}, not {}", ours.rank(), old.rank());
  for (std::size_t i = 0; i < old.shape->size(); ++i) {
    const Dim a = (*old.shape)[i], b = (*ours.shape)[i];
    if (a.is_unknown() || b.is_unknown() || same(a, b)) continue;
    const bool may_agree = !(a.is_value() && b.is_value()) && (symbols.is_anonymous(a) || symbols.is_anonymous(b));
    if (may_agree || symbols.provably_equal(a, b)) continue;
    return fmt::format("dim {} of the replacement is {}, not provably {}", i, symbols.to_string(b), symbols.to_string(a));
  }
  return "";
}

Type intersect_types(const Type& a, const Type& b, SymbolTable& symbols) {
  if (a.kind == Type::Kind::unknown) return b;
  if (b.kind == Type::Kind::unknown) return a;
  Type r = a;
  if (r.dtype == DType::undefined) r.dtype = b.dtype;
  if (!r.elem) r.elem = b.elem;
  if (!r.shape) {
    r.shape = b.shape;
  } else if (b.shape && b.shape->size() == r.shape->size()) {
    for (std::size_t i = 0; i < r.shape->size(); ++i) {
      const Dim d = (*r.shape)[i], e = (*b.shape)[i];
      if (d.is_unknown() || (e.is_value() && !d.is_value()) || (d.is_symbolic() && e.is_symbolic() && symbols.is_anonymous(d)))
        (*r.shape)[i] = e.is_unknown() ? d : e;
    }
  }
  return r;
}

}  // namespace onnxopt
