// com.microsoft MoE and QMoE.
#pragma once

#include <span>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

std::span<const Kernel> moe_kernels();

}  // namespace onnxopt::ref
