// diff(): what was removed, added and changed between two models, for people. Nodes pair up (1) where they and all that they depend on are equal,
// by Merkle hash; (2) backwards from the outputs and from paired nodes, where the operator is the same; (3) by name and operator. A paired node is
// reported if it differs itself; that something before it changed is not repeated at every node after it.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "ir/text/compare.h"
#include "ir/text/hash.h"

namespace onnxopt {
namespace text {
namespace {

// Merkle hashes of values: equal where the values are computed alike from inputs of the same names.
class Hashes {
 public:
  void add(const Graph& g) {
    for (std::size_t i = 0; i < g.inputs().size(); ++i) values_[g.inputs()[i]] = g.parent() ? mix(5, i) : mix(6, hash_text(g.inputs()[i]->name()));
    for (const Value* v : g.constants()) values_[v] = mix(7, v->constant()->content_hash());
    for (const Node& n : g.nodes()) {
      const std::uint64_t h = node(n);
      nodes_[&n] = h;
      for (const Value* v : n.outputs())
        if (v) values_[v] = mix(h, v->output_index());
    }
  }
  std::uint64_t of(const Value* v) const {
    const auto it = values_.find(v);
    return it == values_.end() ? 0 : it->second;
  }
  std::uint64_t of(const Node& n) const { return nodes_.at(&n); }

 private:
  std::uint64_t node(const Node& n) {
    std::uint64_t h = description_hash(n, {});
    for (const Attribute& a : n.attrs()) {
      if (const auto* t = std::get_if<Tensor>(&a.value)) h = mix(h, t->content_hash());
      if (const auto* s = std::get_if<SparseTensor>(&a.value)) h = mix(mix(h, s->values.content_hash()), s->indices.content_hash());
    }
    for (const Value* v : n.inputs()) h = mix(h, of(v));
    for (const Graph* sub : n.subgraphs()) {
      add(*sub);
      for (const Node& inner : sub->nodes()) h = mix(h, nodes_.at(&inner));
      for (const Value* v : sub->outputs()) h = mix(h, of(v));
    }
    return h;
  }
  std::unordered_map<const Value*, std::uint64_t> values_;
  std::unordered_map<const Node*, std::uint64_t> nodes_;
};

class Differ {
 public:
  std::vector<DiffEntry> entries;

  void graphs(const Graph& a, const Graph& b, std::string prefix) {
    hashes_.add(a);
    hashes_.add(b);
    todo_.push_back({&a, &b, std::move(prefix)});
    while (!todo_.empty()) {
      const GraphPair next = todo_.back();
      todo_.pop_back();
      graph(next);
    }
  }
  void add(char kind, std::string what) { entries.push_back({kind, std::move(what)}); }

 private:
  struct GraphPair {
    const Graph *a, *b;
    std::string prefix;
  };
  struct ValuePair {
    const Value *a, *b;
  };

  void graph(const GraphPair& g) {
    signature(g);
    pair_equal(*g.a, *g.b);
    pair_backwards(*g.a, *g.b);
    pair_named(*g.a, *g.b);
    for (const Node& n : g.a->nodes())
      if (const auto it = forward_.find(&n); it == forward_.end()) add('-', g.prefix + with_size(n));
      else changed(n, *it->second, g.prefix);
    for (const Node& n : g.b->nodes())
      if (!backward_.contains(&n)) add('+', g.prefix + with_size(n));
    constants(g);
  }

  static std::string with_size(const Node& n) {
    std::size_t inner = 0;
    for (const Graph* sub : n.subgraphs()) inner += total_nodes(*sub);
    return inner ? fmt::format("{} (with {} inner nodes)", node_text(n), inner) : node_text(n);
  }

  void signature(const GraphPair& g) {
    if (g.a->parent()) pair_signature(g, g.a->inputs(), g.b->inputs(), "input");
    else named_inputs(g);
    pair_signature(g, g.a->outputs(), g.b->outputs(), "output");
  }

  void pair_signature(const GraphPair& g, std::span<Value* const> a, std::span<Value* const> b, std::string_view what) {
    const std::size_t common = std::min(a.size(), b.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (a[i]->name() != b[i]->name() && !g.a->parent())
        add('~', fmt::format("{}{} {}: '{}' became '{}'", g.prefix, what, i, a[i]->name(), b[i]->name()));
      types(g, *a[i], *b[i], what);
    }
    for (std::size_t i = common; i < a.size(); ++i) add('-', fmt::format("{}{} {}", g.prefix, what, value_text(*a[i])));
    for (std::size_t i = common; i < b.size(); ++i) add('+', fmt::format("{}{} {}", g.prefix, what, value_text(*b[i])));
  }

  void types(const GraphPair& g, const Value& a, const Value& b, std::string_view what) {
    const std::string ta = type_text(stated_type(a), *g.a), tb = type_text(stated_type(b), *g.b);
    if (ta != tb) add('~', fmt::format("{}{} '{}': {} became {}", g.prefix, what, a.name(), ta, tb));
  }

  // By name, since what stands between two inputs comes and goes: weights with a default value above all. What is left pairs up by position: renamed.
  void named_inputs(const GraphPair& g) {
    std::unordered_map<std::string_view, std::size_t> positions;  // looked up only
    for (std::size_t i = 0; i < g.b->inputs().size(); ++i) positions.emplace(g.b->inputs()[i]->name(), i);
    std::vector<bool> met(g.b->inputs().size());
    std::vector<const Value*> removed, added;  // that must be fed
    std::size_t last = 0;
    bool sorted = true;
    for (const Value* v : g.a->inputs()) {
      const auto it = positions.find(v->name());
      if (it == positions.end()) {
        if (!v->constant()) removed.push_back(v);
        else if (overridable(*v)) add('-', fmt::format("{}input {} with a default value", g.prefix, value_text(*v)));
        continue;
      }
      const Value& other = *g.b->inputs()[it->second];
      met[it->second] = true;
      sorted &= it->second >= last;
      last = it->second;
      if (!v->constant() || !other.constant()) types(g, *v, other, "input");  // constants are listed for themselves
    }
    for (std::size_t i = 0; i < met.size(); ++i) {
      const Value* v = g.b->inputs()[i];
      if (met[i]) continue;
      if (!v->constant()) added.push_back(v);
      else if (overridable(*v)) add('+', fmt::format("{}input {} with a default value", g.prefix, value_text(*v)));
    }
    const std::size_t renamed = std::min(removed.size(), added.size());
    for (std::size_t i = 0; i < renamed; ++i) {
      add('~', fmt::format("{}input '{}' became '{}'", g.prefix, removed[i]->name(), added[i]->name()));
      types(g, *removed[i], *added[i], "input");
    }
    for (std::size_t i = renamed; i < removed.size(); ++i) add('-', fmt::format("{}input {}", g.prefix, value_text(*removed[i])));
    for (std::size_t i = renamed; i < added.size(); ++i) add('+', fmt::format("{}input {}", g.prefix, value_text(*added[i])));
    if (!sorted) add('~', g.prefix + "the inputs stand in another order");
  }
  // Before IR version 4 weights are listed as inputs because the format demands it.
  static bool overridable(const Value& v) { return v.graph()->model().ir_version >= 4; }

  void pair(const Node& a, const Node& b) {
    forward_[&a] = &b;
    backward_[&b] = &a;
    for (std::size_t i = 0; i < std::min(a.inputs().size(), b.inputs().size()); ++i)
      if (a.input(i) && b.input(i)) work_.push_back({a.input(i), b.input(i)});
  }

  void pair_equal(const Graph& a, const Graph& b) {
    std::unordered_map<std::uint64_t, std::vector<const Node*>> by_hash;  // looked up only
    for (const Node* n = b.last(); n; n = n->prev()) by_hash[hashes_.of(*n)].push_back(n);
    for (const Node& n : a.nodes()) {
      const auto it = by_hash.find(hashes_.of(n));
      if (it == by_hash.end() || it->second.empty()) continue;
      pair(n, *it->second.back());
      it->second.pop_back();
    }
  }

  void pair_backwards(const Graph& a, const Graph& b) {
    for (std::size_t i = 0; i < std::min(a.outputs().size(), b.outputs().size()); ++i) work_.push_back({a.outputs()[i], b.outputs()[i]});
    for (std::size_t next = 0; next < work_.size(); ++next) {
      const ValuePair p = work_[next];
      const Node *x = p.a->producer(), *y = p.b->producer();
      if (p.a->constant() && p.b->constant() && p.a->graph() == &a && p.b->graph() == &b && !constants_.contains(p.a) &&
          !constants_back_.contains(p.b)) {
        constants_[p.a] = p.b;
        constants_back_.insert(p.b);
      }
      if (!x || !y || x->graph() != &a || y->graph() != &b || forward_.contains(x) || backward_.contains(y)) continue;
      if (x->op().name == y->op().name && x->op().domain == y->op().domain && p.a->output_index() == p.b->output_index()) pair(*x, *y);
    }
    work_.clear();
  }

  void pair_named(const Graph& a, const Graph& b) {
    const auto key = [](const Node& n) {
      const Value* first = n.output();
      return std::tuple(n.op().domain, n.op().name, std::string_view(n.name), first ? std::string_view(first->name()) : std::string_view());
    };
    std::map<decltype(key(*a.first())), const Node*> named;
    for (const Node& n : b.nodes())
      if (!backward_.contains(&n)) named.emplace(key(n), &n);
    for (const Node& n : a.nodes()) {
      if (forward_.contains(&n)) continue;
      const auto it = named.find(key(n));
      if (it != named.end() && !backward_.contains(it->second)) pair(n, *it->second);
    }
    pair_backwards(a, b);
  }

  void changed(const Node& a, const Node& b, const std::string& prefix) {
    if (hashes_.of(a) == hashes_.of(b)) return;
    std::string what;
    const auto note = [&](const std::string& s) { what += (what.empty() ? "" : "; ") + s; };
    if (a.op().since != b.op().since) note(fmt::format("version {} became {}", a.op().since, b.op().since));
    EqualOptions options;
    options.any_constants = false;
    const std::string d = attributes_difference(a, b, options, [&](const Graph& x, const Graph& y) {
      todo_.push_back({&x, &y, fmt::format("{}in {}: ", prefix, node_text(a))});
    });
    if (!d.empty()) note(d);
    if (a.inputs().size() != b.inputs().size()) note(fmt::format("{} inputs became {}", a.inputs().size(), b.inputs().size()));
    for (std::size_t i = 0; i < std::min(a.inputs().size(), b.inputs().size()); ++i) {
      const Value *x = a.input(i), *y = b.input(i);
      if (!x != !y) note(fmt::format("input {}: {} became {}", i, x ? value_text(*x) : "omitted", y ? value_text(*y) : "omitted"));
      if (x && y && !same_source(*x, *y)) note(fmt::format("input {}: {} became {}", i, source_text(*x), source_text(*y)));
    }
    if (!what.empty()) add('~', fmt::format("{}{}: {}", prefix, node_text(a), what));
  }

  // Paired producers, or equal inputs, or constants (listed for themselves).
  bool same_source(const Value& x, const Value& y) const {
    if (hashes_.of(&x) == hashes_.of(&y)) return true;
    if (x.constant() && y.constant()) return true;
    if (!x.producer() || !y.producer()) return !x.producer() && !y.producer() && !x.constant() && !y.constant() && x.name() == y.name();
    const auto it = forward_.find(x.producer());
    return it != forward_.end() && it->second == y.producer() && x.output_index() == y.output_index();
  }
  static std::string source_text(const Value& v) {
    if (v.constant()) return "constant " + value_text(v);
    return v.producer() ? fmt::format("{} of {}", value_text(v), v.producer()->op().name) : "input " + value_text(v);
  }

  void constants(const GraphPair& g) {
    std::map<std::pair<std::uint64_t, std::string>, std::vector<const Value*>> rest;
    for (const Value* v : g.b->constants())
      if (!constants_back_.contains(v)) rest[{v->constant()->content_hash(), v->name()}].push_back(v);
    std::set<const Value*> kept;  // looked up only
    for (const Value* v : g.a->constants()) {
      const std::string text =
          fmt::format("{}constant {} {}", g.prefix, value_text(*v), type_text(Type::tensor(v->constant()->dtype(), v->constant()->dims()), *g.a));
      if (const auto it = constants_.find(v); it != constants_.end()) {
        const std::string d = tensor_difference(*v->constant(), *it->second->constant(), false);
        if (!d.empty()) add('~', fmt::format("{}: {}", text, d));
        continue;
      }
      const auto same = rest.find({v->constant()->content_hash(), v->name()});
      if (same == rest.end() || same->second.empty()) {
        add('-', text);
        continue;
      }
      kept.insert(same->second.back());
      same->second.pop_back();
    }
    for (const Value* v : g.b->constants())
      if (!constants_back_.contains(v) && !kept.contains(v))
        add('+',
            fmt::format("{}constant {} {}", g.prefix, value_text(*v), type_text(Type::tensor(v->constant()->dtype(), v->constant()->dims()), *g.b)));
  }

  Hashes hashes_;
  std::vector<GraphPair> todo_;
  std::vector<ValuePair> work_;
  std::unordered_map<const Node*, const Node*> forward_, backward_;
  std::unordered_map<const Value*, const Value*> constants_;
  std::set<const Value*> constants_back_;
};

}  // namespace
}  // namespace text

std::vector<DiffEntry> diff(const Model& a, const Model& b) {
  text::Differ differ;
  const std::string ia = text::imports_text(a.opsets), ib = text::imports_text(b.opsets);
  if (ia != ib) differ.add('~', fmt::format("opset imports: {} became {}", ia, ib));
  if (a.ir_version != b.ir_version) differ.add('~', fmt::format("IR version: {} became {}", a.ir_version, b.ir_version));
  differ.graphs(a.graph(), b.graph(), "");
  for (const auto& f : a.functions) {
    const Function* other = b.find_function(f->domain, f->name, f->overload);
    if (other) differ.graphs(*f->body, *other->body, fmt::format("function {}.{}: ", f->domain, f->name));
    else differ.add('-', fmt::format("function {}.{}", f->domain, f->name));
  }
  for (const auto& f : b.functions)
    if (!a.find_function(f->domain, f->name, f->overload)) differ.add('+', fmt::format("function {}.{}", f->domain, f->name));
  return std::move(differ.entries);
}

}  // namespace onnxopt
