#include "ir/text/isomorphism.h"

#include <fmt/format.h>

#include <algorithm>

#include "ir/text/compare.h"

namespace onnxopt::text {
namespace {

constexpr std::size_t kMostLines = 20;

template <class T>
std::size_t without_trailing_nulls(std::span<T* const> list) {
  std::size_t n = list.size();
  while (n > 0 && !list[n - 1]) --n;
  return n;
}

}  // namespace

void Isomorphism::report(std::string what) {
  if (++count_ <= kMostLines) lines_.push_back(std::move(what));
}

std::string Isomorphism::differences() const {
  std::string r;
  for (const std::string& line : lines_) r += line + '\n';
  if (count_ > lines_.size()) r += fmt::format("... and {} more\n", count_ - lines_.size());
  return r;
}

void Isomorphism::match(const Graph& a, const Graph& b, bool public_names) {
  const std::size_t first = graph_order_.size();
  pair_graphs(a, b, public_names);
  drain();
  for (std::size_t i = first; i < graph_order_.size(); ++i) pair_rest(*graph_order_[i].first, *graph_order_[i].second);  // may find more graphs
}

void Isomorphism::pair_graphs(const Graph& a, const Graph& b, bool public_names) {
  if (const auto it = graphs_.find(&a); it != graphs_.end()) return;
  graphs_[&a] = &b;
  graph_order_.emplace_back(&a, &b);
  const std::string in = a.parent()     ? fmt::format("subgraph of {}: ", node_text(*a.parent()))
                         : a.function() ? fmt::format("function {}: ", a.function()->name)
                                        : "";
  if (a.inputs().size() != b.inputs().size()) report(fmt::format("{}{} and {} inputs", in, a.inputs().size(), b.inputs().size()));
  for (std::size_t i = 0; i < std::min(a.inputs().size(), b.inputs().size()); ++i) {
    const Value &x = *a.inputs()[i], &y = *b.inputs()[i];
    if ((public_names || options_.inner_names) && x.name() != y.name()) report(fmt::format("{}input {} is '{}' and '{}'", in, i, x.name(), y.name()));
    if (const std::string d = type_difference(x, y); !d.empty()) report(fmt::format("{}type of input '{}' is {}", in, x.name(), d));
    pair_values(&x, &y);
  }
  if (a.outputs().size() != b.outputs().size()) report(fmt::format("{}{} and {} outputs", in, a.outputs().size(), b.outputs().size()));
  for (std::size_t i = 0; i < std::min(a.outputs().size(), b.outputs().size()); ++i) {
    const Value &x = *a.outputs()[i], &y = *b.outputs()[i];
    if ((public_names || options_.inner_names) && x.name() != y.name())
      report(fmt::format("{}output {} is '{}' and '{}'", in, i, x.name(), y.name()));
    if (const std::string d = type_difference(x, y); !d.empty()) report(fmt::format("{}type of output '{}' is {}", in, x.name(), d));
    pair_values(&x, &y);
  }
  if (!options_.metadata) return;
  if (a.name != b.name) report(fmt::format("{}graph names '{}' and '{}'", in, a.name, b.name));
  if (a.doc_string != b.doc_string || a.metadata != b.metadata || a.unknown != b.unknown)
    report(in + "doc string, metadata or unknown fields of the graph");
}

void Isomorphism::pair_values(const Value* a, const Value* b) {
  if (const auto it = forward_.find(a); it != forward_.end() && it->second == b) return;  // the common case: seen before
  work_.push_back({a, b});
}

void Isomorphism::drain() {
  for (std::size_t next = 0; next < work_.size(); ++next) {  // breadth first: differences near the outputs come first
    const Pair p = work_[next];
    if (agree(*p.a, *p.b)) compare_values(*p.a, *p.b);
  }
  work_.clear();
}

bool Isomorphism::agree(const Value& a, const Value& b) {
  const auto [fa, new_a] = forward_.emplace(&a, &b);
  const auto [fb, new_b] = backward_.emplace(&b, &a);
  if (new_a && new_b) return true;
  if (!new_a && fa->second == &b) return false;  // known
  if (new_a)
    report(fmt::format("{} and {} are two values in the first and one in the second ({})", value_text(*fb->second), value_text(a), value_text(b)));
  else report(fmt::format("{} is one value in the first and two in the second ({} and {})", value_text(a), value_text(*fa->second), value_text(b)));
  return false;
}

void Isomorphism::compare_values(const Value& a, const Value& b) {
  if (const auto g = graphs_.find(a.graph()); g == graphs_.end() || g->second != b.graph())
    return report(fmt::format("{} and {} are defined in different graphs", value_text(a), value_text(b)));
  if (a.is_graph_input() != b.is_graph_input())
    return report(fmt::format("{} is {}an input of the graph, {} is {}", value_text(a), a.is_graph_input() ? "" : "not ", value_text(b),
                              b.is_graph_input() ? "one" : "not"));
  if (options_.inner_names && a.name() != b.name()) report(fmt::format("{} is named {}", value_text(a), value_text(b)));
  if (options_.metadata) compare_metadata(a, b);
  if (a.constant() || b.constant() || (options_.constant_nodes && (constant_of(a, true) || constant_of(b, true)))) return compare_constants(a, b);
  if (!a.producer() || !b.producer()) {
    if (a.producer() || b.producer())
      report(fmt::format("{} is {}made by a node, {} is {}", value_text(a), a.producer() ? "" : "not ", value_text(b), b.producer() ? "" : "not"));
    return;
  }
  if (a.output_index() != b.output_index())
    return report(fmt::format("{} is output {} of {}, {} is output {} of {}", value_text(a), a.output_index(), node_text(*a.producer()),
                              value_text(b), b.output_index(), node_text(*b.producer())));
  const auto [it, inserted] = nodes_.emplace(a.producer(), b.producer());
  if (!inserted) return;  // paired through another output; its outputs were paired then
  nodes_backward_.emplace(b.producer(), a.producer());
  compare_nodes(*a.producer(), *b.producer());
}

void Isomorphism::compare_constants(const Value& a, const Value& b) {
  const Tensor x = constant_of(a, options_.constant_nodes), y = constant_of(b, options_.constant_nodes);
  if (!x || !y) return report(fmt::format("{} is {}a constant, {} is {}", value_text(a), x ? "" : "not ", value_text(b), y ? "one" : "not"));
  if (const std::string d = tensor_difference(x, y, options_.any_constants); !d.empty()) report(fmt::format("constant {}: {}", value_text(a), d));
  if (a.producer()) nodes_.emplace(a.producer(), b.producer());
  if (b.producer()) nodes_backward_.emplace(b.producer(), a.producer());
}

void Isomorphism::compare_nodes(const Node& a, const Node& b) {
  if (a.op().name != b.op().name || a.op().domain != b.op().domain || a.op().since != b.op().since)
    return report(fmt::format("{} and {}", node_text(a), node_text(b)));
  const std::string_view oa = a.extra() ? std::string_view(a.extra()->overload) : std::string_view(),
                         ob = b.extra() ? std::string_view(b.extra()->overload) : std::string_view();
  if (oa != ob) report(fmt::format("{}: overload '{}' and '{}'", node_text(a), oa, ob));
  if (options_.inner_names && a.name != b.name) report(fmt::format("{}: named '{}' and '{}'", node_text(a), a.name, b.name));
  const std::string d = attributes_difference(a, b, options_, [&](const Graph& x, const Graph& y) { pair_graphs(x, y, false); });
  if (!d.empty()) report(fmt::format("{}: {}", node_text(a), d));
  if (options_.metadata) compare_metadata(a, b);
  pair_inputs(a, b);
  pair_node_outputs(a, b);
}

void Isomorphism::pair_inputs(const Node& a, const Node& b) {
  const std::size_t count_a = without_trailing_nulls(a.inputs()), count_b = without_trailing_nulls(b.inputs());
  if (count_a != count_b) report(fmt::format("{}: {} and {} inputs", node_text(a), count_a, count_b));
  for (std::size_t i = 0; i < std::min(count_a, count_b); ++i) {
    const Value *x = a.input(i), *y = b.input(i);
    if (x && y) pair_values(x, y);
    else if (x || y)
      report(fmt::format("{}: input {} is {} and {}", node_text(a), i, x ? value_text(*x) : "omitted", y ? value_text(*y) : "omitted"));
  }
}

void Isomorphism::pair_node_outputs(const Node& a, const Node& b) {
  const std::size_t count_a = without_trailing_nulls(a.outputs()), count_b = without_trailing_nulls(b.outputs());
  if (count_a != count_b) report(fmt::format("{}: {} and {} outputs", node_text(a), count_a, count_b));
  for (std::size_t i = 0; i < std::min(count_a, count_b); ++i) {
    const Value *x = a.output(i), *y = b.output(i);
    if (x && y) pair_values(x, y);
    else if (x || y)
      report(fmt::format("{}: output {} is {} and {}", node_text(a), i, x ? value_text(*x) : "omitted", y ? value_text(*y) : "omitted"));
  }
}

void Isomorphism::compare_metadata(const Value& a, const Value& b) {
  static const ValueExtra kNone;
  const ValueExtra &x = a.extra() ? *a.extra() : kNone, &y = b.extra() ? *b.extra() : kNone;
  const auto differ = [&](std::string_view what) { report(fmt::format("{}: {} differs", value_text(a), what)); };
  if (x.has_declared != y.has_declared || type_text(x.declared, *a.graph()) != type_text(y.declared, *b.graph()))
    report(fmt::format("declared type of {} is {} and {}", value_text(a), x.has_declared ? type_text(x.declared, *a.graph()) : "absent",
                       y.has_declared ? type_text(y.declared, *b.graph()) : "absent"));
  if (x.doc_string != y.doc_string) differ("doc string");
  if (x.metadata != y.metadata) differ("metadata");
  if (x.quantization != y.quantization) differ("quantization annotation");
  if (x.type_denotation != y.type_denotation || x.dim_denotations != y.dim_denotations) differ("denotation");
  if (x.unknown != y.unknown || x.opaque_type != y.opaque_type) differ("unknown field or opaque type");
  if (!x.sparse != !y.sparse) differ("form (sparse initializer or node)");
  static const TensorNotes kNoNotes;
  const TensorNotes& m = a.constant() && a.constant()->notes() ? *a.constant()->notes() : kNoNotes;
  const TensorNotes& n = b.constant() && b.constant()->notes() ? *b.constant()->notes() : kNoNotes;
  if (m.doc_string != n.doc_string || m.metadata != n.metadata || m.unknown != n.unknown)
    differ("doc string, metadata or unknown fields of the constant");
}

void Isomorphism::compare_metadata(const Node& a, const Node& b) {
  static const NodeExtra kNone;
  const NodeExtra &x = a.extra() ? *a.extra() : kNone, &y = b.extra() ? *b.extra() : kNone;
  const auto differ = [&](std::string_view what) { report(fmt::format("{}: {} differs", node_text(a), what)); };
  if (x.doc_string != y.doc_string) differ("doc string");
  if (x.metadata != y.metadata) differ("metadata");
  if (x.unknown != y.unknown) differ("unknown fields");
  for (const Attribute& p : a.attrs()) {
    const Attribute* q = b.attrs().find(p.name);
    if (!q) continue;
    static const AttrExtra kPlain;
    const AttrExtra &u = p.extra ? *p.extra : kPlain, &v = q->extra ? *q->extra : kPlain;
    if (u.doc_string != v.doc_string || u.unknown != v.unknown) differ(fmt::format("doc string or unknown fields of attribute '{}'", p.name));
    const auto *s = std::get_if<Tensor>(&p.value), *t = std::get_if<Tensor>(&q->value);
    if (s && t && (s->notes() ? s->notes()->name : "") != (t->notes() ? t->notes()->name : ""))
      differ(fmt::format("tensor name in attribute '{}'", p.name));
  }
}

}  // namespace onnxopt::text
