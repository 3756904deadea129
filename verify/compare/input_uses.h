// What a graph does with the values of an input, as far as it tells which values suit: ids into a table, flags, divisors.
#pragma once

#include <cstdint>

#include "ir/core/model.h"

namespace onnxopt {

// The smallest axis that elements of `start` index through Gather and its kin; 0: none found.
std::int64_t index_limit(const Value& start);

// Integers that say yes or no, whatever their name: 1 - mask, mask == 0, mask as bool.
bool is_flag(const Value& start);

// How the elements of an input get into the divisor of an integer division, where 0 is an error: as a factor of it, or as what a factor is divided
// by.
enum class DivisorRole : std::uint8_t { none, divides, factor };
DivisorRole divisor_role(const Value& start);

}  // namespace onnxopt
