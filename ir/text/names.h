// Names under which the values of a graph are printed: unique within what each graph can see. Names of the file stay; names that passes
// chose give way. (SSA: a name may repeat in sibling subgraphs, not between a graph and what encloses it.)
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
  explicit Names(const Graph& root);
  std::string_view of(const Value& v) const {
    if (renamed_.empty()) return v.name();
    const auto it = renamed_.find(&v);
    return it == renamed_.end() ? std::string_view(v.name()) : std::string_view(it->second);
  }

 private:
  void collect(const Graph& g);
  void assign(const Graph& g);
  void claim(const Value& v, std::vector<std::string_view>& claimed);
  void rename(const Value& v, std::vector<std::string_view>& claimed);

  std::unordered_set<std::string_view> reserved_;       // names of the file, anywhere under the root
  std::unordered_set<std::string_view> visible_;        // claimed in the graph at hand and those around it
  std::unordered_map<const Value*, std::string> renamed_;
  std::unordered_map<std::string, int> next_suffix_;
  std::unordered_set<const Value*> done_;
};

}  // namespace onnxopt::text
