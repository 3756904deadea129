// Sequences before opset 11, where all that is done with one is known: its elements take its place.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr const char* kLives = "no decomposition: a sequence that is more than a list of known elements, before opset 11";

std::optional<std::int64_t> constant_index(const Value* v) {
  const auto at = v && v->constant() ? scalar_value(*v->constant()) : std::nullopt;
  return at ? std::optional(static_cast<std::int64_t>(*at)) : std::nullopt;
}

// Where SequenceInsert (of `count` elements) or SequenceErase has its position; none: it is computed, or out of range.
std::optional<std::int64_t> place(const Node& n, std::int64_t count) {
  const bool inserts = n.is("SequenceInsert");
  const Value* position = n.input(inserts ? 2 : 1);
  const auto at = position ? constant_index(position) : std::optional(inserts ? count : count - 1);
  if (!at || *at < -count || *at > (inserts ? count : count - 1)) return std::nullopt;
  return *at < 0 ? *at + count : *at;
}

bool changes(const Node& n) { return n.is("SequenceInsert") || n.is("SequenceErase"); }

bool known_use(const Expansion& e, const Use& use, std::int64_t count) {
  const Node& n = *use.node;
  if (n.graph() != e.node().graph() || use.index != 0 || n.kept || n.outputs().size() != 1 || !n.output()) return false;
  if (n.is("SequenceLength") || (n.is("ConcatFromSequence") && count > 0)) return true;
  if (changes(n)) return place(n, count) && !n.output()->is_graph_output();
  if (!n.is("SequenceAt")) return false;
  const auto at = constant_index(n.input(1));
  return at && *at >= -count && *at < count;
}

Value* joined(Expansion& e, const Node& n, const std::vector<Value*>& elements) {
  const auto axis = n.attr_or<std::int64_t>("axis", 0);
  if (n.attr_or<std::int64_t>("new_axis", 0) == 0) return e.concat(elements, axis);
  std::vector<Value*> wide;
  for (Value* v : elements) wide.push_back(e.unsqueeze(v, {axis}));
  return e.concat(std::move(wide), axis);
}

struct Known {
  const Value* sequence;
  std::vector<Value*> elements;
};

// The uses are known; `elements` in front of the sequence. Sequences that are made of this one follow it.
void replace_uses(Expansion& e, std::vector<Value*> elements) {
  std::vector<Known> open{{e.node().output(), std::move(elements)}};
  for (std::size_t next = 0; next < open.size(); ++next) {
    const Known known = open[next];
    const auto count = static_cast<std::int64_t>(known.elements.size());
    std::vector<Node*> uses;
    for (const Use& use : known.sequence->uses()) uses.push_back(use.node);
    for (Node* n : uses) {
      e.put_before(*n);
      if (n->is("SequenceLength")) e.result_of(*n, e.op("Identity", {e.index(count)}));
      else if (n->is("ConcatFromSequence")) e.result_of(*n, joined(e, *n, known.elements));
      else if (changes(*n)) {
        std::vector<Value*> then = known.elements;
        const auto at = then.begin() + *place(*n, count);
        if (n->is("SequenceErase")) then.erase(at);
        else then.insert(at, n->input(1));
        open.push_back({n->output(), std::move(then)});
        e.result_of(*n, nullptr);
      } else {
        const std::int64_t at = *constant_index(n->input(1));
        e.result_of(*n, e.op("Identity", {known.elements[static_cast<std::size_t>(at < 0 ? at + count : at)]}));
      }
    }
  }
}

std::string check_uses(const Expansion& e, std::int64_t elements) {
  if (e.opset() >= 11) return kOtherReason;
  if (!e.node().output() || e.node().output()->is_graph_output()) return kLives;
  std::vector<std::pair<const Value*, std::int64_t>> open{{e.node().output(), elements}};
  for (std::size_t next = 0; next < open.size(); ++next) {
    const auto [sequence, count] = open[next];
    for (const Use& use : sequence->uses()) {
      if (!known_use(e, use, count)) return kLives;
      if (changes(*use.node)) open.emplace_back(use.node->output(), count + (use.node->is("SequenceInsert") ? 1 : -1));
    }
  }
  return "";
}

std::optional<std::int64_t> dim_of_vector(const Value* v) {
  const Shape* s = Expansion::shape_of(v);
  return s && s->size() == 1 && s->front().is_value() ? std::optional(s->front().value()) : std::nullopt;
}

}  // namespace

// Of known elements, or of none: SequenceEmpty.
std::string sequence_construct(Expansion& e) {
  const std::vector<Value*> elements(e.node().inputs().begin(), e.node().inputs().end());
  if (auto why = check_uses(e, static_cast<std::int64_t>(elements.size())); !why.empty()) return why;
  replace_uses(e, elements);
  return "";
}

std::string split_to_sequence(Expansion& e) {
  const Shape* s = e.shape(0);
  if (e.opset() >= 11) return kOtherReason;
  if (!s || s->empty()) return "the rank of the input is not known";
  std::int64_t axis = e.integer("axis", 0);
  axis += axis < 0 ? static_cast<std::int64_t>(s->size()) : 0;
  const Dim d = (*s)[static_cast<std::size_t>(axis)];
  std::vector<Index> sizes;
  if (e.has(1) && e.rank(1) == 1) {
    const auto count = dim_of_vector(e.in(1));
    if (!count) return "non-constant operand: split";
    for (std::int64_t k = 0; k < *count; ++k) sizes.push_back(element(e, e.in(1), k));
  } else {
    if (e.has(1) && !e.constant_ints(1)) return "non-constant operand: split";
    if (!d.is_value()) return "no decomposition: an axis of unknown size";
    const std::int64_t step = e.has(1) ? e.constant_ints(1)->front() : 1;
    if (step < 1) return "no decomposition: split";
    for (std::int64_t from = 0; from < d.value(); from += step) sizes.emplace_back(std::min(step, d.value() - from));
  }
  if (auto why = check_uses(e, static_cast<std::int64_t>(sizes.size())); !why.empty()) return why;
  const bool drops = !e.has(1) && e.integer("keepdims", 1) == 0;
  std::vector<Value*> elements;
  Index from = 0;
  for (const Index& size : sizes) {
    const Index to = add(e, from, size);
    Value* part = drops ? e.op("Gather", {e.in(0), e.index(*from.number)}, {{"axis", axis}})
                        : e.op("Slice", {e.in(0), vector_of(e, from), vector_of(e, to), e.ints({axis}, "axes")});
    elements.push_back(part);
    from = to;
  }
  replace_uses(e, elements);
  return "";
}

// Before opset 15, where one only looks whether there is something, and takes it out.
std::string optional(Expansion& e) {
  const Value* v = e.node().output();
  if (e.opset() >= 15) return kOtherReason;
  const auto known = [&](const Use& use) {
    const Node& n = *use.node;
    if (n.graph() != e.node().graph() || n.kept || n.outputs().size() != 1 || !n.output()) return false;
    return n.is("OptionalHasElement") || (n.is("OptionalGetElement") && e.has(0));
  };
  if (!v || v->is_graph_output() || !std::ranges::all_of(v->uses(), known)) return "no decomposition: an optional that lives on, before opset 15";
  std::vector<Node*> uses;
  for (const Use& use : v->uses()) uses.push_back(use.node);
  for (Node* n : uses) {
    e.put_before(*n);
    const bool asks = n->is("OptionalHasElement");
    e.result_of(*n, e.op("Identity", {asks ? e.tensor(Tensor::scalar<bool>(e.has(0)), "has_element") : e.in(0)}));
  }
  return "";
}

}  // namespace onnxopt::expand_fn
