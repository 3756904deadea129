// What the whole-graph passes share: booking a change, and whether one value can stand for another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "passes/core/pass.h"

namespace onnxopt {

// Takes fuel and books one change of `pass` at `n`; false: no fuel, the change must not be made.
bool book(PassContext& ctx, std::string_view pass, const Node& n, int removed, int added = 0);
std::string label_of(const Node& n);
// `from` may be replaced by `to` everywhere without a copy: if `from` is a public output, `to` can take its name.
bool replaceable(const Value& from, const Value& to);
// Before the nodes of `inner` move into the graph around it: their names may stand in later inner graphs too, which would then hide them
// (onnx.checker refuses such files), so they are no longer the file's and the writer makes them unique.
void forget_file_names(Graph& inner);
// Nodes whose equal applications give equal results and have no effect besides: no control flow, random, custom, kept or attribute-referencing ones.
bool is_pure(const Node& n);

// Infers again what stands behind values whose type or known elements changed, as a sweep in the order of the graph comes by.
class Refresher {
 public:
  void behind(const Value& v);
  void refresh(Node& n);  // if something in front of it changed

 private:
  std::vector<bool> stale_;  // by node id
};

}  // namespace onnxopt
