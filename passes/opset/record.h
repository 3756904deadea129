// What a lifted node remembers of its file's form, and the way back to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "passes/opset/draft.h"

namespace onnxopt {

// Where an input of the original form is found in the lifted one.
struct Origin {
  enum class Kind : std::uint8_t { none, input, helper, value };
  Kind kind = Kind::none;
  std::uint32_t index = 0;  // input, helper: index among the lifted inputs; helper: what stands behind the node that lifting put in front
  Value* value = nullptr;   // value: not an input of the lifted form at all
  Tensor tensor;            // what that value held if it was a constant: nothing reads it now, and what nobody reads is removed
};

struct NodeLiftRecord : LiftRecord {
  const OpSchema* op = nullptr;  // original row
  Attrs attrs;                   // original attributes
  std::vector<Origin> inputs;    // of the original form
  std::vector<Type> types;       // of the original inputs, where lifting looked at them; else empty
  const OpSchema* lifted_op = nullptr;
  Attrs lifted_attrs;
  std::uint32_t lifted_inputs = 0;                     // how many
  std::vector<std::string> dropped_outputs;            // names of trailing outputs that nobody read and the lifted form does not have
  std::vector<std::pair<std::uint32_t, Tensor>> made;  // lifted inputs that are constants of lifting
};

// Mark of a node that lifting put in front of another.
struct HelperRecord : LiftRecord {};

// The original form, if `version` has its row in force, nothing that lifting made or edited was changed since, and the inputs of today fit it.
std::optional<Draft> restored(const Node& n, int version);

}  // namespace onnxopt
