#include "passes/fusion/norm_patterns.h"

#include <cmath>

#include "passes/fusion/weights.h"

namespace onnxopt {

const std::string& mean_variance_pattern() {
  static const std::string text = combine_patterns(
      {
          "mean = ReduceMean (x, axes?)\n d = Sub (x, mean)\n q = Pow (d, 2)\n v = ReduceMean (q, axes2?)\n ve = Add (v, eps)",
          "mean = ReduceMean (x, axes?)\n d = Sub (x, mean)\n q = Mul (d, d)\n v = ReduceMean (q, axes2?)\n ve = Add (v, eps)",
      },
      {
          "s = Sqrt (ve)\n y = Div (d, s)",
          "s = Sqrt (ve)\n r = Reciprocal (s)\n y = Mul (d, r)",
          "s = Sqrt (ve)\n r = Div (1.0, s)\n y = Mul (d, r)",
          "s = Pow (ve, 0.5)\n y = Div (d, s)",
          "s = Pow (ve, -0.5)\n y = Mul (d, s)",
      });
  return text;
}

const std::string& mean_square_pattern() {
  static const std::string text = combine_patterns(
      {
          "q = Pow (x, 2)\n v = ReduceMean (q, axes?)\n ve = Add (v, eps)",
          "q = Mul (x, x)\n v = ReduceMean (q, axes?)\n ve = Add (v, eps)",
      },
      {
          "s = Sqrt (ve)\n y = Div (x, s)",
          "s = Sqrt (ve)\n r = Reciprocal (s)\n y = Mul (x, r)",
          "s = Sqrt (ve)\n r = Div (1.0, s)\n y = Mul (x, r)",
          "s = Pow (ve, 0.5)\n y = Div (x, s)",
          "s = Pow (ve, -0.5)\n y = Mul (x, s)",
      });
  return text;
}

std::int64_t trailing_axes(const Node& reduce, const Node* other, const PassContext& ctx) {
  const auto axes = reduce_axes(reduce, ctx);
  if (!axes || reduce.attr<std::int64_t>("keepdims") != 1 || !are_trailing(*axes, reduce.input(0)->type.rank())) return 0;
  if (other && (other->attr<std::int64_t>("keepdims") != 1 || reduce_axes(*other, ctx) != axes)) return 0;
  return static_cast<std::int64_t>(axes->size());
}

Tensor trailing_ones(const Value& x, std::int64_t axes) {
  Dims dims;
  for (std::int64_t i = x.type.rank() - axes; i < x.type.rank(); ++i) {
    const Dim d = (*x.type.shape)[static_cast<std::size_t>(i)];
    if (!d.is_value() || d.value() <= 0) return {};
    dims.push_back(d.value());
  }
  const std::vector<double> ones(static_cast<std::size_t>(element_count(dims)), 1.0);
  return from_doubles(x.type.dtype, std::move(dims), ones);
}

Where eps_is_scalar() {
  return {.what = "eps is one positive constant that a float holds",
          .holds =
              [](const Match& m) {
                const auto eps = scalar_of(m["eps"], m.context());
                if (!eps || !(*eps > 0) || !std::isfinite(*eps)) return false;
                const double stored = static_cast<float>(*eps);  // the attribute is a float, also where the data are double
                return stored > 0 && (m["eps"]->type.dtype != DType::float64 || std::abs(stored - *eps) <= 1e-12);
              },
          .names = {"eps"}};
}

}  // namespace onnxopt
