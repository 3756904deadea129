// Helpers of the inference functions; not for other code.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "ir/ops/infer.h"

namespace onnxopt::infer_util {

using OptShape = std::optional<Shape>;

// Element type of formal output `i` as the schema binds it: a literal type, or that of an input under the same constraint; undefined if neither.
DType schema_dtype(const InferCtx& ctx, std::size_t i);
// Every output from the schema alone: kinds and element types, no shapes.
void infer_from_schema(InferCtx& ctx);

OptShape copy_shape(const InferCtx& ctx, std::size_t i);
// Axis in [0, rank); fails if it is out of range. `extra` allows positions up to rank - 1 + extra.
std::int64_t normalize_axis(const InferCtx& ctx, std::int64_t axis, std::int64_t rank, std::int64_t extra = 0);
Ints normalize_axes(const InferCtx& ctx, const Ints& axes, std::int64_t rank);

// Numpy broadcasting. A dim that is not known against a number other than 1 is that number: else the node would be invalid.
Dim broadcast_dim(InferCtx& ctx, Dim a, Dim b);
Shape broadcast(InferCtx& ctx, const Shape& a, const Shape& b);
OptShape broadcast_inputs(InferCtx& ctx, std::size_t first, std::size_t count);
// Two dims that the spec demands to be equal: the more telling one. Fails if they are different numbers.
Dim equal_dim(InferCtx& ctx, Dim a, Dim b);
// What is true of both: a dim that differs becomes unknown, a rank that differs no shape, a kind that differs unknown.
Type common_type(const Type& a, const Type& b);

// Integers from attribute `name` or, where `input` >= 0 and it is there, from that input. `present` is false if neither is there.
struct IntList {
  bool present = false;
  std::optional<Ints> values;
};
IntList ints_of(const InferCtx& ctx, std::string_view attribute, int input);

Dim product(InferCtx& ctx, std::span<const Dim> dims);
// Rank-1 int64 (or other) tensor whose elements are `elements`.
void set_vector(InferCtx& ctx, std::size_t output, DType t, std::vector<Dim> elements);
bool fits(DType t, std::int64_t value);

// The tensor of a constant or of a Constant node that was not lifted yet; null: neither.
const Tensor* constant_tensor(const Value& value);

// Elements of a small numeric value as exact numbers, following casts and arithmetic back to constants and known integers. Floating arithmetic is
// done in the value's own precision. nullopt: not known or more than kMaxKnown elements.
std::optional<std::vector<double>> known_numbers(const Value& value, int depth = 0);

// Elements of a small integer value of rank above 1, in order, where it is made of known ones by moving them (Reshape, Transpose, Slice, Cast, ...):
// the form in which exporters turn round the list of paddings. nullopt: not known.
std::optional<std::vector<Dim>> moved_elements(const Value& value, int depth = 0);

}  // namespace onnxopt::infer_util
