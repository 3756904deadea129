// Rotary position embedding as exporters spell it out: x * cos + turned (x) * sin, where turned (x) swaps the two halves of the last axis (or the two
// of each pair of neighbours) and negates the first. What fuse-rotary-embedding looks for; it decides whether and how to rewrite.
#pragma once

#include <optional>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt {

struct RotarySite {
  Node* root = nullptr;                  // the Add
  Value* x = nullptr;                    // [batch, heads, sequence, size]
  Value *cos = nullptr, *sin = nullptr;  // as they are multiplied
  bool interleaved = false;              // pairs of neighbours instead of halves
  std::vector<Node*> nodes;              // all that the rewrite takes away, readers before what they read
  // x is the first part of `whole`, and the result is joined with the rest of it again by `joined` alone; else null.
  Value* whole = nullptr;
  Node* joined = nullptr;
};
// nullopt: `add` is something else. Shapes, types and tables are not looked at.
std::optional<RotarySite> rotary_site(Node& add);

// A table of cosines or sines in which every value stands twice, once for each element of a pair.
struct RotaryTable {
  Value* half = nullptr;       // what the chain starts from: [batch or 1, sequence, size / 2]; null: `constant`
  std::vector<Node*> chain;    // elementwise nodes behind it (Cos, a scale, a Cast), first to last
  std::vector<Node*> doubled;  // the whole way back from the table: what is left over when nobody reads it any more
  Tensor constant;             // [batch or 1, sequence, size / 2]
  Dim batch;                   // 1 or the batch of x
};
// The half of `table` for x of this shape; nullopt: it has other dims, or its values do not provably stand twice.
std::optional<RotaryTable> rotary_table(Value* table, const Shape& x, bool interleaved, const Graph& g);

}  // namespace onnxopt
