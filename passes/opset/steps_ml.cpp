// ai.onnx.ml.
#include <fmt/format.h>

#include "passes/opset/step.h"

namespace onnxopt {
namespace {

// LabelEncoder-1: strings to their position in classes_strings, or back.
std::string label_encoder_2_up(Draft& d) {
  const auto* classes = d.attrs.get<Strings>("classes_strings");
  if (!classes) return "attribute 'classes_strings' is missing";
  const Strings names = *classes;
  Ints positions;
  for (std::size_t i = 0; i < names.size(); ++i) positions.push_back(static_cast<std::int64_t>(i));
  const DType t = d.dtype(0);
  if (t != DType::string && t != DType::int64) return "the type of the input is not known";
  d.drop("classes_strings");
  d.set(t == DType::string ? "keys_strings" : "values_strings", names);
  d.set(t == DType::string ? "values_int64s" : "keys_int64s", positions);
  return "";
}
std::string label_encoder_2_down(Draft& d) {
  const bool forward = d.attrs.has("keys_strings") && d.attrs.has("values_int64s");
  const bool back = d.attrs.has("keys_int64s") && d.attrs.has("values_strings");
  const auto* names = d.attrs.get<Strings>(forward ? "keys_strings" : "values_strings");
  const auto* positions = d.attrs.get<Ints>(forward ? "values_int64s" : "keys_int64s");
  if ((!forward && !back) || !names || !positions || names->size() != positions->size())
    return "no decomposition: keys and values are not strings and positions";
  for (std::size_t i = 0; i < positions->size(); ++i)
    if ((*positions)[i] != static_cast<std::int64_t>(i)) return "no decomposition: the integers are not positions";
  const Strings kept = *names;
  for (const char* name : {"keys_strings", "values_int64s", "keys_int64s", "values_strings"}) d.drop(name);
  d.set("classes_strings", kept);
  return "";
}

constexpr Step kSteps[] = {
    {"LabelEncoder", 1, 2, label_encoder_2_up, label_encoder_2_down, {}, false, "ai.onnx.ml"},
};

}  // namespace

std::span<const Step> steps_ml() { return kSteps; }

}  // namespace onnxopt
