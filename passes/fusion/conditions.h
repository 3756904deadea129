// Conditions and pattern texts that several fusions share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "passes/rewrite/rule.h"

namespace onnxopt {

// One-element constants of the match do not raise the rank of `x` (a Mul by a constant of shape [1, 1] makes rank 2 of rank 1).
Where scalars_keep_rank(std::string_view x);
// `x` is no double: constants that an exporter rounded to float are as good as exact ones for what is computed in float, and no wider.
Where constants_of_exporters_fit(std::string_view x);
// `names` are constants of float type with one element.
Where is_scalar_constant(std::string_view names);
// Number of elements along `axes` (negative ones count from the end) of `v`'s shape; unknown rank or a dim that is no number: 0.
std::int64_t static_extent(const Value& v, const Ints& axes);
// Axes of a Reduce node as non-negative numbers, ascending; nullopt: not constant, or the rank is not known. No axes: all of them.
std::optional<Ints> reduce_axes(const Node& reduce, const PassContext& ctx);
// `axes` are the last axes.size() of `rank`.
bool are_trailing(const Ints& axes, std::int64_t rank);
// Every head in front of every tail, as alternatives of one pattern.
std::string combine_patterns(const std::vector<std::string_view>& heads, const std::vector<std::string_view>& tails);
// Provably the same shape, symbolic dims included.
bool same_shapes(const Value& a, const Value& b, SymbolTable& symbols);
// `c` broadcasts to the shape of `to`, which stays what it is: every dim of c is 1 or provably that of `to`.
bool broadcasts_to(const Value& c, const Value& to, SymbolTable& symbols);

}  // namespace onnxopt
