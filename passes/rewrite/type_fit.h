// May a value of type `ours` stand where one of type `old` stood?
#pragma once

#include <string>

#include "ir/core/type.h"

namespace onnxopt {

// "" if nothing contradicts: what is not known is fine, what is known must agree. Dims that are two different numbers, a number against a
// named dim, or two named expressions that are not provably equal do not agree.
std::string type_misfit(const Type& old, const Type& ours, SymbolTable& symbols);
// The more specific of two types that describe the same value.
Type intersect_types(const Type& a, const Type& b, SymbolTable& symbols);

}  // namespace onnxopt
