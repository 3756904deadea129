// Names under which the values of a graph are printed: unique within what each graph can see. Names of the file stay; names that passes
// chose give way. A subgraph may hide an outer name that it does not read, as files do.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/core/graph.h"

namespace onnxopt::text {

class Names {
 public:
  Names() = default;  // every value keeps its name
  explicit Names(const Graph& root);
  std::string_view of(const Value& v) const {
    if (renamed_.empty()) return v.name();
    const auto it = renamed_.find(&v);
    return it == renamed_.end() ? std::string_view(v.name()) : std::string_view(it->second);
  }

 private:
  struct Frame {  // the graph at hand
    const Graph& graph;
    bool is_root;
    std::unordered_set<std::string_view> own;
    std::vector<std::string_view> added;            // to visible_
    std::unordered_set<std::string_view> captured;  // names of outer values that the graph reads; filled when first needed
    bool has_captured = false;
    std::unordered_set<const Value*> done;
  };
  void collect(const Graph& g);
  void assign(const Graph& g, bool is_root);
  void claim(const Value& v, Frame& frame);
  void rename(const Value& v, Frame& frame);
  bool may_hide(const Value& v, Frame& frame);
  void add_captured(const Graph& g, Frame& frame);

  std::unordered_set<std::string_view> reserved_;  // names of the file, anywhere under the root
  std::unordered_set<std::string_view> visible_;   // claimed in the graph at hand and those around it
  std::unordered_map<const Value*, std::string> renamed_;
  std::unordered_map<std::string, int> next_suffix_;
};

}  // namespace onnxopt::text
