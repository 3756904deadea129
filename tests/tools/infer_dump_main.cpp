// Prints what inference knows of every node output of a model, one JSON object a line, for tests/tools/check_inference.py:
//   onnxopt_infer_dump [--lift] MODEL...
// {"model": .., "graph": "main", "value": .., "op": .., "kind": .., "dtype": 1, "shape": [1, "batch", null] or null, "known": [..]}
#include <chrono>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "ir/core/model.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "passes/opset/opset.h"

using namespace onnxopt;

namespace {

nlohmann::json dim_json(const SymbolTable& symbols, Dim d) {
  if (d.is_value()) return d.value();
  if (d.is_unknown() || symbols.is_anonymous(d)) return nullptr;
  return symbols.to_string(d);
}

nlohmann::json type_json(const SymbolTable& symbols, const Type& t) {
  static constexpr const char* kKinds[] = {"unknown", "tensor", "sparse_tensor", "sequence", "optional", "map", "opaque"};
  nlohmann::json j = {{"kind", kKinds[static_cast<int>(t.kind)]}, {"dtype", static_cast<int>(t.dtype)}, {"shape", nullptr}};
  if (t.shape) {
    j["shape"] = nlohmann::json::array();
    for (const Dim& d : *t.shape) j["shape"].push_back(dim_json(symbols, d));
  }
  if (t.elem) j["elem"] = type_json(symbols, *t.elem);
  return j;
}

void dump(Model& m, Graph& g, const std::string& model, const std::string& where) {
  for (Node& n : g.nodes()) {
    for (const Value* v : n.outputs()) {
      if (!v) continue;
      nlohmann::json j = type_json(m.symbols(), v->type);
      j["model"] = model;
      j["graph"] = where;
      j["value"] = v->name();
      j["op"] = std::string(n.op().domain) + (n.op().domain.empty() ? "" : ".") + std::string(n.op().name) + "-" + std::to_string(n.op().since);
      if (v->known) {
        j["known"] = nlohmann::json::array();
        for (const Dim& d : *v->known) j["known"].push_back(dim_json(m.symbols(), d));
      }
      std::printf("%s\n", j.dump().c_str());
    }
    for (Graph* sub : n.subgraphs()) dump(m, *sub, model, where + "/" + n.name);
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool lift = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--lift") == 0) {
      lift = true;
      continue;
    }
    try {
      std::unique_ptr<Model> m = lift ? load(argv[i]) : read_model(argv[i]);
      const auto start = std::chrono::steady_clock::now();
      infer(*m);
      const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
      std::fprintf(stderr, "%s: %.3f ms\n", argv[i], ms.count());
      dump(*m, m->graph(), argv[i], "main");
    } catch (const std::exception& e) {
      std::printf("%s\n", nlohmann::json({{"model", argv[i]}, {"error", e.what()}}).dump().c_str());
    }
  }
}
