// Conversion to another opset, without optimizing: every node of a lifted model is made ready for the target, or named with the reason why it cannot
// be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "passes/opset/opset.h"

namespace onnxopt {

// Why a node blocks a conversion. A closed list.
enum class Refusal { type, no_decomposition, non_constant_operand, kept, unknown_op };
std::string_view refusal_text(Refusal r);  // "type", "no decomposition", ...

struct ConversionStep {
  enum class Kind { adapted, lowered, blocked };
  std::string graph, node;  // graph: function or subgraph; empty: the main graph
  std::string from;         // "Clip-6": operator and version in the file
  Kind kind = Kind::adapted;
  std::string to;  // "Clip-11"; lowered: "Div, Erf, Add, Mul"
  Refusal refusal = Refusal::no_decomposition;
  std::string reason;  // of blocked ones
};

struct Conversion {
  std::vector<ConversionStep> steps;  // in node order; nodes that stay as they are not among them
  std::size_t untouched = 0, adapted = 0, lowered = 0, blocked = 0;
  std::size_t made_nodes = 0;        // that took the place of lowered ones
  bool blocked_in_function = false;  // inlining may help
};

// Decomposes what `target` cannot express. If nothing is blocked, lower(model, target) will do. The model is changed either way.
Conversion prepare_conversion(Model& lifted, const OutputOpsets& target);
std::string refusal_line(const ConversionStep& s);  // "type: input 0 is bfloat16, ..."
// One line that names the blocked nodes.
std::string blocked_text(const Conversion& c, const OutputOpsets& target);

}  // namespace onnxopt
