// Gelu written out, for the rules that make one of it and those that give its parts the order that runtimes know.
#pragma once

#include <string_view>
#include <vector>

#include "passes/fusion/conditions.h"

namespace onnxopt {

// p = 1 + Erf (s), where s = x / sqrt(2) or x * sqrt(1 / 2)
std::vector<std::string_view> gelu_of_quotient();
std::vector<std::string_view> gelu_of_product();
// y = x * 0.5 * p: orders that ONNX Runtime fuses, and others that exporters write.
std::vector<std::string_view> gelu_products_fused();
std::vector<std::string_view> gelu_products_unfused();
std::vector<std::string_view> gelu_products();  // all of them

// Under which the parts get another order: float tensors, no constant, and what is written has no Gelu (ai.onnx before 20).
std::vector<Where> gelu_stays_written_out();
// The constant `v` of x's type and rank 0.
Value* gelu_number(const Match& m, Rewriter& rw, double v, std::string_view name);

}  // namespace onnxopt
