// What lowering would do to one node, without doing it.
#pragma once

#include <string>

#include "passes/opset/opset.h"

namespace onnxopt {

struct NodeLowering {
  std::string why;               // not empty: it cannot be done, and why
  const OpSchema* to = nullptr;  // the row it would have
  bool edits = false;            // more than the row changes against the file's form
};
NodeLowering try_lower(const Node& node, const OutputOpsets& target);

}  // namespace onnxopt
