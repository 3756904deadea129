// QuantizeLinear and DequantizeLinear: one scale for all until 13, blocks from 21 on, types chosen by attributes from 21 and 23 on.
#include <fmt/format.h>

#include <algorithm>

#include "passes/opset/step.h"

namespace onnxopt {
namespace {

// Until 13 scale and zero point were scalars.
std::string per_tensor_down(Draft& d) {
  const auto s = d.shape(1);
  if (!s) return "the shape of the scale is not known";
  if (!std::all_of(s->begin(), s->end(), [](const Dim& x) { return x.is(1); })) return "no decomposition: more than one scale";
  d.drop("axis");
  return "";
}
std::string axis_up(Draft& d) {
  const auto s = d.shape(1);
  d.touch();
  const bool scalar = !s || std::all_of(s->begin(), s->end(), [](const Dim& x) { return x.is(1); });
  return scalar ? "" : fmt::format("{} with more than one scale", d.op->name);
}

std::string saturate_down(Draft& d) {
  d.drop("saturate");  // it matters for the float8 types only, which the older version does not have
  return "";
}

std::string no_blocks(const Draft& d) { return int_attr(d, "block_size", 0) == 0 ? "" : "no decomposition: block_size"; }

// output_dtype without a zero point says what the zero point's type would; an explicit zero point says the same to older versions.
std::string quantize_21_down(Draft& d) {
  if (auto why = no_blocks(d); !why.empty()) return why;
  d.drop("block_size");
  const std::int64_t out = int_attr(d, "output_dtype", 0);
  d.drop("output_dtype");
  if (out == 0 || d.has(2) || out == static_cast<std::int64_t>(DType::uint8)) return "";
  const auto scale = d.shape(1);
  if (!scale) return "the shape of the scale is not known";
  Dims dims;
  for (const Dim& x : *scale) {
    if (!x.is_value()) return "the shape of the scale is not known";
    dims.push_back(x.value());
  }
  if (!is_known_dtype(out)) return "output_dtype is not a type";
  d.set_input(2, Tensor::zeros(static_cast<DType>(out), std::move(dims)));
  return "";
}
std::string dequantize_21_down(Draft& d) {
  if (auto why = no_blocks(d); !why.empty()) return why;
  d.drop("block_size");
  return "";
}
std::string dequantize_23_down(Draft& d) {
  const std::int64_t out = int_attr(d, "output_dtype", 0);
  if (out != 0 && out != static_cast<std::int64_t>(d.dtype(1))) return "no decomposition: output_dtype is not the type of the scale";
  d.drop("output_dtype");
  return "";
}
std::string quantize_23_down(Draft& d) {
  const std::int64_t precision = int_attr(d, "precision", 0);
  if (precision != 0 && precision != static_cast<std::int64_t>(d.dtype(1))) return "no decomposition: precision";
  d.drop("precision");
  return "";
}

constexpr Step kSteps[] = {
    {"QuantizeLinear", 10, 13, axis_up, per_tensor_down},      {"DequantizeLinear", 10, 13, axis_up, per_tensor_down},
    {"QuantizeLinear", 13, 19, nullptr, saturate_down},        {"QuantizeLinear", 19, 21, nullptr, quantize_21_down},
    {"DequantizeLinear", 19, 21, nullptr, dequantize_21_down}, {"QuantizeLinear", 21, 23, nullptr, quantize_23_down},
    {"DequantizeLinear", 21, 23, nullptr, dequantize_23_down},
};

}  // namespace

std::span<const Step> steps_quant() { return kSteps; }

}  // namespace onnxopt
