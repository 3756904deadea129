// com.microsoft BeamSearch and GreedySearch.
#pragma once

#include <span>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

std::span<const Kernel> search_kernels();

}  // namespace onnxopt::ref
