// The pattern language (docs/writing-rules.md): node lists in ONNX text, parsed once into indices and operator rows, so that matching
// compares pointers and allocates nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/core/attribute.h"
#include "ir/ops/op_schema.h"

namespace onnxopt {

struct PatternInput {
  enum class Kind : std::uint8_t { any, name, number, absent };  // `_`, `x`, `0.5`, `""`
  Kind kind = Kind::any;
  bool optional = false;     // `b?`: may be omitted at the node
  bool approximate = false;  // `1.4142~`: relative 1e-3
  bool integral = false;     // `2`: written without point; matches integer constants too
  int name = -1;             // index into PatternNames
  double number = 0;
};

struct PatternAttr {
  std::string name;
  int capture = -1;  // `axis = @a`: index into the rule's captures; -1: must equal `value`
  AttrValue value;
};

struct PatternNode {
  std::vector<const OpSchema*> ops;  // `Add|Sub`
  std::vector<PatternInput> inputs;
  bool more_inputs = false;  // `...`
  std::vector<int> outputs;  // names; -1 (`_`, and all outputs not listed): must be unused
  std::vector<PatternAttr> attrs;
  bool accepts(const OpSchema& op) const {
    for (const OpSchema* o : ops)
      if (o == &op) return true;
    return false;
  }
};

// Names and captures of a rule, shared by its alternatives.
struct PatternNames {
  std::vector<std::string> values, captures;
  static int find(const std::vector<std::string>& list, std::string_view name);  // -1: none
};

// One alternative. The root is the last node.
struct Pattern {
  std::vector<PatternNode> nodes;
  std::vector<int> producer, output;  // by value name: the node that produces it and at which output; -1: a free input, or not in this alternative
  int depth = 1;                      // longest chain of nodes that ends at the root
  const PatternNode& root() const { return nodes.back(); }
};

// Parses `text`, alternatives separated by lines that hold `or`. A text that is wrong is a bug of its rule: InternalError with rule, line and reason.
std::vector<Pattern> parse_patterns(std::string_view rule, std::string_view text, PatternNames& names);

}  // namespace onnxopt
