// Ensembles of trees: TreeEnsemble of ai.onnx.ml 5, and TreeEnsembleRegressor before it.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "ir/core/element.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
namespace {

constexpr std::string_view kDomain = "ai.onnx.ml";
constexpr std::array<std::string_view, 6> kModes{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
constexpr std::int64_t kLess = 1, kEqual = 4, kMember = 6;
constexpr std::array<std::string_view, 4> kAggregates{"AVERAGE", "SUM", "MIN", "MAX"};
constexpr std::array<std::string_view, 5> kTransforms{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

std::vector<double> numbers(const Tensor& t) {
  std::vector<double> r(static_cast<std::size_t>(t.size()));
  if (!r.empty()) load_block<double>(t.dtype(), t.bytes().data(), 0, t.size(), r.data());
  return r;
}

Ints integers(const Expansion& e, std::string_view name) {
  const Ints* v = e.integers(name);
  return v ? *v : Ints();
}

template <std::size_t N>
std::optional<std::int64_t> place_of(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto it = std::ranges::find(names, name);
  return it == names.end() ? std::nullopt : std::optional(static_cast<std::int64_t>(it - names.begin()));
}

// ---- down: nodes and leaves by their places become nodes by tree and name

struct Newer {
  Ints yes, no, yes_leaf, no_leaf, features, nan_true, targets, roots;
  std::vector<double> modes, splits, weights;
  std::vector<std::vector<double>> members;  // of each node
};

std::string read_newer(const Expansion& e, Newer& r) {
  const auto* modes = e.node().attrs().get<Tensor>("nodes_modes");
  const auto* splits = e.node().attrs().get<Tensor>("nodes_splits");
  const auto* weights = e.node().attrs().get<Tensor>("leaf_weights");
  if (!modes || !splits || !weights) return "no decomposition: this form of TreeEnsemble";
  if (weights->dtype() == DType::float64 || splits->dtype() == DType::float64) return "type: TreeEnsembleRegressor gives float";
  r = {integers(e, "nodes_truenodeids"),
       integers(e, "nodes_falsenodeids"),
       integers(e, "nodes_trueleafs"),
       integers(e, "nodes_falseleafs"),
       integers(e, "nodes_featureids"),
       integers(e, "nodes_missing_value_tracks_true"),
       integers(e, "leaf_targetids"),
       integers(e, "tree_roots"),
       numbers(*modes),
       numbers(*splits),
       numbers(*weights),
       {}};
  const std::size_t n = r.modes.size();
  r.nan_true.resize(n);
  r.members.resize(n);
  if (r.yes.size() != n || r.no.size() != n || r.yes_leaf.size() != n || r.no_leaf.size() != n || r.features.size() != n || r.splits.size() != n ||
      r.targets.size() != r.weights.size())
    return "no decomposition: this form of TreeEnsemble";
  const auto* sets = e.node().attrs().get<Tensor>("membership_values");
  const std::vector<double> values = sets ? numbers(*sets) : std::vector<double>();
  for (std::size_t i = 0, at = 0; i < n; ++i) {
    if (r.modes[i] != kMember) continue;
    for (; at < values.size() && !std::isnan(values[at]); ++at) r.members[i].push_back(values[at]);
    ++at;
  }
  return "";
}

struct Older {
  Ints trees, ids, features, yes, no, nan_true, leaf_trees, leaf_ids, leaf_targets;
  Strings modes;
  Floats values, weights;

  std::int64_t add(std::int64_t tree, std::int64_t id, std::int64_t feature, std::string_view mode, double value, std::int64_t nan) {
    for (auto [list, v] :
         {std::pair{&trees, tree}, {&ids, id}, {&features, feature}, {&yes, std::int64_t{0}}, {&no, std::int64_t{0}}, {&nan_true, nan}})
      list->push_back(v);
    modes.emplace_back(mode);
    values.push_back(static_cast<float>(value));
    return static_cast<std::int64_t>(ids.size()) - 1;
  }
};

// A place in the newer form that still has to be written: `member` of a set is the one that is asked for there.
struct Open {
  std::int64_t to;
  bool leaf;
  std::size_t member = 0;
  std::int64_t parent = -1;  // place in the older form
  bool on_yes = false;
};

std::string write_tree(const Newer& from, std::int64_t tree, Older& out, std::size_t most) {
  const std::size_t first = out.ids.size();
  std::vector<Open> open{{from.roots[static_cast<std::size_t>(tree)], false}};
  while (!open.empty()) {
    const Open o = open.back();
    open.pop_back();
    const auto i = static_cast<std::size_t>(o.to);
    if (o.to < 0 || i >= (o.leaf ? from.weights.size() : from.modes.size())) return "no decomposition: a branch that leads nowhere";
    if (out.ids.size() >= most) return "no decomposition: branches that meet, or sets that are too large";
    const auto id = static_cast<std::int64_t>(out.ids.size() - first);
    if (o.parent >= 0) (o.on_yes ? out.yes : out.no)[static_cast<std::size_t>(o.parent)] = id;
    if (o.leaf) {
      out.add(tree, id, 0, "LEAF", 0, 0);
      out.leaf_trees.push_back(tree);
      out.leaf_ids.push_back(id);
      out.leaf_targets.push_back(from.targets[i]);
      out.weights.push_back(static_cast<float>(from.weights[i]));
      continue;
    }
    const auto mode = static_cast<std::int64_t>(from.modes[i]);
    const auto& set = from.members[i];
    const bool asks = mode == kMember;
    if (mode < 0 || mode > kMember) return "no decomposition: this form of TreeEnsemble";
    const double value = !asks ? from.splits[i] : set.empty() ? -std::numeric_limits<double>::infinity() : set[o.member];
    const std::string_view name = kModes[static_cast<std::size_t>(!asks ? mode : set.empty() ? kLess : kEqual)];
    const std::int64_t here = out.add(tree, id, from.features[i], name, value, from.nan_true[i]);
    if (asks && o.member + 1 < set.size()) open.push_back({o.to, false, o.member + 1, here, false});
    else open.push_back({from.no[i], from.no_leaf[i] != 0, 0, here, false});
    open.push_back({from.yes[i], from.yes_leaf[i] != 0, 0, here, true});
  }
  return "";
}

// ---- up

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

std::string read_named(const Expansion& e, Named& r) {
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
  const Ints trees = integers(e, "target_treeids"), ids = integers(e, "target_nodeids"), targets = integers(e, "target_ids");
  const std::vector<double> weights = either(e, "target_weights");
  const std::string malformed = "no decomposition: this form of TreeEnsembleRegressor";
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

}  // namespace

std::string tree_ensemble(Expansion& e) {
  Newer from;
  if (auto why = read_newer(e, from); !why.empty()) return why;
  const std::int64_t aggregate = e.integer("aggregate_function", 1), transform = e.integer("post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4) return "no decomposition: this form of TreeEnsemble";
  if (e.dtype(0) != DType::float32 && e.dtype(0) != DType::float16) return "type: TreeEnsembleRegressor gives float";
  Older to;
  const std::size_t most = 8 * (from.modes.size() + from.weights.size()) + 1024;
  for (std::size_t tree = 0; tree < from.roots.size(); ++tree)
    if (auto why = write_tree(from, static_cast<std::int64_t>(tree), to, most); !why.empty()) return why;
  Attrs attrs{{"aggregate_function", std::string(kAggregates[static_cast<std::size_t>(aggregate)])},
              {"post_transform", std::string(kTransforms[static_cast<std::size_t>(transform)])},
              {"n_targets", e.integer("n_targets", 0)},
              {"nodes_treeids", to.trees},
              {"nodes_nodeids", to.ids},
              {"nodes_featureids", to.features},
              {"nodes_truenodeids", to.yes},
              {"nodes_falsenodeids", to.no},
              {"nodes_missing_value_tracks_true", to.nan_true},
              {"nodes_modes", to.modes},
              {"nodes_values", to.values},
              {"target_treeids", to.leaf_trees},
              {"target_nodeids", to.leaf_ids},
              {"target_ids", to.leaf_targets},
              {"target_weights", to.weights}};
  Node& n = e.make_row(*newest_op(kDomain, "TreeEnsembleRegressor"), {e.cast(e.in(0), DType::float32)}, std::move(attrs));
  e.result(0, e.cast(n.output(), e.dtype(0)));
  return "";
}

std::string tree_regressor(Expansion& e) {
  Named from;
  if (auto why = read_named(e, from); !why.empty()) return why;
  const auto aggregate = place_of(kAggregates, e.text("aggregate_function", "SUM"));
  const auto transform = place_of(kTransforms, e.text("post_transform", "NONE"));
  const std::int64_t targets = e.integer("n_targets", 0);
  const std::vector<double> base = either(e, "base_values");
  if (!aggregate || !transform || (!base.empty() && base.size() != static_cast<std::size_t>(targets)))
    return "no decomposition: this form of TreeEnsembleRegressor";
  const bool sums = kAggregates[static_cast<std::size_t>(*aggregate)] == "SUM";
  if (!sums && (from.silent || !base.empty())) return "no decomposition: leaves of several targets, or base values, that are not summed";
  Placed to;
  for (std::size_t k = 0; k < std::max<std::size_t>(from.most_votes, 1); ++k) place_trees(from, k, to);
  for (std::size_t t = 0; t < base.size(); ++t) to.constant_tree(static_cast<std::int64_t>(t), base[t]);
  // ONNX Runtime takes the numbers of these two for each other.
  const std::string_view named = kTransforms[static_cast<std::size_t>(*transform)];
  const bool apart = named == "LOGISTIC" || (named == "SOFTMAX" && targets > 1);
  const bool doubles = e.node().attrs().has("nodes_values_as_tensor") || e.node().attrs().has("target_weights_as_tensor");
  const DType way = e.dtype(0) == DType::float32 && !doubles ? DType::float32 : DType::float64;
  Attrs attrs{{"aggregate_function", *aggregate},
              {"post_transform", apart ? std::int64_t{0} : *transform},
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
  Value* y = e.make_row(*newest_op(kDomain, "TreeEnsemble"), {e.cast(e.in(0), way)}, std::move(attrs)).output();
  if (apart) y = named == "LOGISTIC" ? e.op("Sigmoid", {y}) : e.op("Softmax", {y}, {{"axis", std::int64_t{1}}});
  e.result(0, e.cast(y, DType::float32));
  return "";
}

}  // namespace onnxopt::expand_fn
