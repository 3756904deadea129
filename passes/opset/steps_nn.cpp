// Normalization, Dropout, Clip, recurrent operators and Gemm's optional C.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::string batch_norm_9_up(Draft& d) {
  if (int_attr(d, "spatial", 1) == 0) return "spatial = 0 has no newer form";
  d.drop("spatial");
  return "";
}
// Until 13 the five outputs say that the node trains: the first one comes from the statistics of the batch, as runtimes compute it. From 14 on an
// attribute says so, and the saved statistics are no output any more.
constexpr std::size_t kTrainingOutputs = 5;

std::string batch_norm_14_up(Draft& d) {
  if (d.num_outputs <= 1) return "";
  if (d.num_outputs != kTrainingOutputs) return "neither one output (inference) nor five (training)";
  for (std::size_t i = 3; i < kTrainingOutputs; ++i)
    if (d.output_used(i)) return "training mode: the saved statistics are used";
  d.num_outputs = 3;
  d.set("training_mode", std::int64_t{1});
  return "";
}
std::string batch_norm_14_down(Draft& d) {
  const bool training = int_attr(d, "training_mode", 0) != 0;
  d.drop("training_mode");
  if (training) {
    d.more_outputs.assign(kTrainingOutputs - std::min(d.num_outputs, kTrainingOutputs), "");
    d.touch();
    return "";
  }
  for (std::size_t i = 1; i < d.num_outputs; ++i)
    if (d.output_used(i)) return "no decomposition: training outputs";
  if (d.num_outputs > 1) d.touch();
  d.num_outputs = std::min<std::size_t>(d.num_outputs, 1);
  return "";
}

// The mask became bool at 10.
std::string dropout_10_up(Draft& d) { return d.output_used(1) ? "the mask output is used, which became bool in opset 10" : ""; }
std::string dropout_10_down(Draft& d) {
  if (d.output_used(1)) return "no decomposition: the mask output is used";
  const Value* mask = d.num_outputs > 1 ? d.output(1) : nullptr;
  if (mask && mask->extra() && mask->extra()->has_declared && mask->extra()->declared.dtype == DType::boolean) {
    d.num_outputs = 1;  // nobody reads it, but its declared type would contradict the operator
    d.touch();
  }
  return "";
}
// What the mask holds where nothing is dropped is said from 12 on only: true. Before, runtimes fill it with false.
std::string dropout_12_up(Draft& d) {
  if (d.output_used(1)) return "the mask output is used, which says what is kept from opset 12 on";
  if (const auto* ratio = d.attrs.get<float>("ratio")) {
    Tensor made = Tensor::scalar<float>(*ratio);
    d.drop("ratio");
    d.set_input(1, std::move(made));
  }
  return "";
}
std::string dropout_12_down(Draft& d) {
  if (d.output_used(1)) return "no decomposition: the mask output is used";
  if (d.has(2)) {
    const Tensor* t = d.constant(2);
    if (!t || t->dtype() != DType::boolean || t->size() != 1) return "non-constant operand: training_mode";
    if (t->data<bool>()[0]) return "no decomposition: training_mode = true";
  }
  if (const auto ratio = d.constant(1) ? scalar_value(*d.constant(1)) : std::nullopt) d.set("ratio", static_cast<float>(*ratio));
  d.trim_inputs(1);
  d.drop("seed");
  return "";
}

std::string clip_11_up(Draft& d) {
  std::optional<Tensor> bound[2];
  const char* names[2] = {"min", "max"};
  for (int k = 0; k < 2; ++k) {
    const auto* v = d.attrs.get<float>(names[k]);
    if (!v) continue;
    bound[k] = float_scalar(d.dtype(0), *v);
    if (!bound[k]) return "the type of the input is not known";
  }
  for (std::size_t k = 0; k < 2; ++k) {
    d.drop(names[k]);
    if (bound[k]) d.set_input(k + 1, *bound[k]);
  }
  return "";
}
std::string clip_11_down(Draft& d) {
  const char* names[2] = {"min", "max"};
  for (std::size_t k = 0; k < 2; ++k) {
    if (!d.has(k + 1)) continue;
    const auto v = d.constant(k + 1) ? scalar_value(*d.constant(k + 1)) : std::nullopt;
    if (!v) return fmt::format("non-constant operand: {}", names[k]);
    if (!std::isnan(*v) && static_cast<double>(static_cast<float>(*v)) != *v) return fmt::format("type: {} = {} is not a float", names[k], *v);
    d.set(names[k], static_cast<float>(*v));
  }
  d.trim_inputs(1);
  return "";
}

// Scale and bias: one a group until 18, one a channel from 21 on.
std::optional<Tensor> per_channel(const Tensor& t, std::int64_t repeat) {
  if (t.rank() != 1 || bit_width(t.dtype()) < 8) return std::nullopt;
  const std::size_t width = static_cast<std::size_t>(bit_width(t.dtype())) / 8;
  const auto from = t.bytes();
  std::vector<std::byte> to;
  to.reserve(from.size() * static_cast<std::size_t>(repeat));
  for (std::size_t i = 0; i < from.size(); i += width)
    for (std::int64_t k = 0; k < repeat; ++k)
      to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(i), from.begin() + static_cast<std::ptrdiff_t>(i + width));
  return Tensor::from_bytes(t.dtype(), {t.dims()[0] * repeat}, std::move(to));
}
std::string group_norm_21_up(Draft& d) {
  const auto s = d.shape(0);
  const std::int64_t groups = int_attr(d, "num_groups", 0);
  if (!s || s->size() < 2 || !(*s)[1].is_value() || groups <= 0 || (*s)[1].value() % groups != 0) return "the number of channels is not known";
  for (std::size_t i = 1; i <= 2; ++i) {
    if (!d.constant(i)) return "non-constant operand: scale or bias";
    auto t = per_channel(*d.constant(i), (*s)[1].value() / groups);
    if (!t || d.constant(i)->dims()[0] != groups) return "scale or bias is not one value a group";
    d.set_input(i, std::move(*t));
  }
  return "";
}
std::string group_norm_21_down(Draft& d) {
  const std::int64_t groups = int_attr(d, "num_groups", 0);
  for (std::size_t i = 1; i <= 2; ++i) {
    const Tensor* t = d.constant(i);
    if (!t) return "non-constant operand: scale or bias";
    if (t->rank() != 1 || groups <= 0 || t->dims()[0] % groups != 0 || bit_width(t->dtype()) < 8) return "scale or bias is not one value a channel";
    const std::size_t width = static_cast<std::size_t>(bit_width(t->dtype())) / 8;
    const std::size_t each = static_cast<std::size_t>(t->dims()[0] / groups) * width;
    const auto from = t->bytes();
    std::vector<std::byte> to;
    for (std::size_t g = 0; g < from.size(); g += each)
      for (std::size_t k = 0; k < each; k += width) {
        if (std::memcmp(&from[g], &from[g + k], width) != 0) return "no decomposition: scale or bias differs inside a group";
        if (k == 0) to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(g), from.begin() + static_cast<std::ptrdiff_t>(g + width));
      }
    d.set_input(i, Tensor::from_bytes(t->dtype(), {groups}, std::move(to)));
  }
  if (int_attr(d, "stash_type", 1) != 1) return "no decomposition: stash_type";
  return "";
}

// C was required before: zeros stood for none.
std::string gemm_11_up(Draft& d) {
  const Tensor* c = d.has(2) ? d.constant(2) : nullptr;
  if (c && c->size() == 1 && c->dtype() != DType::string && std::ranges::all_of(c->bytes(), [](std::byte b) { return b == std::byte{0}; }))
    d.trim_inputs(2);
  return "";
}
std::string gemm_11_down(Draft& d) {
  if (d.has(2)) return "";
  const auto zero = float_scalar(d.dtype(0), 0.0);
  if (!zero) return "the type of A is not known";
  d.set_input(2, *zero);
  return "";
}

std::string erf_13_up(Draft& d) {
  const DType t = d.dtype(0);
  return is_integer(t) ? fmt::format("type: Erf of {} was dropped in opset 13", dtype_name(t)) : "";
}

constexpr Step kSteps[] = {
    {"BatchNormalization", 7, 9, batch_norm_9_up},      {"BatchNormalization", 9, 14, batch_norm_14_up, batch_norm_14_down},
    {"Dropout", 7, 10, dropout_10_up, dropout_10_down}, {"Dropout", 10, 12, dropout_12_up, dropout_12_down},
    {"Clip", 6, 11, clip_11_up, clip_11_down},          {"GroupNormalization", 18, 21, group_norm_21_up, group_norm_21_down},
    {"Gemm", 9, 11, gemm_11_up, gemm_11_down},          {"Erf", 9, 13, erf_13_up},
};

}  // namespace

std::span<const Step> steps_nn() { return kSteps; }

}  // namespace onnxopt
