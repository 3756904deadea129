// Comparison of the parts of graphs: constants, attributes, types. Internal to ir/text; difference() and diff() use it.
#pragma once

#include <functional>
#include <string>

#include "ir/core/model.h"
#include "ir/text/text.h"

namespace onnxopt::text {

// All return "" where equal, else what differs, `a` first.
std::string tensor_difference(const Tensor& a, const Tensor& b, bool any_constants);
std::string attribute_text(const Attribute& a);  // short, for messages
// `graphs`: called for every pair of graphs that the attributes hold; null: graphs are not looked at.
using GraphPair = std::function<void(const Graph&, const Graph&)>;
std::string attribute_difference(const Attribute& a, const Attribute& b, const EqualOptions& options, const GraphPair& graphs);
// All attributes of two nodes of the same operator; defaults of the schema stand for absent ones if options say so.
std::string attributes_difference(const Node& a, const Node& b, const EqualOptions& options, const GraphPair& graphs);
std::string attributes_difference(const Attrs& a, const Attrs& b, const EqualOptions& options, const GraphPair& graphs);

// Declared type where the file has one, else what inference knows.
const Type& stated_type(const Value& v);
std::string type_text(const Type& t, const Graph& g);
// Types of different models: dims compare as text, dims that inference made up as unknown.
std::string type_difference(const Value& a, const Value& b);
std::string imports_text(const std::vector<OpsetImport>& imports);  // sorted, canonical domains
std::string op_text(const Node& n);                                 // "com.microsoft.Gelu-1"
std::string node_text(const Node& n);                               // "Conv-22 'node name' -> 'y'"
std::string value_text(const Value& v);

// The constant that `v` is: an initializer, or (if wanted) the value of its Constant node. Empty: not a constant.
Tensor constant_of(const Value& v, bool constant_nodes);

// Structural hash of a node's own description (operator, attributes without graphs); equal for nodes that attributes_difference() finds equal.
std::uint64_t description_hash(const Node& n, const EqualOptions& options);

}  // namespace onnxopt::text
