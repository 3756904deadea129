// Integers that inference knows to be the same expression of dims (two readings of the batch size by different ways) are read once.
#include <map>

#include "passes/cleanup/facts.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

// Element type, rank, and the elements as numbers and interned expressions. Only looked up, so that the order of the pointers does not matter.
struct Key {
  DType dtype;
  std::int64_t rank;
  std::vector<std::pair<const SymExpr*, std::int64_t>> elements;
  bool operator<(const Key& o) const { return std::tie(dtype, rank, elements) < std::tie(o.dtype, o.rank, o.elements); }
};

std::optional<Key> key_of(const Value& v) {
  const auto rank = rank_of(&v);
  if (!v.known || !rank || !is_integer(v.type.dtype)) return std::nullopt;
  Key k{v.type.dtype, *rank, {}};
  for (Dim d : *v.known) {
    if (d.is_unknown()) return std::nullopt;
    k.elements.emplace_back(d.expr(), d.is_value() ? d.value() : 0);
  }
  return k;
}

class DedupShapeValues : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    std::map<Key, Value*> seen;
    return visit(graph, ctx, seen);
  }

 private:
  static bool visit(Graph& g, PassContext& ctx, std::map<Key, Value*>& seen) {
    bool changed = false;
    std::vector<Key> added;
    for (Node& n : g.nodes()) {
      if (n.op().has(kControlFlow))
        for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx, seen);
      if (!is_pure(n) || n.outputs().size() != 1 || ctx.is_kept(n)) continue;
      Value& v = *n.output();
      auto key = key_of(v);
      if (!key || v.unused()) continue;
      const auto [it, fresh] = seen.try_emplace(*key, &v);
      if (fresh) {
        added.push_back(std::move(*key));
        continue;
      }
      if (!replaceable(v, *it->second)) continue;
      if (!book(ctx, "dedup-shape-values", n, 1)) break;
      g.replace_all_uses(v, *it->second);
      g.erase(n);
      changed = true;
    }
    if (g.parent())
      for (const Key& k : added) seen.erase(k);
    return changed;
  }
};

}  // namespace

std::unique_ptr<Pass> dedup_shape_values() { return std::make_unique<DedupShapeValues>(); }

}  // namespace onnxopt
