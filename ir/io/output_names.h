// Names under which values are written. Names from the file are kept where they still can be; names chosen by us become unique. Internal to ir/io.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ir/core/graph.h"
#include "ir/io/name_table.h"

namespace onnxopt {

// Scopes of ONNX: a subgraph sees the names around it, and its own hide them. So a name chosen by us is new to the whole tree of graphs, and a name
// from the file gives way if it stands twice in its graph, or if it would hide an outer value that its graph reads.
class OutputNames {
 public:
  // `root`: main graph or function body.
  void assign(const Graph& root);
  std::string_view of(const Value* v) const;  // "" for null (omitted)

 private:
  struct Scope {
    const Scope* outer;
    NameTable<const Value*> names;
  };
  void collect(const Graph& root);
  void assign_graph(const Graph& g, const Scope* outer);
  void assign_value(const Value& v, const Graph& g, Scope& scope);
  bool hides_captured(std::string_view name, const Graph& g, const Scope& scope) const;
  std::string_view fresh(const Value& v);

  std::vector<std::uint32_t> renamed_;  // by value id: 1 + index into made_, 0 where the value's own name stands. Every value of a graph is asked for
  std::deque<std::string> made_;
  NameTable<bool> taken_;
  std::unordered_map<std::string, std::uint32_t> next_suffix_;
};

}  // namespace onnxopt
