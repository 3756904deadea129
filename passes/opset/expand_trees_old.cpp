// TreeEnsembleRegressor and TreeEnsembleClassifier, which ai.onnx.ml 5 deprecates, as the TreeEnsemble that it has.
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <span>

#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_trees.h"

namespace onnxopt::expand_fn {
using namespace trees;
namespace {

struct Votes {
  std::vector<std::pair<std::int64_t, double>> of;  // target, weight
};

struct Named {
  Ints trees, ids, features, yes, no, nan_true;
  Strings modes;
  std::vector<double> values;
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> places;
  std::vector<Votes> votes;  // of each node
  std::vector<std::size_t> roots;
  std::size_t most_votes = 0;
  bool silent = false;  // a leaf has none
};

std::vector<double> either(const Expansion& e, const std::string& name) {
  if (const auto* t = e.node().attrs().get<Tensor>(name + "_as_tensor")) return numbers(*t);
  const auto* v = e.node().attrs().get<Floats>(name);
  return v ? std::vector<double>(v->begin(), v->end()) : std::vector<double>();
}

// `leaves`: what the attributes of the leaves begin with.
std::string read_named(const Expansion& e, const std::string& leaves, Named& r) {
  r.trees = integers(e, "nodes_treeids");
  r.ids = integers(e, "nodes_nodeids");
  r.features = integers(e, "nodes_featureids");
  r.yes = integers(e, "nodes_truenodeids");
  r.no = integers(e, "nodes_falsenodeids");
  r.nan_true = integers(e, "nodes_missing_value_tracks_true");
  if (const auto* modes = e.node().attrs().get<Strings>("nodes_modes")) r.modes = *modes;
  r.values = either(e, "nodes_values");
  const std::size_t n = r.trees.size();
  r.nan_true.resize(n);
  r.votes.resize(n);
  const Ints trees = integers(e, leaves + "_treeids"), ids = integers(e, leaves + "_nodeids"), targets = integers(e, leaves + "_ids");
  const std::vector<double> weights = either(e, leaves + "_weights");
  const std::string malformed = "no decomposition: this form of an ensemble";
  if (r.ids.size() != n || r.features.size() != n || r.yes.size() != n || r.no.size() != n || r.modes.size() != n || r.values.size() != n ||
      ids.size() != trees.size() || targets.size() != trees.size() || weights.size() != trees.size())
    return malformed;
  for (std::size_t i = 0; i < n; ++i) {
    if (!r.places.emplace(std::pair{r.trees[i], r.ids[i]}, i).second) return malformed;
    if (i == 0 || r.trees[i] != r.trees[i - 1]) r.roots.push_back(i);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto it = r.places.find({trees[i], ids[i]});
    if (it == r.places.end() || r.modes[it->second] != "LEAF") return malformed;
    r.votes[it->second].of.emplace_back(targets[i], weights[i]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (r.modes[i] != "LEAF" &&
        (!place_of(kModes, r.modes[i]) || !r.places.contains({r.trees[i], r.yes[i]}) || !r.places.contains({r.trees[i], r.no[i]})))
      return malformed;
    r.most_votes = std::max(r.most_votes, r.votes[i].of.size());
    r.silent = r.silent || (r.modes[i] == "LEAF" && r.votes[i].of.size() != 1);
  }
  return "";
}

struct Placed {
  Ints features, yes, no, yes_leaf, no_leaf, nan_true, targets, roots;
  std::vector<double> modes, splits, weights;

  std::int64_t leaf(std::int64_t target, double weight) {
    targets.push_back(target);
    weights.push_back(weight);
    return static_cast<std::int64_t>(targets.size()) - 1;
  }
  void add(std::int64_t feature, std::int64_t mode, double split, std::int64_t nan, std::pair<std::int64_t, bool> t,
           std::pair<std::int64_t, bool> f) {
    for (auto [list, v] : {std::pair{&features, feature},
                           {&yes, t.first},
                           {&no, f.first},
                           {&yes_leaf, std::int64_t{t.second}},
                           {&no_leaf, std::int64_t{f.second}},
                           {&nan_true, nan}})
      list->push_back(v);
    modes.push_back(static_cast<double>(mode));
    splits.push_back(split);
  }
  void constant_tree(std::int64_t target, double weight) {
    const std::int64_t at = leaf(target, weight);
    roots.push_back(static_cast<std::int64_t>(modes.size()));
    add(0, 0, 0, 0, {at, true}, {at, true});
  }
};

// All trees with the k-th vote of each leaf; a leaf that has none adds zero.
void place_trees(const Named& from, std::size_t k, Placed& out) {
  std::vector<std::pair<std::int64_t, bool>> to(from.ids.size());
  auto next = static_cast<std::int64_t>(out.modes.size());
  for (std::size_t i = 0; i < from.ids.size(); ++i) {
    const auto& votes = from.votes[i].of;
    if (from.modes[i] != "LEAF") to[i] = {next++, false};
    else to[i] = {k < votes.size() ? out.leaf(votes[k].first, votes[k].second) : out.leaf(0, 0), true};
  }
  for (std::size_t i = 0; i < from.ids.size(); ++i)
    if (!to[i].second)
      out.add(from.features[i], *place_of(kModes, from.modes[i]), from.values[i], from.nan_true[i], to[from.places.at({from.trees[i], from.yes[i]})],
              to[from.places.at({from.trees[i], from.no[i]})]);
  for (const std::size_t root : from.roots) {
    if (!to[root].second) out.roots.push_back(to[root].first);
    else {
      out.roots.push_back(static_cast<std::int64_t>(out.modes.size()));
      out.add(0, 0, 0, 0, to[root], to[root]);
    }
  }
}

Tensor tensor_of(DType t, const std::vector<double>& v) {
  const Dims dims{static_cast<std::int64_t>(v.size())};
  std::vector<std::byte> bytes(raw_byte_size(t, dims));
  if (!v.empty()) store_block<double>(t, bytes.data(), 0, dims[0], v.data());
  return Tensor::from_bytes(t, dims, std::move(bytes));
}

Placed placed(const Named& from, std::span<const double> base) {
  Placed to;
  for (std::size_t k = 0; k < std::max<std::size_t>(from.most_votes, 1); ++k) place_trees(from, k, to);
  for (std::size_t t = 0; t < base.size(); ++t) to.constant_tree(static_cast<std::int64_t>(t), base[t]);
  return to;
}

// Of a TreeEnsemble that sums.
Attrs placed_attrs(const Placed& to, DType way, std::int64_t targets) {
  return {{"aggregate_function", std::int64_t{1}},
          {"n_targets", targets},
          {"nodes_featureids", to.features},
          {"nodes_truenodeids", to.yes},
          {"nodes_falsenodeids", to.no},
          {"nodes_trueleafs", to.yes_leaf},
          {"nodes_falseleafs", to.no_leaf},
          {"nodes_missing_value_tracks_true", to.nan_true},
          {"nodes_modes", tensor_of(DType::uint8, to.modes)},
          {"nodes_splits", tensor_of(way, to.splits)},
          {"leaf_targetids", to.targets},
          {"leaf_weights", tensor_of(way, to.weights)},
          {"tree_roots", to.roots}};
}

}  // namespace

std::string tree_regressor(Expansion& e) {
  Named from;
  if (auto why = read_named(e, "target", from); !why.empty()) return why;
  const auto aggregate = place_of(kAggregates, e.text("aggregate_function", "SUM"));
  const auto transform = place_of(kTransforms, e.text("post_transform", "NONE"));
  const std::int64_t targets = e.integer("n_targets", 0);
  const std::vector<double> base = either(e, "base_values");
  if (!aggregate || !transform || (!base.empty() && base.size() != static_cast<std::size_t>(targets)))
    return "no decomposition: this form of an ensemble";
  const bool sums = kAggregates[static_cast<std::size_t>(*aggregate)] == "SUM";
  if (!sums && (from.silent || !base.empty())) return "no decomposition: leaves of several targets, or base values, that are not summed";
  // ONNX Runtime takes the numbers of these two for each other.
  const std::string_view named = kTransforms[static_cast<std::size_t>(*transform)];
  const bool apart = named == "LOGISTIC" || (named == "SOFTMAX" && targets > 1);
  const bool doubles = e.node().attrs().has("nodes_values_as_tensor") || e.node().attrs().has("target_weights_as_tensor");
  const DType way = e.dtype(0) == DType::float32 && !doubles ? DType::float32 : DType::float64;
  Attrs attrs = placed_attrs(placed(from, base), way, targets);
  attrs.set("aggregate_function", *aggregate);
  attrs.set("post_transform", apart ? std::int64_t{0} : *transform);
  Value* y = e.make_row(*newest_op(kDomain, "TreeEnsemble"), {e.cast(e.in(0), way)}, std::move(attrs)).output();
  if (apart) y = named == "LOGISTIC" ? e.op("Sigmoid", {y}) : e.op("Softmax", {y}, {{"axis", std::int64_t{1}}});
  e.result(0, e.cast(y, DType::float32));
  return "";
}

namespace {

Value* summed_votes(Expansion& e, const Named& from, std::span<const double> base, DType way, std::int64_t targets) {
  return e.make_row(*newest_op(kDomain, "TreeEnsemble"), {e.cast(e.in(0), way)}, placed_attrs(placed(from, base), way, targets)).output();
}

// Votes for a class in every leaf of one tree: every row has some.
bool surely_known(const Named& from, std::int64_t target) {
  for (std::size_t r = 0; r < from.roots.size(); ++r) {
    bool all = true;
    for (std::size_t i = from.roots[r]; i < from.ids.size() && from.trees[i] == from.trees[from.roots[r]]; ++i)
      all = all && (from.modes[i] != "LEAF" || std::ranges::any_of(from.votes[i].of, [&](const auto& v) { return v.first == target; }));
    if (all) return true;
  }
  return false;
}

// bool [rows, targets]: has the class any vote?
Value* voted(Expansion& e, Named from, DType way, std::int64_t targets) {
  for (Votes& v : from.votes)
    for (auto& [target, weight] : v.of) weight = 1;
  return e.op("Greater", {summed_votes(e, from, {}, way, targets), e.scalar(way, 0)});
}

Value* logistic(Expansion& e, Value* x) { return e.op("Sigmoid", {x}); }

// Scores that are zero stay zero and do not count.
Value* softmax_zero(Expansion& e, Value* s, DType t) {
  Value* high = e.reduce("ReduceMax", s, {1});
  Value* counts = e.op("Greater", {e.op("Abs", {s}), e.scalar(t, 1e-7)});
  Value* powers = e.op("Exp", {e.sub(s, high)});
  Value* rest = e.mul(s, e.op("Exp", {e.op("Neg", {high})}));
  Value* sum = e.reduce("ReduceSum", e.op("Where", {counts, powers, e.scalar(t, 0)}), {1});
  return e.div(e.op("Where", {counts, powers, rest}), sum);
}

// The inverse normal distribution function in Winitzki's closed form, as ONNX's evaluator and ONNX Runtime have it.
Value* probit(Expansion& e, Value* p, DType t) {
  const auto c = [&](double v) { return e.scalar(t, v); };
  Value* x = e.sub(e.mul(p, c(2)), c(1));
  Value* log = e.op("Log", {e.mul(e.sub(c(1), x), e.add(c(1), x))});
  Value* v = e.add(c(2 / (3.14159 * 0.147)), e.mul(log, c(0.5)));
  Value* root = e.op("Sqrt", {e.sub(e.op("Sqrt", {e.sub(e.mul(v, v), e.div(log, c(0.147)))}), v)});
  Value* way = e.op("Where", {e.op("Less", {x, c(0)}), c(-std::sqrt(2.0)), c(std::sqrt(2.0))});
  return e.mul(way, root);
}

Value* transformed(Expansion& e, std::string_view transform, Value* s, DType t) {
  if (transform == "SOFTMAX") return e.op("Softmax", {s}, {{"axis", std::int64_t{1}}});
  if (transform == "LOGISTIC") return logistic(e, s);
  if (transform == "SOFTMAX_ZERO") return softmax_zero(e, s, t);
  return transform == "PROBIT" ? probit(e, s, t) : s;
}

// One score becomes those of two classes.
Value* both_of_one(Expansion& e, std::string_view transform, Value* score, bool complement, DType t) {
  Value* other = complement ? e.sub(e.scalar(t, 1), score) : e.op("Neg", {score});
  if (transform == "LOGISTIC") return e.concat({logistic(e, e.op("Neg", {score})), logistic(e, score)}, 1);
  return e.concat({other, score}, 1);
}

Value* column(Expansion& e, Value* x, std::int64_t i) { return e.slice(x, i, i + 1, 1); }

struct Decided {
  Value *classes, *scores;  // int64 [rows], [rows, targets]
};

// The rules are ONNX Runtime's, where ONNX says nothing: a second class without votes is the first one's opposite.
Decided decide_two(Expansion& e, const Named& from, Value* s, std::string_view transform, std::size_t base, bool complement, DType t) {
  bool votes[2] = {false, false};
  for (const Votes& v : from.votes)
    for (const auto& [target, weight] : v.of) votes[target == 1] = true;
  const bool always = surely_known(from, 1);
  Value *first = column(e, s, 0), *second = column(e, s, 1);
  Value* known = votes[1] && !always ? column(e, voted(e, from, t, 2), 1) : nullptr;
  Value* asked = always ? second : known ? e.op("Where", {known, second, first}) : first;
  Value* classes = e.cast(e.op("Greater", {asked, e.scalar(t, complement ? 0.5 : 0)}), DType::int64);
  Value* apart = transformed(e, transform, s, t);
  Value* scores = apart;
  if (base < 2 && !always) {
    Value* one = both_of_one(e, transform, first, complement, t);
    scores = known ? e.op("Where", {known, apart, one}) : one;
  }
  return {e.squeeze(classes, {1}), scores};
}

Decided decide_many(Expansion& e, const Named& from, Value* s, std::string_view transform, std::size_t base, std::int64_t targets, DType t) {
  bool all = true;
  for (std::int64_t k = static_cast<std::int64_t>(base); k < targets; ++k) all = all && surely_known(from, k);
  Value* asked = s;
  if (!all) {
    Value* known = voted(e, from, t, targets);
    if (base > 0) {
      std::vector<std::byte> given(static_cast<std::size_t>(targets), std::byte{0});
      std::fill(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(base), std::byte{1});
      known = e.op("Or", {known, e.tensor(Tensor::from_bytes(DType::boolean, {1, targets}, std::move(given)), "given")});
    }
    asked = e.op("Where", {known, s, e.scalar(t, -std::numeric_limits<double>::infinity())});
  }
  Value* classes = e.op("ArgMax", {asked}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
  return {classes, transformed(e, transform, s, t)};
}

}  // namespace

// The votes are summed, and the class is chosen in plain operators.
std::string tree_classifier(Expansion& e) {
  Named from;
  if (auto why = read_named(e, "class", from); !why.empty()) return why;
  const auto* names = e.node().attrs().get<Strings>("classlabels_strings");
  const Ints* numbers = e.integers("classlabels_int64s");
  const bool by_name = names && !names->empty();
  const auto targets = static_cast<std::int64_t>(by_name ? names->size() : numbers ? numbers->size() : 0);
  const std::string transform = e.text("post_transform", "NONE");
  const std::vector<double> base = either(e, "base_values");
  if (targets < 1 || !place_of(kTransforms, transform) || static_cast<std::int64_t>(base.size()) > targets)
    return "no decomposition: this form of an ensemble";
  bool positive = true, finite = true;
  std::set<std::int64_t> known;
  for (const Votes& v : from.votes)
    for (const auto& [target, weight] : v.of) {
      known.insert(target);
      positive = positive && !(weight < 0);
      finite = finite && std::isfinite(weight) && target >= 0 && target < targets;
    }
  if (!finite) return "no decomposition: this form of an ensemble";
  const bool doubles = e.node().attrs().has("nodes_values_as_tensor") || e.node().attrs().has("class_weights_as_tensor");
  const DType way = e.dtype(0) == DType::float32 && !doubles ? DType::float32 : DType::float64;
  Value* s = summed_votes(e, from, base, way, targets);
  Decided d{};
  if (targets == 2) d = decide_two(e, from, s, transform, base.size(), known.size() == 1 && positive, way);
  else if (targets > 2) d = decide_many(e, from, s, transform, base.size(), targets, way);
  else {
    d.classes = e.op("ArgMax", {s}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});
    d.scores = transform == "PROBIT" ? probit(e, s, way) : s;
  }
  Value* labels = by_name ? e.tensor(Tensor::from_strings({targets}, *names), "labels") : e.ints(*numbers, "labels");
  e.result(0, e.op("Gather", {labels, d.classes}, {{"axis", std::int64_t{0}}}));
  e.result(1, e.cast(d.scores, DType::float32));
  return "";
}

}  // namespace onnxopt::expand_fn
