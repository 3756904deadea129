// TreeEnsemble of ai.onnx.ml 5 as the TreeEnsembleRegressor before it.
#include "passes/opset/expand_trees.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
using namespace trees;
namespace {

constexpr std::int64_t kLess = 1, kEqual = 4, kMember = 6, kLeaf = 7;

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
  Ints trees, ids, features, yes, no, nan_true, leaf_trees, leaf_ids, leaves;  // leaves: places in the newer form
  Ints modes;                                                                  // as of kModes; kLeaf
  std::vector<double> splits;

  std::int64_t add(std::int64_t tree, std::int64_t id, std::int64_t feature, std::int64_t mode, double split, std::int64_t nan) {
    for (auto [list, v] : {std::pair{&trees, tree},
                           {&ids, id},
                           {&features, feature},
                           {&yes, std::int64_t{0}},
                           {&no, std::int64_t{0}},
                           {&nan_true, nan},
                           {&modes, mode}})
      list->push_back(v);
    splits.push_back(split);
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
      out.add(tree, id, 0, kLeaf, 0, 0);
      out.leaf_trees.push_back(tree);
      out.leaf_ids.push_back(id);
      out.leaves.push_back(o.to);
      continue;
    }
    const auto mode = static_cast<std::int64_t>(from.modes[i]);
    const auto& set = from.members[i];
    const bool asks = mode == kMember;
    if (mode < 0 || mode > kMember) return "no decomposition: this form of TreeEnsemble";
    const double value = !asks ? from.splits[i] : set.empty() ? -std::numeric_limits<double>::infinity() : set[o.member];
    const std::int64_t plain = !asks ? mode : set.empty() ? kLess : kEqual;
    const std::int64_t here = out.add(tree, id, from.features[i], plain, value, from.nan_true[i]);
    if (asks && o.member + 1 < set.size()) open.push_back({o.to, false, o.member + 1, here, false});
    else open.push_back({from.no[i], from.no_leaf[i] != 0, 0, here, false});
    open.push_back({from.yes[i], from.yes_leaf[i] != 0, 0, here, true});
  }
  return "";
}

// A regressor's nodes, with features, modes and thresholds of their own. `weights` of the leaves, in order.
Attrs regressor(const Older& to, Ints features, Strings modes, Floats values, Ints nan_true, Ints targets, Floats weights, std::int64_t count) {
  return {{"n_targets", count},
          {"nodes_treeids", to.trees},
          {"nodes_nodeids", to.ids},
          {"nodes_featureids", std::move(features)},
          {"nodes_truenodeids", to.yes},
          {"nodes_falsenodeids", to.no},
          {"nodes_missing_value_tracks_true", std::move(nan_true)},
          {"nodes_modes", std::move(modes)},
          {"nodes_values", std::move(values)},
          {"target_treeids", to.leaf_trees},
          {"target_nodeids", to.leaf_ids},
          {"target_ids", std::move(targets)},
          {"target_weights", std::move(weights)}};
}

// ---- in double: the older operators answer in float. What the nodes ask is answered by comparisons, trees of zeros and ones say which leaf each
// tree ends in, and the leaves' weights are gathered and summed in double.

// What nodes ask: feature, threshold, whether NaN is a yes. Equal questions are asked once.
struct Questions {
  std::map<std::tuple<std::int64_t, std::uint64_t, std::int64_t>, std::int64_t> places;
  Ints features;
  std::vector<double> splits;
  std::vector<bool> nan_true;

  std::int64_t place(std::int64_t feature, double split, std::int64_t nan) {
    const auto [it, added] = places.emplace(std::tuple{feature, std::bit_cast<std::uint64_t>(split), nan}, std::ssize(features));
    if (added) {
      features.push_back(feature);
      splits.push_back(split);
      nan_true.push_back(nan == 1);
    }
    return it->second;
  }
};

// bool [rows, questions]
Value* answers(Expansion& e, const Questions& q, std::size_t mode) {
  constexpr std::array<const char*, 6> kOps{"LessOrEqual", "Less", "GreaterOrEqual", "Greater", "Equal", "Equal"};
  const std::int64_t n = std::ssize(q.features);
  Value* x = e.op("Gather", {e.in(0), e.ints(q.features, "features")}, {{"axis", std::int64_t{1}}});
  Value* yes = e.op(kOps[mode], {x, e.tensor(Tensor::of<double>({1, n}, q.splits), "splits")});
  if (mode == 5) yes = e.op("Not", {yes});
  if (std::ranges::find(q.nan_true, true) == q.nan_true.end()) return yes;
  std::vector<std::byte> flags;
  for (const bool b : q.nan_true) flags.push_back(std::byte{b});
  Value* tracks = e.tensor(Tensor::from_bytes(DType::boolean, {1, n}, std::move(flags)), "missing");
  return e.op("Or", {yes, e.op("And", {e.op("IsNaN", {x}), tracks})});
}

// int64 [rows, trees]: the leaf that each tree ends in.
Value* leaves_of_trees(Expansion& e, const Older& to, std::int64_t trees) {
  std::array<Questions, 6> asked;
  Ints columns(to.ids.size(), 0);
  for (std::size_t i = 0; i < to.ids.size(); ++i)
    if (to.modes[i] != kLeaf) columns[i] = asked[static_cast<std::size_t>(to.modes[i])].place(to.features[i], to.splits[i], to.nan_true[i]);
  std::array<std::int64_t, 6> first{};
  std::vector<Value*> parts;
  std::int64_t width = 0;
  for (std::size_t mode = 0; mode < 6; ++mode) {
    first[mode] = width;
    width += std::ssize(asked[mode].features);
    if (!asked[mode].features.empty()) parts.push_back(answers(e, asked[mode], mode));
  }
  Strings modes;
  for (std::size_t i = 0; i < to.ids.size(); ++i) {
    if (to.modes[i] != kLeaf) columns[i] += first[static_cast<std::size_t>(to.modes[i])];
    modes.emplace_back(to.modes[i] == kLeaf ? "LEAF" : "BRANCH_GT");
  }
  Value* bits = e.cast(parts.size() == 1 ? parts[0] : e.concat(std::move(parts), 1), DType::float32);
  const Floats names(to.leaves.begin(), to.leaves.end());
  Attrs attrs = regressor(to, columns, std::move(modes), Floats(to.ids.size(), 0.5f), Ints(to.ids.size(), 0), to.leaf_trees, names, trees);
  return e.cast(e.make_row(*newest_op(kDomain, "TreeEnsembleRegressor"), {bits}, std::move(attrs)).output(), DType::int64);
}

std::string ensemble_in_double(Expansion& e, const Newer& from, const Older& to, std::int64_t aggregate) {
  constexpr std::int64_t kAverage = 0, kSum = 1, kMin = 2;
  const std::int64_t targets = e.integer("n_targets", 0), trees = std::ssize(from.roots), leaves = std::ssize(from.weights);
  const std::string no_others = "no decomposition: doubles need ai.onnx, of which the model names no version; --opset 13,ai.onnx.ml:3 would name one";
  if (e.opset() == 0) return no_others;
  if (e.rank(0) != 2) return "the rank of the input is not known";
  if (e.integer("post_transform", 0) != 0) return "no decomposition: scores in double that are transformed";
  if (targets != 1 && aggregate > kSum) return "no decomposition: the least or largest of several targets, in double";
  if (trees == 0 || leaves > (1 << 24) || targets < 1) return "no decomposition: this form of TreeEnsemble";
  std::vector<double> weights(static_cast<std::size_t>(leaves * targets));
  for (std::int64_t i = 0; i < leaves; ++i) {
    const std::int64_t target = from.targets[static_cast<std::size_t>(i)];
    if (target < 0 || target >= targets) return "no decomposition: this form of TreeEnsemble";
    weights[static_cast<std::size_t>(i * targets + target)] = from.weights[static_cast<std::size_t>(i)];
  }
  Value* votes = e.op("Gather", {e.tensor(Tensor::of<double>({leaves, targets}, weights), "weights"), leaves_of_trees(e, to, trees)});
  Value* y = e.reduce(aggregate <= kSum ? "ReduceSum" : aggregate == kMin ? "ReduceMin" : "ReduceMax", votes, {1}, false);
  if (aggregate == kAverage) y = e.div(y, e.scalar(DType::float64, static_cast<double>(trees)));
  e.result(0, y);
  return "";
}

}  // namespace

std::string tree_ensemble(Expansion& e) {
  Newer from;
  if (auto why = read_newer(e, from); !why.empty()) return why;
  const std::int64_t aggregate = e.integer("aggregate_function", 1), transform = e.integer("post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4) return "no decomposition: this form of TreeEnsemble";
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float16 && t != DType::float64) return "type: TreeEnsemble of this type";
  Older to;
  const std::size_t most = 8 * (from.modes.size() + from.weights.size()) + 1024;
  for (std::size_t tree = 0; tree < from.roots.size(); ++tree)
    if (auto why = write_tree(from, static_cast<std::int64_t>(tree), to, most); !why.empty()) return why;
  if (t == DType::float64) return ensemble_in_double(e, from, to, aggregate);
  Strings modes;
  for (const std::int64_t mode : to.modes) modes.emplace_back(mode == kLeaf ? "LEAF" : kModes[static_cast<std::size_t>(mode)]);
  Ints targets;
  Floats weights;
  for (const std::int64_t leaf : to.leaves) {
    targets.push_back(from.targets[static_cast<std::size_t>(leaf)]);
    weights.push_back(static_cast<float>(from.weights[static_cast<std::size_t>(leaf)]));
  }
  Attrs attrs = regressor(to, to.features, std::move(modes), Floats(to.splits.begin(), to.splits.end()), to.nan_true, std::move(targets),
                          std::move(weights), e.integer("n_targets", 0));
  attrs.set("aggregate_function", std::string(kAggregates[static_cast<std::size_t>(aggregate)]));
  attrs.set("post_transform", std::string(kTransforms[static_cast<std::size_t>(transform)]));
  Node& n = e.make_row(*newest_op(kDomain, "TreeEnsembleRegressor"), {e.cast(e.in(0), DType::float32)}, std::move(attrs));
  e.result(0, e.cast(n.output(), t));
  return "";
}

}  // namespace onnxopt::expand_fn
