// What the cleanup rules may conclude about values and nodes: shapes that provably agree, integers that are known, constants that hold one number.
// Everything here is "provably": no answer (null, nullopt, false) means not known, never "no".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ir/core/graph.h"
#include "ir/core/model.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

using DimList = std::vector<Dim>;

const Shape* shape_of(const Value* v);  // null: no tensor or unknown rank
std::optional<std::int64_t> rank_of(const Value* v);
bool same_dims(const Shape& a, const Shape& b);  // same rank, all dims provably equal
bool same_shape(const Value* a, const Value* b);
bool is_float_value(const Value* v);                      // a tensor of a binary floating type
bool at_least_one(Dim d, SymbolTable& symbols);           // provably >= 1
bool no_empty_dim(const Shape& s, SymbolTable& symbols);  // provably has elements

// Elements of an integer tensor of rank 0 or 1: a constant's, or propagated ones (single elements may be symbolic or unknown).
std::optional<DimList> known_dims(const Value* v);
std::optional<Ints> known_ints(const Value* v);         // all elements are numbers
std::optional<std::int64_t> known_int(const Value* v);  // one element, a number

// The number that every element of a constant equals; nullopt: not constant, empty, not numeric, mixed, or NaN. -0.0 counts as 0.
std::optional<double> splat(const Value* v);
bool has_negative_zero_bits(const Value* v);     // a constant whose first element has the sign bit set (-0.0)
std::optional<bool> splat_bool(const Value* v);  // of a constant bool tensor

std::optional<std::int64_t> normalize_axis(std::int64_t axis, std::int64_t rank);
// Axes of `n` from input `i` (constant or known), normalized and sorted; nullopt: not known, out of range or repeated.
std::optional<Ints> known_axes(const Node& n, std::size_t i, std::int64_t rank);

// Broadcasting with `small` leaves the shape of `x` as it is (rank 0 and dims of 1 always do).
bool broadcasts_into(const Value* small, const Value* x);

// The node that makes `v` if it is ai.onnx `op` of our newest opset and has no attribute references; else null.
const Node* made_by(const Value* v, std::string_view op);
// No attribute of `n` is a reference to the caller's.
inline bool plain(const Node& n) { return !n.has_ref_attrs(); }

// Bytes of a tensor of this type; nullopt unless static.
std::optional<std::size_t> static_bytes(const Type& t);

// fuse-rotary-embedding runs, and knows the tables and the halves of each head by the nodes around them.
inline bool rotary_embeddings_wanted(const PassContext& ctx) { return ctx.level >= Level::o3 && ctx.output.version("") >= 23; }

// rw.give_up(why) and false, for `return no(rw, "...")` in a NodeRule.
bool no(Rewriter& rw, const char* why);
// Replaces output 0 of `n`.
bool becomes(const Node& n, Rewriter& rw, Value* to);
// Attributes of `n` without graphs' ownership trouble: a copy for the replacement node.
Attrs with(const Node& n, std::string name, AttrValue v);

}  // namespace onnxopt
