// Activations that ONNX Runtime fuses into another operator, by the names of its attribute `activation`.
#pragma once

#include <string>

#include "ir/core/attribute.h"

namespace onnxopt::ref {

// x itself for an empty name; throws Error where the name is not known.
double fused_activation(const std::string& name, const Floats& params, double x);

}  // namespace onnxopt::ref
