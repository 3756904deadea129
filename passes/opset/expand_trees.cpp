// TreeEnsemble of ai.onnx.ml 5 as the TreeEnsembleRegressor before it.
#include "passes/opset/expand_trees.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"

namespace onnxopt::expand_fn {
using namespace trees;
namespace {

constexpr std::int64_t kLess = 1, kEqual = 4, kMember = 6;

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

}  // namespace onnxopt::expand_fn
