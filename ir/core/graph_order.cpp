// The node list of a Graph: linking, order labels, topological sort, moving nodes between graphs.
#include <algorithm>

#include "ir/core/graph.h"
#include "ir/core/model.h"

namespace onnxopt {
namespace {

constexpr std::uint64_t kOrderGap = 1ull << 20;

// Calls f(value) for every value that `n` reads, captures of its subgraphs included.
template <class F>
void for_each_read(const Node& n, F&& f) {
  for (Value* v : n.inputs())
    if (v) f(*v);
  for (Graph* sub : n.subgraphs()) {
    for (Value* v : sub->outputs()) f(*v);
    for (Node& inner : sub->nodes()) for_each_read(inner, f);
  }
}

}  // namespace

void Graph::link(Node& n, Node* before) {
  n.graph_ = this;
  n.next_ = before;
  n.prev_ = before ? before->prev_ : last_;
  (n.prev_ ? n.prev_->next_ : first_) = &n;
  (before ? before->prev_ : last_) = &n;
  ++node_count_;
  holders_ += n.holds_subgraphs_;
  const std::uint64_t low = n.prev_ ? n.prev_->order_ : 0;
  if (!before) {
    n.order_ = low + kOrderGap;
    return;
  }
  n.order_ = low + (before->order_ - low) / 2;
  if (n.order_ == low) make_room(n);
}

void Graph::unlink(Node& n) {
  (n.prev_ ? n.prev_->next_ : first_) = n.next_;
  (n.next_ ? n.next_->prev_ : last_) = n.prev_;
  --node_count_;
  holders_ -= n.holds_subgraphs_;
  // prev_ and next_ stay readable so that an iterator standing on the node can go on.
}

// Spreads the labels of the smallest aligned range around `n` that is sparse enough, so that many insertions at one place cost O(log^2) each (Bender
// et al., Two Simplified Algorithms for Maintaining Order in a List, 2002). `n` has the label of the node before it.
void Graph::make_room(Node& n) {
  Node *first = &n, *last = &n;
  std::uint64_t count = 1;
  double most = 1;  // nodes that a range may hold: (4/3)^bits
  for (int bits = 1; bits < 63; ++bits) {
    most *= 4.0 / 3;
    const std::uint64_t base = n.order_ >> bits << bits, size = std::uint64_t{1} << bits;
    for (; first->prev_ && first->prev_->order_ >= base; ++count) first = first->prev_;
    for (; last->next_ && last->next_->order_ - base < size; ++count) last = last->next_;
    const std::uint64_t step = size / (count + 1);
    if (step < 2 || static_cast<double>(count) > most) continue;
    std::uint64_t order = base;
    for (Node* m = first; m != last->next_; m = m->next_) m->order_ = order += step;
    return;
  }
  ONNXOPT_CHECK(false, "no room in the order of nodes");
}

void Graph::move_before(Node& n, Node& at) {
  if (&n == &at || n.next_ == &at) return;
  unlink(n);
  link(n, &at);
}

void Graph::splice_before(Node& at, Graph& from) {
  for (Value* v : from.constants()) {
    v->graph_ = this;
    constants_.push_back(v);
  }
  from.constants_.clear();
  while (Node* n = from.first_) {
    from.unlink(*n);
    link(*n, &at);
    for (Value* v : n->outputs_)
      if (v) v->graph_ = this;
  }
}

// Depth-first emission in list order: a node comes right after the last of what it needs, so a sorted list stays as it is.
bool Graph::sort_topologically(Node** culprit) {
  enum : std::uint8_t { kNew, kOpen, kDone };
  std::unordered_map<const Node*, std::uint8_t> state;
  std::vector<Node*> order;
  order.reserve(node_count_);
  struct Frame {
    Node* node;
    std::vector<Node*> needs;
    std::size_t next;
  };
  std::vector<Frame> stack;
  const auto open = [&](Node& n) {
    state[&n] = kOpen;
    Frame f{&n, {}, 0};
    for_each_read(n, [&](Value& v) {
      if (v.producer() && v.graph() == this) f.needs.push_back(v.producer());
    });
    stack.push_back(std::move(f));
  };
  for (Node* n = first_; n; n = n->next_) {
    if (state[n] != kNew) continue;
    open(*n);
    while (!stack.empty()) {
      Frame& f = stack.back();
      if (f.next == f.needs.size()) {
        state[f.node] = kDone;
        order.push_back(f.node);
        stack.pop_back();
        continue;
      }
      Node* need = f.needs[f.next++];
      const std::uint8_t s = state[need];
      if (s == kOpen) {
        if (culprit) *culprit = need;
        return false;
      }
      if (s == kNew) open(*need);
    }
  }
  first_ = last_ = nullptr;
  node_count_ = holders_ = 0;
  for (Node* n : order) link(*n, nullptr);
  return true;
}

void for_each_graph(Graph& g, const std::function<void(Graph&)>& visit) {
  visit(g);
  if (!g.has_subgraphs()) return;
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) for_each_graph(*sub, visit);
}

std::size_t total_nodes(const Graph& g) {
  std::size_t count = g.node_count();
  if (!g.has_subgraphs()) return count;
  for (Node& n : g.nodes())
    for (Graph* sub : n.subgraphs()) count += total_nodes(*sub);
  return count;
}

namespace {

using ValueMap = std::unordered_map<const Value*, Value*>;

Value* mapped(const ValueMap& map, Value* v) {
  const auto it = map.find(v);
  return it == map.end() ? v : it->second;
}

void copy_description(const Value& from, Value& to) {
  to.set_name(from.name());
  to.type = from.type;
  if (from.known) to.known = std::make_unique<std::vector<Dim>>(*from.known);
  if (from.extra()) to.make_extra() = *from.extra();
}

std::shared_ptr<Graph> clone_graph(const Graph& from, Graph& into, ValueMap& map) {
  auto g = std::make_shared<Graph>(into.model());
  g->name = from.name;
  g->doc_string = from.doc_string;
  g->unknown = from.unknown;
  g->metadata = from.metadata;
  for (Value* v : from.inputs()) {
    Value& copy = g->add_input(v->name(), v->type);
    if (v->extra()) copy.make_extra() = *v->extra();
    map[v] = &copy;
  }
  clone_nodes(from, *g, nullptr, map);
  for (Value* v : from.outputs()) g->add_output(*mapped(map, v));
  return g;
}

void clone_subgraphs(const Node& from, Node& to, Graph& into, ValueMap& map) {
  for (const Attribute& a : from.attrs()) {
    if (const auto* g = std::get_if<std::shared_ptr<Graph>>(&a.value)) {
      into.adopt_subgraph(to, a.name, clone_graph(**g, into, map));
    } else if (const auto* gs = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value)) {
      to.mutable_attrs().set(a.name, std::vector<std::shared_ptr<Graph>>());
      for (const auto& g2 : *gs) into.adopt_subgraph(to, a.name, clone_graph(*g2, into, map));
    }
  }
}

}  // namespace

void clone_nodes(const Graph& from, Graph& into, Node* at, ValueMap& map) {
  for (Value* v : from.constants()) {
    if (v->is_graph_input()) {
      const auto it = map.find(v);
      if (it != map.end()) {  // the clone of an input that is also a constant
        if (it->second->is_graph_input() && !it->second->constant()) into.set_constant(*it->second, *v->constant());
        continue;
      }
    }
    Value& copy = into.add_constant(v->name(), *v->constant());
    copy_description(*v, copy);
    map[v] = &copy;
  }
  for (Node& n : from.nodes()) {
    std::vector<Value*> in;
    for (Value* v : n.inputs()) in.push_back(v ? mapped(map, v) : nullptr);
    Node& copy = at ? into.insert_before(*at, n.op(), std::move(in), n.attrs(), 0) : into.append(n.op(), std::move(in), n.attrs(), 0);
    copy.name = n.name;
    copy.kept = n.kept;
    copy.lift_record = n.lift_record;
    if (n.extra()) copy.make_extra() = *n.extra();
    for (Value* v : n.outputs()) {
      if (!v) {
        into.add_omitted_output(copy);
        continue;
      }
      Value& out = into.add_node_output(copy);
      copy_description(*v, out);
      map[v] = &out;
    }
    clone_subgraphs(n, copy, into, map);
  }
}

}  // namespace onnxopt
