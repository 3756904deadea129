// What callers of a model feed, and whether another model takes it as well.
#pragma once

#include <string>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

// In order; an input with a default value is a constant.
std::vector<Value*> fed_inputs(Model& m);

// What callers of the original feed must fit the candidate too; "": it does.
std::string narrower_input(Model& reference, Model& candidate);

}  // namespace onnxopt
