// Element types that a release of a runtime does not load: widened where that is asked for, else the nodes that have them block the conversion.
#pragma once

#include <string>

#include "passes/opset/convert.h"
#include "passes/opset/profile.h"

namespace onnxopt {

// Types that a model must not have for this release. What it only stores and casts is among them where the model computes in it.
TypeSet types_to_avoid(Model& model, const LoadedTypes& loaded);
// Appends a blocked step for every node that takes or gives such a type. `target` names the release.
void refuse_types(Model& model, TypeSet avoid, const std::string& target, Conversion& c);

}  // namespace onnxopt
