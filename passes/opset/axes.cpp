#include "passes/opset/axes.h"

#include <algorithm>

namespace onnxopt {

std::string axes_to_input(Draft& d, std::size_t i) {
  const auto* axes = d.attrs.get<Ints>("axes");
  if (!axes) return "";
  Tensor made = Tensor::int64s(*axes);
  d.drop("axes");
  d.set_input(i, std::move(made));
  return "";
}

std::string axes_to_attribute(Draft& d, std::size_t i) {
  if (!d.has(i)) {
    d.trim_inputs(i);
    return "";
  }
  const auto axes = d.constant_ints(i);
  if (!axes) return "non-constant operand: axes";
  d.trim_inputs(i);
  d.set("axes", *axes);
  return "";
}

std::string remember_negative_axes(Draft& d) {
  const auto* v = d.attrs.get<Ints>("axes");
  if (v && std::any_of(v->begin(), v->end(), [](std::int64_t a) { return a < 0; })) d.touch();
  return "";
}

std::string make_nonnegative(Ints& axes, Draft& d, std::size_t i) {
  if (std::all_of(axes.begin(), axes.end(), [](std::int64_t a) { return a >= 0; })) return "";
  const auto rank = d.rank(i);
  if (!rank) return "a negative axis of an input whose rank is not known";
  for (std::int64_t& a : axes) a += a < 0 ? *rank : 0;
  return "";
}

std::string normalize_axes(Draft& d, std::optional<std::int64_t> rank) {
  const auto* v = d.attrs.get<Ints>("axes");
  if (!v || std::all_of(v->begin(), v->end(), [](std::int64_t a) { return a >= 0; })) return "";
  if (!rank) return "a negative axis of an input whose rank is not known";
  Ints axes = *v;
  for (std::int64_t& a : axes) a += a < 0 ? *rank : 0;
  d.set("axes", std::move(axes));
  return "";
}

std::string normalize_axis(Draft& d, std::string_view attr, std::int64_t otherwise, std::optional<std::int64_t> rank) {
  const std::int64_t axis = int_attr(d, attr, otherwise);
  if (axis >= 0 || (axis == otherwise && !d.attrs.has(attr))) return "";
  if (!rank) return "a negative axis of an input whose rank is not known";
  d.set(std::string(attr), axis + *rank);
  return "";
}

}  // namespace onnxopt
