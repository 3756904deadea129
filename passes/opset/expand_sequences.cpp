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

std::optional<std::int64_t> rank_of(const Value* v) {
  const Shape* s = Expansion::shape_of(v);
  return s ? std::optional(static_cast<std::int64_t>(s->size())) : std::nullopt;
}

// What is known of a list: how many elements, and of what rank they all are.
struct Kind {
  std::int64_t count;
  std::optional<std::int64_t> rank;
};

const Value* position_of(const Node& n) { return n.input(n.is("SequenceInsert") ? 2 : 1); }

bool known_use(const Expansion& e, const Use& use, const Kind& kind) {
  const Node& n = *use.node;
  if (n.graph() != e.node().graph() || use.index != 0 || n.kept || n.outputs().size() != 1 || !n.output()) return false;
  if (n.is("SequenceLength") || (n.is("ConcatFromSequence") && kind.count > 0)) return true;
  if (changes(n)) {
    if (n.output()->is_graph_output()) return false;
    if (place(n, kind.count)) return true;
    const bool ranked = kind.rank && (!n.is("SequenceInsert") || rank_of(n.input(1)) == kind.rank);
    return ranked && kind.count > 0 && position_of(n) && !constant_index(position_of(n));
  }
  if (!n.is("SequenceAt")) return false;
  const auto at = constant_index(n.input(1));
  return at ? *at >= -kind.count && *at < kind.count : kind.rank.has_value() && kind.count > 0;
}

bool alike(const std::vector<Value*>& elements) {
  const Shape* first = Expansion::shape_of(elements[0]);
  for (const Value* v : elements) {
    const Shape* s = Expansion::shape_of(v);
    if (!s || !first || s->size() != first->size()) return false;
    for (std::size_t k = 0; k < s->size(); ++k)
      if (!(*s)[k].is_value() || !(*first)[k].is_value() || (*s)[k].value() != (*first)[k].value()) return false;
  }
  return true;
}

// The element at `index` (int64 [1], not negative). Elements of several shapes stand in one row, with a table of what begins where.
Value* selected(Expansion& e, const std::vector<Value*>& elements, Value* index) {
  const Attrs along{{"axis", std::int64_t{0}}};
  if (elements.size() == 1) return elements[0];
  if (alike(elements)) {
    std::vector<Value*> rows;
    for (Value* v : elements) rows.push_back(e.unsqueeze(v, {0}));
    return e.squeeze(e.op("Gather", {e.concat(std::move(rows), 0), index}, along), {0});
  }
  const auto rank = *rank_of(elements[0]);
  std::vector<Value*> rows, shapes;
  std::vector<Index> ends{0};
  for (Value* v : elements) {
    rows.push_back(e.reshape(v, {-1}));
    shapes.push_back(e.unsqueeze(e.shape_value(v), {0}));
    ends.push_back(add(e, ends.back(), dim_of(e, rows.back(), 0)));
  }
  Value* bounds = vector_of(e, ends);
  const auto bound = [&](Value* at) { return Index(e.op("Gather", {bounds, at}, along)); };
  Value* places = range(e, bound(index), bound(e.add(index, e.index(1))));
  Value* y = e.op("Gather", {e.concat(std::move(rows), 0), places}, along);
  Value* shape = e.squeeze(e.op("Gather", {e.concat(std::move(shapes), 0), index}, along), {0});
  shape->type = Type::tensor(DType::int64, Shape{Dim(rank)});
  return e.op("Reshape", {y, shape}, {{"allowzero", std::int64_t{1}}});
}

// A computed position in a list of `count`, not negative: int64 [1].
Value* wrapped(Expansion& e, Value* index, std::int64_t count) {
  Value* at = e.reshape(e.cast(index, DType::int64), {1});
  return e.add(at, e.mul(e.cast(e.op("Less", {at, e.index(0)}), DType::int64), e.index(count)));
}

// The list with an element more, or less, at a computed position: each place looks where it stands to that.
std::vector<Value*> changed_list(Expansion& e, const Node& n, const std::vector<Value*>& old) {
  const bool inserts = n.is("SequenceInsert");
  const auto count = static_cast<std::int64_t>(old.size());
  Value* at = wrapped(e, const_cast<Value*>(position_of(n)), count);
  const auto flag = [&](const char* op, std::int64_t k) { return e.cast(e.op(op, {at, e.index(k)}), DType::int64); };
  const auto element = [&](std::int64_t k) { return old[static_cast<std::size_t>(k)]; };
  std::vector<Value*> then;
  for (std::int64_t k = 0; !inserts && k + 1 < count; ++k)  // behind the gap the next one
    then.push_back(selected(e, {element(k), element(k + 1)}, e.sub(e.index(1), flag("Greater", k))));
  for (std::int64_t k = 0; inserts && k <= count; ++k) {
    Value* fresh = n.input(1);
    Value* behind = flag("Less", k);  // the new one is further in front
    if (k == 0) then.push_back(selected(e, {fresh, element(0)}, flag("Greater", 0)));
    else if (k == count) then.push_back(selected(e, {fresh, element(k - 1)}, behind));
    else then.push_back(selected(e, {fresh, element(k - 1), element(k)}, e.add(behind, e.mul(flag("Greater", k), e.index(2)))));
  }
  return then;
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
        const auto where = place(*n, count);
        if (!where) then = changed_list(e, *n, known.elements);
        else if (n->is("SequenceErase")) then.erase(then.begin() + *where);
        else then.insert(then.begin() + *where, n->input(1));
        open.push_back({n->output(), std::move(then)});
        e.result_of(*n, nullptr);
      } else {
        const auto at = constant_index(n->input(1));
        Value* found =
            at ? known.elements[static_cast<std::size_t>(*at < 0 ? *at + count : *at)] : selected(e, known.elements, wrapped(e, n->input(1), count));
        e.result_of(*n, e.op("Identity", {found}));
      }
    }
  }
}

std::string check_uses(const Expansion& e, const Kind& kind) {
  if (e.opset() >= 11) return kOtherReason;
  if (!e.node().output() || e.node().output()->is_graph_output()) return kLives;
  std::vector<std::pair<const Value*, Kind>> open{{e.node().output(), kind}};
  for (std::size_t next = 0; next < open.size(); ++next) {
    const auto [sequence, known] = open[next];
    for (const Use& use : sequence->uses()) {
      if (!known_use(e, use, known)) return kLives;
      if (!changes(*use.node)) continue;
      const bool inserts = use.node->is("SequenceInsert");
      const auto fresh = inserts ? rank_of(use.node->input(1)) : known.rank;
      const bool same = !inserts || known.count == 0 || (known.rank && fresh == known.rank);
      open.emplace_back(use.node->output(), Kind{known.count + (inserts ? 1 : -1), same ? fresh : std::nullopt});
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
  Kind kind{static_cast<std::int64_t>(elements.size()), elements.empty() ? std::nullopt : rank_of(elements[0])};
  for (const Value* v : elements)
    if (rank_of(v) != kind.rank) kind.rank.reset();
  if (auto why = check_uses(e, kind); !why.empty()) return why;
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
  const bool drops = !e.has(1) && e.integer("keepdims", 1) == 0;
  const Kind kind{static_cast<std::int64_t>(sizes.size()), static_cast<std::int64_t>(s->size()) - (drops ? 1 : 0)};
  if (auto why = check_uses(e, kind); !why.empty()) return why;
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
