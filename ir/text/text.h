// The ONNX text syntax (docs/Syntax.md of ONNX) with our extensions (docs/text-format.md): parser, printer, equality and diff.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/model.h"

namespace onnxopt {

struct ParseOptions {
  int default_opset = 28;  // of a text without header
  std::string file = "<text>";
  int first_line = 1;         // where the text starts in `file`, for messages
  bool placeholders = false;  // accept constants without data (@any, @elided): only to compare with, never to run or write
  std::uint64_t max_synthetic_bytes = std::uint64_t{1} << 30;  // @uniform, @fill, ... together
};
// A model (header optional) as text. Error(bad_input) with file:line:column.
std::unique_ptr<Model> parse_model(std::string_view text, const ParseOptions& options = {});

struct PrintOptions {
  bool full = false;
  bool types = false;
  std::size_t elide_above = 16;
};  // full: every constant, doc string, annotation
std::string print_model(const Model& model, const PrintOptions& options = {});
std::string print_graph(const Graph& graph, const PrintOptions& options = {});

struct EqualOptions {
  bool inner_names = false;        // names of inner values and nodes must be equal too
  bool any_constants = true;       // honour ["location": "@any"]: that constant's data is not compared
  bool metadata = false;           // doc strings, metadata, value_info must be equal too
  bool normalize_defaults = true;  // an attribute equal to its schema default equals an absent one
  bool constant_nodes = false;     // a Constant node equals an initializer of the same value
};
// "" if the graphs are isomorphic (ops, versions, attributes, constants, types of inputs and outputs, opsets), else the first differences, one a
// line.
std::string difference(const Model& a, const Model& b, const EqualOptions& options = {});
std::string difference(const Graph& a, const Graph& b, const EqualOptions& options = {});
// Human diff of two models by isomorphism: what was removed, added, changed.
struct DiffEntry {
  char kind;
  std::string what;
};  // '-', '+', '~'
std::vector<DiffEntry> diff(const Model& a, const Model& b);

}  // namespace onnxopt
