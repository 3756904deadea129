// Moving a node or a draft along its operator's chain of versions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "passes/opset/step.h"

namespace onnxopt {

// What a relabel has to edit: attributes of the newer row that stand at their default, and outputs that nobody uses.
struct RelabelEdits {
  std::vector<std::string_view> drop_attrs;
  std::size_t num_inputs = 0, num_outputs = 0;  // to keep
  bool any = false;
};
// Is the node, spelled for `from`, also a valid `to` with the same meaning, both reached from each other by relabels? Checks attributes, arity and,
// where known, types. "" or why not.
std::string relabel(const Node& n, const OpSchema& from, const OpSchema& to, RelabelEdits& edits);
std::string relabel(const Draft& d, const OpSchema& from, const OpSchema& to, RelabelEdits& edits);
// Does the node keep the rules of its row: number of inputs and outputs, and their types where known? "" or what is wrong.
std::string fits(const Node& n, const OpSchema& row);
// Of that only the types of outputs; `unused_too`: of a node that is not in use yet.
std::string outputs_fit(const Node& n, const OpSchema& row, bool unused_too = false);
// Are the known types of inputs and outputs allowed by `row`? "" or which is not.
std::string types_fit(const Draft& d, const OpSchema& row);
// Are the known types of a node allowed by its own row, one for each type variable? "" or which is not.
std::string types_agree(const Node& n);
std::string type_name(const Type& t);  // "tensor(float)", "seq(tensor(int64))"; "" of what has no such name

// Takes the draft to the row in force at opset `version` of its domain, upwards or downwards, renames included. "" or why not.
std::string walk(Draft& d, int version);
// As far up as possible: to the newest row of the operator (following renames). "" or why it stops short.
std::string walk_up(Draft& d);
// The row that the node would have at `version`; null: the operator does not exist there. Follows renames.
const OpSchema* destination(const OpSchema& row, int version);

std::string row_name(const OpSchema& row);  // "Clip-6"

}  // namespace onnxopt
