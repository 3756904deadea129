// Constants of equal type and content become one; an inner graph reads the outer one. Weight tying only grows this way.
// Big tensors are told apart by a few of their bytes first, so that a model's weights are not read from disk for nothing.
#include <algorithm>

#include "ir/io/sample_hash.h"
#include "passes/cleanup/scoped_table.h"
#include "passes/cleanup/whole_graph.h"

namespace onnxopt {
namespace {

std::uint64_t hash_of(const Tensor& t) {
  const auto mix = [](std::uint64_t h, std::uint64_t v) { return (h ^ (v + 0x9e3779b97f4a7c15ull + (h << 6) + (h >> 2))) * 0xff51afd7ed558ccdull; };
  std::uint64_t h =
      mix(static_cast<std::uint64_t>(t.dtype()), t.dtype() == DType::string ? t.content_hash() : sample_hash(t.bytes(), t.file_range() != nullptr));
  for (auto d : t.dims()) h = mix(h, static_cast<std::uint64_t>(d) + 1);
  return h;
}

class DedupInitializers : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    Table none;
    return visit(graph, ctx, none);
  }

 private:
  using Table = ScopedTable<Value>;

  static bool has_notes(const Value& v) {
    const ValueExtra* e = v.extra();
    return e && (!e->quantization.empty() || !e->metadata.empty() || !e->doc_string.empty() || !e->unknown.empty() || e->sparse);
  }

  // ONNX Runtime updates these in place, and with them whatever shares them.
  static bool is_running_statistic(const Value& v) {
    return std::any_of(v.uses().begin(), v.uses().end(), [](const Use& u) {
      return u.index >= 3 && u.node->is("BatchNormalization") && !u.node->has_ref_attrs() && u.node->attr_or<std::int64_t>("training_mode", 0) != 0;
    });
  }

  // `table`: constants of the enclosing graphs; what this graph adds is taken out again.
  static bool visit(Graph& g, PassContext& ctx, Table& table) {
    bool changed = false;
    const std::size_t outer = table.size();
    for (Value* v : g.constants()) {
      if (v->unused() || (v->is_graph_input() && ctx.keep_overridable)) continue;  // an unused one is no home for others: that changes nothing
      if (is_running_statistic(*v)) continue;
      const std::uint64_t h = hash_of(*v->constant());
      if (Value* same = has_notes(*v) ? nullptr : find(table, h, *v)) {
        if (!ctx.take_fuel()) break;
        const auto bytes = static_cast<std::int64_t>(v->constant()->byte_size());
        ctx.record({"dedup-initializers", v->name(), {v->name()}, 0, 0, -bytes});
        ctx.growth.left_bytes += bytes;  // what folding made twice was counted twice
        g.replace_all_uses(*v, *same);
        changed = true;
        continue;
      }
      table.add(h, v);
    }
    if (g.has_subgraphs())
      for (Node& n : g.nodes())
        for (Graph* sub : n.subgraphs()) changed |= visit(*sub, ctx, table);
    table.shrink(outer);
    return changed;
  }

  static Value* find(const Table& table, std::uint64_t h, const Value& v) {
    Value* best = nullptr;
    table.for_each(h, [&](Value& c) {
      if ((!best || c.id() < best->id()) && replaceable(v, c) && c.constant()->same_content(*v.constant())) best = &c;
    });
    return best;
  }
};

}  // namespace

std::unique_ptr<Pass> dedup_initializers() { return std::make_unique<DedupInitializers>(); }

}  // namespace onnxopt
