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

bool known_use(const Expansion& e, const Use& use, std::int64_t count) {
  const Node& n = *use.node;
  if (n.graph() != e.node().graph() || use.index != 0 || n.kept || n.outputs().size() != 1 || !n.output()) return false;
  if (n.is("SequenceLength") || (n.is("ConcatFromSequence") && count > 0)) return true;
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

// The uses are known; `elements` in front of the sequence.
void replace_uses(Expansion& e, const std::vector<Value*>& elements) {
  const auto count = static_cast<std::int64_t>(elements.size());
  std::vector<Node*> uses;
  for (const Use& use : e.node().output()->uses()) uses.push_back(use.node);
  for (Node* n : uses) {
    if (n->is("SequenceLength")) e.result_of(*n, e.op("Identity", {e.index(count)}));
    else if (n->is("ConcatFromSequence")) e.result_of(*n, joined(e, *n, elements));
    else {
      const std::int64_t at = *constant_index(n->input(1));
      e.result_of(*n, e.op("Identity", {elements[static_cast<std::size_t>(at < 0 ? at + count : at)]}));
    }
  }
}

std::string check_uses(const Expansion& e, std::int64_t count) {
  const Value* sequence = e.node().output();
  if (e.opset() >= 11) return kOtherReason;
  if (!sequence || sequence->is_graph_output()) return kLives;
  for (const Use& use : sequence->uses())
    if (!known_use(e, use, count)) return kLives;
  return "";
}

}  // namespace

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
  Ints sizes;
  if (e.has(1) && !e.constant_ints(1)) return "non-constant operand: split";
  if (e.has(1) && e.rank(1) == 1) sizes = *e.constant_ints(1);
  else {
    if (!d.is_value()) return "no decomposition: an axis of unknown size";
    const std::int64_t step = e.has(1) ? e.constant_ints(1)->front() : 1;
    if (step < 1) return "no decomposition: split";
    for (std::int64_t from = 0; from < d.value(); from += step) sizes.push_back(std::min(step, d.value() - from));
  }
  if (auto why = check_uses(e, static_cast<std::int64_t>(sizes.size())); !why.empty()) return why;
  const bool drops = !e.has(1) && e.integer("keepdims", 1) == 0;
  std::vector<Value*> elements;
  std::int64_t from = 0;
  for (const std::int64_t size : sizes) {
    Value* part = drops ? e.op("Gather", {e.in(0), e.index(from)}, {{"axis", axis}}) : e.slice(e.in(0), from, from + size, axis);
    elements.push_back(part);
    from += size;
  }
  replace_uses(e, elements);
  return "";
}

}  // namespace onnxopt::expand_fn
