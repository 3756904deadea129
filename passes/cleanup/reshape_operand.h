// The shape operand of a Reshape, as a constant.
#pragma once

#include <optional>

#include "passes/cleanup/facts.h"

namespace onnxopt {

// A constant with which Reshape <allowzero = 0> of `in` has shape `out` for every value of the symbols; nullopt: there is none.
// 0 copies the dim of `in` at that index. One dim may be -1 ("the rest"), and because the rest of an empty tensor is not defined when the other dims
// multiply to zero, only if all others are provably at least 1, or if the operand that is replaced has its -1 at the same place (`given`: its known
// elements, may be null): then it fails on exactly the same inputs as before.
std::optional<Ints> reshape_operand(const Shape& out, const Value* in, SymbolTable& symbols, const DimList* given = nullptr);

// The axes of `to` that Unsqueeze has to put into `from`; nullopt: `to` is not `from` with dims of size 1 put in.
std::optional<Ints> inserted_ones(const Shape& from, const Shape& to);

// x, seen through any chain of Reshape, Squeeze, Unsqueeze and Flatten; null if `v` is not made by one of them.
Value* before_reshape(const Value* v);

// Reshape keeps the number of elements, so shapes of equal rank that agree in all dims but one are equal, unless they hold no elements.
bool same_after_reshape(const Value* in, const Value* out);

}  // namespace onnxopt
