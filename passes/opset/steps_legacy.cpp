// Steps of opsets 1 to 7: consumed_inputs, string types, defaults that were never written down, training switches.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "ir/core/dtype.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

std::string drop_consumed_inputs(Draft& d) {
  d.drop("consumed_inputs");  // a hint of the first runtimes that an input's memory may be reused
  return "";
}

// The name of an element type in version 1, its number since 6. Files of that time mix the versions up, so a step takes both.
std::string cast_up(Draft& d) {
  const auto* to = d.attrs.get<std::string>("to");
  if (!to) {
    if (d.attrs.get<std::int64_t>("to")) d.touch();
    return d.changed ? "" : "attribute 'to' is neither the name of a type nor its number";
  }
  const DType type = dtype_from_enumerator(*to);
  if (type != DType::undefined) {
    d.set("to", static_cast<std::int64_t>(type));
    return "";
  }
  return fmt::format("attribute 'to' is '{}', which names no type", *to);
}

std::string cast_6_up(Draft& d) { return d.attrs.get<std::string>("to") ? cast_up(d) : ""; }

std::string cast_down(Draft& d) {
  constexpr std::array<std::string_view, 16> kNames{"",       "FLOAT", "UINT8",   "INT8",   "UINT16", "INT16",  "INT32",     "INT64",
                                                    "STRING", "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128"};
  const std::int64_t to = int_attr(d, "to", 0);
  if (to <= 0 || to >= static_cast<std::int64_t>(kNames.size())) return "type: Cast-1 cannot name the target type";
  d.set("to", std::string(kNames[static_cast<std::size_t>(to)]));
  return "";
}

std::string concat_up(Draft& d) {
  if (!d.attrs.has("axis")) d.set("axis", std::int64_t{1});  // the default of Concat-1, by its text
  return "";
}

std::string selu_up(Draft& d) {
  d.drop("consumed_inputs");
  if (!d.attrs.has("alpha")) d.set("alpha", 1.6732f);
  if (!d.attrs.has("gamma")) d.set("gamma", 1.0507f);
  return "";
}

std::string selu_down(Draft& d) {
  if (!d.attrs.has("alpha")) d.set("alpha", 1.67326319217681884765625f);
  if (!d.attrs.has("gamma")) d.set("gamma", 1.05070102214813232421875f);
  return "";
}

// Before 7 is_test chose between training and inference; from 7 on the number of outputs did.
std::string inference_only(Draft& d, std::string_view op) {
  if (int_attr(d, "is_test", 0) == 0) return fmt::format("{} with is_test = 0 is the training form", op);
  d.drop("is_test");
  return "";
}

std::string batch_norm_1_up(Draft& d) {
  d.touch();
  return drop_consumed_inputs(d);
}
std::string batch_norm_1_down(Draft& d) {
  d.set("consumed_inputs", Ints{0, 0, 0, 1, 1});
  return "";
}
std::string batch_norm_6_up(Draft& d) {
  for (std::size_t i = 1; i < d.num_outputs; ++i)
    if (d.output_used(i)) return "the training outputs are used";
  if (d.num_outputs > 1) d.touch();
  d.num_outputs = std::min<std::size_t>(d.num_outputs, 1);
  return inference_only(d, "BatchNormalization");
}
std::string batch_norm_6_down(Draft& d) {
  for (std::size_t i = 1; i < d.num_outputs; ++i)
    if (d.output(i)) return "training mode";
  if (!d.more_outputs.empty()) return "training mode";
  d.set("is_test", std::int64_t{1});
  return "";
}
std::string dropout_6_up(Draft& d) { return inference_only(d, "Dropout"); }
std::string dropout_6_down(Draft& d) {
  d.set("is_test", std::int64_t{1});
  return "";
}

std::string lp_p_up(Draft& d) {
  const auto* p = d.attrs.get<float>("p");
  if (!p) return "";
  if (*p != std::floor(*p)) return fmt::format("p = {} is not an integer", *p);
  d.set("p", static_cast<std::int64_t>(*p));
  return "";
}
std::string lp_p_down(Draft& d) {
  if (const auto* p = d.attrs.get<std::int64_t>("p")) d.set("p", static_cast<float>(*p));
  return "";
}
std::string lp_pool_up(Draft& d) {
  if (!d.attrs.has("kernel_shape")) return "no kernel_shape";
  return lp_p_up(d);
}

// output_sequence of the first recurrent operators said whether output 0 is wanted; later the output's presence does.
std::string rnn_up(Draft& d) {
  d.drop("output_sequence");
  d.touch();
  return "";
}
std::string rnn_down(Draft& d) {
  if (d.output(0)) d.set("output_sequence", std::int64_t{1});
  return "";
}
std::string gru_1_up(Draft& d) {
  d.touch();  // Y_h was a required output then
  return "";
}

std::string clip_1_up(Draft& d) { return drop_consumed_inputs(d); }

std::string tile_1_up(Draft& d) {
  const Tensor* tiles = d.constant(1);
  const auto axis = d.constant(2) ? scalar_value(*d.constant(2)) : std::nullopt;
  const auto count = tiles ? scalar_value(*tiles) : std::nullopt;
  const auto rank = d.rank(0);
  if (!axis || !count) return "non-constant operand: tiles or axis";
  if (!rank || *axis < 0 || *axis >= static_cast<double>(*rank)) return "the rank of the input is not known";
  Ints repeats(static_cast<std::size_t>(*rank), 1);
  repeats[static_cast<std::size_t>(*axis)] = static_cast<std::int64_t>(*count);
  d.trim_inputs(2);
  d.set_input(1, Tensor::int64s(repeats));
  return "";
}
std::string tile_1_down(Draft&) { return "no decomposition: Tile-1 repeats along one axis"; }

// Operators that ONNX Runtime registered in ai.onnx before ONNX had them. Models carry them; nothing is lowered to them.
std::string same_as_standard(Draft& d) {
  d.touch();
  return "";
}
// Its result had the scale's type; the standard one wants one type for both.
// (Draft::dtype() would note the question, and the original form would not come back once inference knows more of the shape.)
std::string layer_norm_17_up(Draft& d) {
  const DType x = d.has(0) ? d.inputs[0].type().dtype : DType::undefined, scale = d.has(1) ? d.inputs[1].type().dtype : DType::undefined;
  if (x != DType::undefined && scale != DType::undefined && x != scale) return "the scale is of another type than the input";
  return same_as_standard(d);
}
// The first one was over everything or, without across_channels, over all but the channels.
std::string mvn_1_up(Draft& d) {
  const auto rank = d.rank(0);
  if (int_attr(d, "normalize_variance", 1) == 0) return "no variance is divided by";
  if (!rank || *rank < 2) return "the rank of the input is not known";
  Ints axes;
  for (std::int64_t k = 0; k < *rank; ++k)
    if (k != 1 || int_attr(d, "across_channels", 0) != 0) axes.push_back(k);
  d.drop("across_channels");
  d.drop("normalize_variance");
  d.set("axes", axes);
  return "";
}

constexpr Step kSteps[] = {
    {"Abs", 1, 6, drop_consumed_inputs},
    {"Add", 1, 6, drop_consumed_inputs},
    {"Ceil", 1, 6, drop_consumed_inputs},
    {"Div", 1, 6, drop_consumed_inputs},
    {"Elu", 1, 6, drop_consumed_inputs},
    {"Exp", 1, 6, drop_consumed_inputs},
    {"Floor", 1, 6, drop_consumed_inputs},
    {"HardSigmoid", 1, 6, drop_consumed_inputs},
    {"InstanceNormalization", 1, 6, drop_consumed_inputs},
    {"LeakyRelu", 1, 6, drop_consumed_inputs},
    {"Log", 1, 6, drop_consumed_inputs},
    {"Max", 1, 6, drop_consumed_inputs},
    {"Mean", 1, 6, drop_consumed_inputs},
    {"Min", 1, 6, drop_consumed_inputs},
    {"Mul", 1, 6, drop_consumed_inputs},
    {"Neg", 1, 6, drop_consumed_inputs},
    {"PRelu", 1, 6, drop_consumed_inputs},
    {"Reciprocal", 1, 6, drop_consumed_inputs},
    {"Relu", 1, 6, drop_consumed_inputs},
    {"Sigmoid", 1, 6, drop_consumed_inputs},
    {"Sqrt", 1, 6, drop_consumed_inputs},
    {"Sub", 1, 6, drop_consumed_inputs},
    {"Sum", 1, 6, drop_consumed_inputs},
    {"Tanh", 1, 6, drop_consumed_inputs},
    {"Dropout", 1, 6, drop_consumed_inputs},
    {"Clip", 1, 6, clip_1_up},
    {"Selu", 1, 6, selu_up, selu_down},
    {"BatchNormalization", 1, 6, batch_norm_1_up, batch_norm_1_down},
    {"BatchNormalization", 6, 7, batch_norm_6_up, batch_norm_6_down},
    {"Dropout", 6, 7, dropout_6_up, dropout_6_down},
    {"Cast", 1, 6, cast_up, cast_down},
    {"Cast", 6, 9, cast_6_up},
    {"Concat", 1, 4, concat_up},
    {"GlobalLpPool", 1, 2, lp_p_up, lp_p_down},
    {"LpPool", 1, 2, lp_pool_up, lp_p_down},
    {"GRU", 1, 3, gru_1_up},
    {"GRU", 3, 7, rnn_up, rnn_down},
    {"LSTM", 1, 7, rnn_up, rnn_down},
    {"RNN", 1, 7, rnn_up, rnn_down},
    {"Tile", 1, 6, tile_1_up, tile_1_down},
    {"LayerNormalization", 1, 17, layer_norm_17_up, nullptr, {}, true},
    {"ThresholdedRelu", 1, 10, same_as_standard, nullptr, {}, true},
    {"MeanVarianceNormalization", 1, 9, mvn_1_up, nullptr, {}, true},
};

}  // namespace

std::span<const Step> steps_legacy() { return kSteps; }

}  // namespace onnxopt
