// x * cos + turned (x) * sin  ==>  RotaryEmbedding (x, half of cos, half of sin), for all x that share the tables
// From opset 23. The operator wants each cosine once and a table for each entry of the batch, where exporters write each twice and one table for all;
// what makes the one from the other is built once for all layers, so whether nodes are saved is asked of all of them together.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/cleanup/facts.h"
#include "passes/cleanup/whole_graph.h"
#include "passes/fusion/rotary_site.h"
#include "passes/rewrite/origin.h"

namespace onnxopt {
namespace {

constexpr std::string_view kName = "fuse-rotary-embedding";
constexpr std::size_t kMostBatches = 8;  // groups with the same tables that a tensor is compared with

struct Group {
  std::vector<RotarySite> sites;
  RotaryTable cos, sin;
  bool expands(const RotaryTable& t) const { return !same(t.batch, batch()); }
  Dim batch() const { return (*sites.front().x->type.shape)[0]; }
};

class FuseRotaryEmbedding : public Pass {
 public:
  bool run(Graph& graph, PassContext& ctx) override {
    ctx_ = &ctx;
    bool changed = false;
    miss_.clear();
    fired_ = 0;
    for_each_graph(graph, [&](Graph& g) { changed |= visit(g); });
    explain();
    return changed;
  }

 private:
  bool visit(Graph& g) {
    std::vector<Group> groups;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::size_t>> by_tables;  // by the ids of both
    for (Node& n : g.nodes()) {
      auto site = rotary_site(n);
      if (!site) continue;
      if (const char* why = unfit(*site, g)) {
        refuse(n, why);
        continue;
      }
      std::vector<std::size_t>& known = by_tables[{site->cos->id(), site->sin->id()}];
      const auto last = known.rbegin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kMostBatches));
      const auto at = std::find_if(known.rbegin(), last, [&](std::size_t i) { return belongs(groups[i], *site); });
      if (at != last) {
        groups[*at].sites.push_back(std::move(*site));
        continue;
      }
      const Shape& x = *site->x->type.shape;
      auto cos = rotary_table(site->cos, x, site->interleaved, g), sin = rotary_table(site->sin, x, site->interleaved, g);
      if (!cos || !sin) {
        refuse(n, "the tables do not have each value twice, for each place in the sequence");
        continue;
      }
      known.push_back(groups.size());
      Group& group = groups.emplace_back();
      group.sites.push_back(std::move(*site));
      group.cos = std::move(*cos);
      group.sin = std::move(*sin);
    }
    bool changed = false;
    for (const Group& group : groups) changed |= rewrite(g, group);
    return changed;
  }

  const char* unfit(const RotarySite& site, const Graph& g) const {
    const Function* f = const_cast<Graph&>(g).root().function();
    const OutputOpsets target = f ? OutputOpsets{f->file_opsets} : ctx_->output;
    if (!target.imports.empty() && target.version("") < 23) return "the output opset has no RotaryEmbedding";
    const Type& t = site.x->type;
    if (!t.is_tensor() || (t.dtype != DType::float32 && t.dtype != DType::float16 && t.dtype != DType::bfloat16))
      return "no tensor of float, float16 or bfloat16";
    if (!t.has_rank() || t.rank() != 4 || !t.shape->back().is_value()) return "not of shape [batch, heads, sequence, number]";
    for (const Node* n : site.nodes)
      if (ctx_->is_kept(*n)) return "a node on the way is kept";
    return nullptr;
  }

  static bool belongs(const Group& group, const RotarySite& site) {
    const RotarySite& first = group.sites.front();
    const Shape &a = *first.x->type.shape, &b = *site.x->type.shape;
    return first.interleaved == site.interleaved && same(a[0], b[0]) && same(a[2], b[2]) && same(a[3], b[3]);
  }

  // Nodes that nobody reads when all sites of the group are gone.
  static std::size_t count_dead(const Group& group) {
    std::unordered_set<const Node*> dead;  // looked up only
    for (const RotarySite& s : group.sites) dead.insert(s.nodes.begin(), s.nodes.end());
    for (int turn = 0; turn < 2; ++turn)  // the tables may come from one Concat
      for (const RotaryTable* t : {&group.cos, &group.sin})
        for (const Node* n : t->doubled) {
          const Value& v = *n->output();
          if (v.is_graph_output() || !std::all_of(v.uses().begin(), v.uses().end(), [&](const Use& u) { return dead.contains(u.node); })) break;
          dead.insert(n);
        }
    return dead.size();
  }

  std::size_t count_new(const Group& group) const {
    const std::size_t expands = static_cast<std::size_t>(group.expands(group.cos)) + static_cast<std::size_t>(group.expands(group.sin));
    const std::size_t shape = expands > 0 && !group.batch().is_value() ? 2 : 0;
    return group.sites.size() + group.cos.chain.size() + group.sin.chain.size() + expands + shape;
  }

  bool rewrite(Graph& g, const Group& group) {
    const Node& first = *group.sites.front().root;
    if (gone(group.sites.front()) || gone(group.cos.half) || gone(group.sin.half)) return false;
    const std::size_t dead = count_dead(group), fresh = count_new(group);
    if (fresh >= dead) return refuse(first, "it would not leave fewer nodes");
    const RotarySite& site0 = group.sites.front();
    std::int64_t grown = 0;
    for (const auto& [t, old] : {std::pair{&group.cos, site0.cos}, std::pair{&group.sin, site0.sin}})
      if (t->constant && old->uses().size() > group.sites.size()) grown += static_cast<std::int64_t>(t->constant.byte_size());
    if (grown > 0 && !ctx_->growth.take(grown)) return refuse(first, "the file would grow beyond the budget");
    Value *cos = nullptr, *sin = nullptr, *shape = nullptr;
    for (const RotarySite& site : group.sites) {
      if (gone(site)) continue;
      if (!book(*ctx_, kName, *site.root, static_cast<int>(site.nodes.size()), 1)) break;
      ++fired_;
      if (!cos) {
        cos = table(g, *site.root, group, group.cos, shape);
        sin = table(g, *site.root, group, group.sin, shape);
      }
      replace(g, site, cos, sin);
    }
    for (const RotaryTable* t : {&group.cos, &group.sin})
      for (Node* n : t->doubled)
        if (!n->erased() && n->output()->unused()) g.erase(*n);
    for (const RotaryTable* t : {&group.cos, &group.sin})  // what both had in common
      for (Node* n : t->doubled)
        if (!n->erased() && n->output()->unused()) g.erase(*n);
    return cos != nullptr;
  }

  // An embedding of an embedding: what it read has been replaced. The next run sees it.
  static bool gone(const Value* v) { return v && v->erased(); }
  static bool gone(const RotarySite& site) { return gone(site.x) || gone(site.whole); }

  static Value* add(Graph& g, Node& at, const OpSchema& op, std::vector<Value*> in, Attrs attrs = {}) {
    Node& n = g.insert_before(at, op, std::move(in), std::move(attrs));
    infer(n, {.strict = false});
    set_origin(n, std::string(kName));
    return n.output();
  }

  // The table in front of `at`, each value once and for each entry of the batch. `shape`: made once.
  Value* table(Graph& g, Node& at, const Group& group, const RotaryTable& t, Value*& shape) const {
    Value* v = t.half;
    if (!v) v = &g.add_constant("cache", t.constant);
    for (const Node* n : t.chain) {
      std::vector<Value*> in(n->inputs().begin(), n->inputs().end());
      for (Value*& i : in)
        if (i && !i->constant()) i = v;
      v = add(g, at, n->op(), std::move(in), n->attrs());
    }
    if (!group.expands(t)) return v;
    if (!shape) {
      const Dim batch = group.batch();
      if (batch.is_value()) {
        shape = &g.add_constant("shape", Tensor::int64s({batch.value(), 1, 1}));
      } else {
        Value* b = add(g, at, op("Shape"), {group.sites.front().x}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
        shape = add(g, at, op("Concat"), {b, &g.add_constant("ones", Tensor::int64s({1, 1}))}, {{"axis", std::int64_t{0}}});
      }
    }
    return add(g, at, op("Expand"), {v, shape});
  }

  static void replace(Graph& g, const RotarySite& site, Value* cos, Value* sin) {
    Attrs attrs;
    if (site.interleaved) attrs.set("interleaved", std::int64_t{1});
    if (site.whole) attrs.set("rotary_embedding_dim", site.x->type.shape->back().value());
    Node& last = site.joined ? *site.joined : *site.root;
    Node& n = g.insert_before(*site.root, op("RotaryEmbedding"), {site.whole ? site.whole : site.x, cos, sin}, std::move(attrs));
    infer(n, {.strict = false});
    n.name = last.name;
    if (last.extra()) n.make_extra() = *last.extra();
    std::string origin = std::string(kName) + ":";
    for (const Node* from : site.nodes) origin += fmt::format("{} {}", origin.back() == ':' ? "" : ",", label_of(*from));
    set_origin(n, std::move(origin));
    g.replace_all_uses(*last.output(), *n.output());
    for (Node* old : site.nodes)
      if (std::all_of(old->outputs().begin(), old->outputs().end(), [](const Value* v) { return !v || v->unused(); })) g.erase(*old);
  }

  bool refuse(const Node& n, const char* why) {
    const bool asked = ctx_->explain && ctx_->explain->rule == kName && (ctx_->explain->node.empty() || ctx_->explain->node == label_of(n));
    if (asked && miss_.empty()) miss_ = fmt::format("{}: nearest miss at {}: {}", kName, label_of(n), why);
    return false;
  }

  void explain() const {
    if (!ctx_->explain || ctx_->explain->rule != kName) return;
    if (fired_ > 0) ctx_->explanations.push_back(fmt::format("{}: fired {} times", kName, fired_));
    else ctx_->explanations.push_back(miss_.empty() ? fmt::format("{}: nothing looks like it", kName) : miss_);
  }

  PassContext* ctx_ = nullptr;
  std::string miss_;
  int fired_ = 0;
};

}  // namespace

std::unique_ptr<Pass> fuse_rotary_embedding() { return std::make_unique<FuseRotaryEmbedding>(); }

}  // namespace onnxopt
