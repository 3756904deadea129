#include "passes/rewrite/scalar.h"

#include <algorithm>
#include <cmath>

#include "ir/core/element.h"

namespace onnxopt {
std::optional<double> element_value(const Tensor& t) {
  if (!t || t.size() != 1) return std::nullopt;
  const DType d = t.dtype();
  const bool is_wide = unit_in_last_place(d) > 0 || (is_integer(d) && bit_width(d) >= 8) || d == DType::boolean;
  return is_wide ? std::optional(load_element<double>(d, t.bytes().data(), 0)) : std::nullopt;
}

bool is_literal(double value, double literal, DType t, bool approximate) {
  if (value == literal) return true;
  if (std::isinf(literal) || std::isnan(value)) return false;
  return std::abs(value - literal) <= std::max(unit_in_last_place(t) / 2, approximate ? 1e-3 : 0.0) * std::abs(literal);
}

}  // namespace onnxopt
