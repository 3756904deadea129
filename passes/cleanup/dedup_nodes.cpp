// Common subexpressions: a node that computes what an earlier one computes (same operator, inputs and attributes; the first two inputs of a
// commutative operator in either order) gives way to it. Inner graphs see the nodes of the enclosing graphs that stand before them.
#include <bit>
#include <functional>

#include "passes/cleanup/scoped_table.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h ^= v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2);
  return h * 0xff51afd7ed558ccdull;
}

struct HashAttr {
  std::uint64_t operator()(std::int64_t v) const { return static_cast<std::uint64_t>(v); }
  std::uint64_t operator()(float v) const { return std::bit_cast<std::uint32_t>(v); }
  std::uint64_t operator()(const std::string& v) const { return std::hash<std::string>()(v); }
  std::uint64_t operator()(const Tensor& v) const { return v.content_hash(); }
  template <class T>
  std::uint64_t operator()(const std::vector<T>& list) const {
    std::uint64_t h = list.size();
    for (const T& v : list) h = mix(h, (*this)(v));
    return h;
  }
  template <class T>
  std::uint64_t operator()(const T&) const {
    return 0;
  }  // types, sparse tensors: told apart by comparison
};

std::uint64_t id_of(const Value* v) { return v ? v->id() : 0; }

std::uint64_t hash_of(const Node& n) {
  std::uint64_t h = std::hash<const void*>()(&n.op());
  const bool commutes = n.op().has(kCommutative) && n.inputs().size() >= 2;
  for (std::size_t i = 0; i < n.inputs().size(); ++i) {
    if (commutes && i < 2) {
      h = mix(h, i == 0 ? id_of(n.input(0)) ^ id_of(n.input(1)) : id_of(n.input(0)) + id_of(n.input(1)));
      continue;
    }
    h = mix(h, id_of(n.input(i)));
  }
  std::uint64_t attrs = 0;  // their order does not matter
  for (const Attribute& a : n.attrs()) attrs += mix(std::hash<std::string>()(a.name), std::visit(HashAttr(), a.value));
  return mix(h, attrs);
}

bool same_inputs(const Node& a, const Node& b) {
  if (a.inputs().size() != b.inputs().size()) return false;
  std::size_t first = 0;
  if (a.op().has(kCommutative) && a.inputs().size() >= 2) {
    const bool straight = a.input(0) == b.input(0) && a.input(1) == b.input(1), swapped = a.input(0) == b.input(1) && a.input(1) == b.input(0);
    if (!straight && !swapped) return false;
    first = 2;
  }
  for (std::size_t i = first; i < a.inputs().size(); ++i)
    if (a.input(i) != b.input(i)) return false;
  return true;
}

// `n` may be replaced by `earlier`: the same computation, with at least the outputs that are read.
bool equal(const Node& n, const Node& earlier) {
  if (&n.op() != &earlier.op() || !same_inputs(n, earlier) || !same_attrs(n.attrs(), earlier.attrs())) return false;
  for (std::size_t i = 0; i < n.outputs().size(); ++i)
    if (n.output(i) && !n.output(i)->unused() && (!earlier.output(i) || !replaceable(*n.output(i), *earlier.output(i)))) return false;
  return true;
}

class DedupNodes : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    Table table;
    refresher_ = {};
    table.reserve(graph.node_count());
    return visit(graph, ctx, table);
  }

 private:
  using Table = ScopedTable<Node>;

  Refresher refresher_;

  // Unknown dims of two equal nodes had names of their own: what reads the second one learns that they are the same.
  void replace(Graph& g, Value& from, Value& to) {
    const bool differ = !(from.type == to.type) || (from.known != nullptr) != (to.known != nullptr) || (from.known && *from.known != *to.known);
    if (differ) refresher_.behind(from);
    g.replace_all_uses(from, to);
  }

  bool visit(Graph& g, PassContext& ctx, Table& table) {
    bool changed = false;
    const std::size_t outer = table.size();
    for (Node& n : g.nodes()) {
      if (n.op().has(kControlFlow))
        for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx, table);
      refresher_.refresh(n);
      if (!is_pure(n) || n.outputs().empty() || ctx.is_kept(n)) continue;
      const std::uint64_t h = hash_of(n);
      Node* earlier = nullptr;
      table.for_each(h, [&](Node& other) {
        if ((!earlier || other.id() < earlier->id()) && equal(n, other)) earlier = &other;
      });
      if (!earlier) {
        table.add(h, &n);
        continue;
      }
      if (!book(ctx, "dedup-nodes", n, 1)) break;
      for (std::size_t i = 0; i < n.outputs().size(); ++i)
        if (n.output(i) && !n.output(i)->unused()) replace(g, *n.output(i), *earlier->output(i));
      g.erase(n);
      changed = true;
    }
    if (g.parent()) table.shrink(outer);
    return changed;
  }
};

}  // namespace

std::unique_ptr<Pass> dedup_nodes() { return std::make_unique<DedupNodes>(); }

}  // namespace onnxopt
