#include "passes/rewrite/origin.h"

namespace onnxopt {

void set_origin(Node& n, std::string text) {
  StringPairs& metadata = n.make_extra().metadata;
  for (auto& [key, value] : metadata)
    if (key == kOriginKey) {
      value = std::move(text);
      return;
    }
  metadata.emplace_back(kOriginKey, std::move(text));
}

void strip_origins(Model& model) {
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [](Graph& g) {
      for (Node& n : g.nodes())
        if (n.extra() && !n.extra()->metadata.empty())
          std::erase_if(n.make_extra().metadata, [](const auto& entry) { return entry.first == kOriginKey; });
    });
}

}  // namespace onnxopt
