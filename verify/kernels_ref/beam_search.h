// com.microsoft BeamSearch, WhisperBeamSearch, GreedySearch and Sampling.
#pragma once

#include <span>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

std::span<const Kernel> search_kernels();

}  // namespace onnxopt::ref
