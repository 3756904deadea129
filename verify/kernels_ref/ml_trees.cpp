// ai.onnx.ml: ensembles of decision trees, in the form of TreeEnsemble-5 and in the older one of TreeEnsembleClassifier and TreeEnsembleRegressor.
#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "verify/exec/deadline.h"
#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/ml_scores.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::size_t;
using Vec = std::vector<double>;

enum class Branch : std::uint8_t { leq, lt, gte, gt, eq, neq, member, leaf };
enum class Aggregate : std::uint8_t { average, sum, min, max };

struct Leaf {
  size_t target;
  double weight;
};
struct TreeNode {
  Branch mode = Branch::leaf;
  bool nan_is_true = false;
  size_t feature = 0, if_true = 0, if_false = 0;
  double value = 0;
  std::set<double> members;
  std::vector<Leaf> leaves;  // of leaf nodes
};

bool goes_true(const TreeNode& n, double x) {
  if (std::isnan(x) && n.nan_is_true) return true;
  switch (n.mode) {
    case Branch::leq: return x <= n.value;
    case Branch::lt: return x < n.value;
    case Branch::gte: return x >= n.value;
    case Branch::gt: return x > n.value;
    case Branch::eq: return x == n.value;
    case Branch::neq: return x != n.value;
    case Branch::member: return !std::isnan(x) && n.members.contains(x);
    case Branch::leaf: break;
  }
  return false;
}

struct Score {
  double value = 0;
  bool known = false;
};

struct Ensemble {
  std::vector<TreeNode> nodes;
  std::vector<size_t> roots;
  size_t targets = 0;
  Vec base;
  Aggregate aggregate = Aggregate::sum;
  PostTransform transform = PostTransform::none;

  void check() const {
    for (const TreeNode& n : nodes) {
      if (n.mode != Branch::leaf && (n.if_true >= nodes.size() || n.if_false >= nodes.size())) bad_input("a branch leads to no node");
      for (const Leaf& l : n.leaves)
        if (l.target >= targets) bad_input(fmt::format("a leaf adds to target {} of {}", l.target, targets));
    }
    for (size_t r : roots)
      if (r >= nodes.size()) bad_input("a root is no node");
  }
  const TreeNode& leaf_of(size_t root, std::span<const double> row) const {
    size_t at = root;
    for (size_t steps = 0; nodes[at].mode != Branch::leaf; ++steps) {
      const TreeNode& n = nodes[at];
      if (steps > nodes.size()) bad_input("a tree has a cycle");
      if (n.feature >= row.size()) bad_input(fmt::format("a tree asks for feature {} of {}", n.feature, row.size()));
      at = goes_true(n, row[n.feature]) ? n.if_true : n.if_false;
    }
    return nodes[at];
  }
  void add(Score& s, double w) const {
    if (aggregate == Aggregate::min) s.value = s.known ? std::min(s.value, w) : w;
    else if (aggregate == Aggregate::max) s.value = s.known ? std::max(s.value, w) : w;
    else s.value += w;
    s.known = true;
  }
  std::vector<Score> scores(std::span<const double> row) const {
    std::vector<Score> out(targets);
    for (size_t r : roots)
      for (const Leaf& l : leaf_of(r, row).leaves) add(out[l.target], l.weight);
    return out;
  }
  // Of regressors.
  void finish(std::vector<Score> from, std::span<double> out) const {
    for (size_t t = 0; t < targets; ++t) {
      out[t] = from[t].value / (aggregate == Aggregate::average && !roots.empty() ? static_cast<double>(roots.size()) : 1);
      if (base.size() == targets) out[t] += base[t];
    }
    if (targets == 1) out[0] = apply_to_one(transform, out[0]);
    else apply_to_row(transform, out);
  }
};

// `name` or, from version 3 on, `name`_as_tensor.
Vec numbers_of(const OpCall& call, const std::string& name) {
  if (const auto* t = call.attrs->get<Tensor>(name + "_as_tensor")) return widen<double>(*t);
  const auto v = attr_or<Floats>(call, name, {});
  return {v.begin(), v.end()};
}

Branch branch_named(const std::string& name) {
  constexpr std::pair<std::string_view, Branch> kNames[] = {{"BRANCH_LEQ", Branch::leq}, {"BRANCH_LT", Branch::lt}, {"BRANCH_GTE", Branch::gte},
                                                            {"BRANCH_GT", Branch::gt},   {"BRANCH_EQ", Branch::eq}, {"BRANCH_NEQ", Branch::neq},
                                                            {"LEAF", Branch::leaf}};
  for (const auto& [known, mode] : kNames)
    if (known == name) return mode;
  bad_input(fmt::format("nodes_modes: '{}'", name));
}

size_t index_of(int64_t i, const char* what) {
  if (i < 0 || i > INT32_MAX) bad_input(fmt::format("{}: {}", what, i));
  return static_cast<size_t>(i);
}

void expect_length(size_t length, size_t expected, const char* what) {
  if (length != expected) bad_input(fmt::format("{} has {} elements instead of {}", what, length, expected));
}

// Nodes are named by (tree, node); the first of a tree is its root.
Ensemble read_named_nodes(const OpCall& call, const std::string& leaves, size_t targets) {
  const auto ints = [&](const std::string& name) { return attr_or<Ints>(call, name, {}); };
  const Ints trees = ints("nodes_treeids"), ids = ints("nodes_nodeids"), yes = ints("nodes_truenodeids"), no = ints("nodes_falsenodeids");
  const Ints features = ints("nodes_featureids"), nan_true = ints("nodes_missing_value_tracks_true");
  const auto modes = attr_or<Strings>(call, "nodes_modes", {});
  const Vec values = numbers_of(call, "nodes_values");
  const size_t n = trees.size();
  for (const auto& [length, name] : {std::pair{ids.size(), "nodes_nodeids"},
                                     {yes.size(), "nodes_truenodeids"},
                                     {no.size(), "nodes_falsenodeids"},
                                     {features.size(), "nodes_featureids"},
                                     {modes.size(), "nodes_modes"},
                                     {values.size(), "nodes_values"}})
    expect_length(length, n, name);
  Ensemble e;
  e.targets = targets;
  std::unordered_map<std::string, size_t> places;
  const auto key = [](int64_t tree, int64_t node) { return fmt::format("{}/{}", tree, node); };
  for (size_t i = 0; i < n; ++i) {
    if (!places.emplace(key(trees[i], ids[i]), i).second) bad_input(fmt::format("node {} of tree {} is there twice", ids[i], trees[i]));
    if (i == 0 || trees[i] != trees[i - 1]) e.roots.push_back(i);
  }
  const auto place = [&](int64_t tree, int64_t node) {
    const auto it = places.find(key(tree, node));
    if (it == places.end()) bad_input(fmt::format("tree {} has no node {}", tree, node));
    return it->second;
  };
  for (size_t i = 0; i < n; ++i) {
    TreeNode node;
    node.mode = branch_named(modes[i]);
    node.value = values[i];
    node.nan_is_true = i < nan_true.size() && nan_true[i] == 1;
    if (node.mode != Branch::leaf) {
      node.feature = index_of(features[i], "nodes_featureids");
      node.if_true = place(trees[i], yes[i]);
      node.if_false = place(trees[i], no[i]);
    }
    e.nodes.push_back(std::move(node));
  }
  const Ints ends = ints(leaves + "_ids"), end_trees = ints(leaves + "_treeids"), end_nodes = ints(leaves + "_nodeids");
  const Vec weights = numbers_of(call, leaves + "_weights");
  for (size_t length : {end_trees.size(), end_nodes.size(), weights.size()}) expect_length(length, ends.size(), "a list of leaves");
  for (size_t i = 0; i < ends.size(); ++i)
    e.nodes[place(end_trees[i], end_nodes[i])].leaves.push_back({index_of(ends[i], "a target of a leaf"), weights[i]});
  e.base = numbers_of(call, "base_values");
  e.transform = read_post_transform(call);
  e.check();
  return e;
}

Maybe<RunFn> run_regressor(Ensemble ensemble) {
  return RunFn([e = std::make_shared<const Ensemble>(std::move(ensemble))](KernelIo& io) {
    const Rows x(io.in(0));
    Vec out(x.count * e->targets);
    DeadlineWatch watch;
    for (size_t r = 0; r < x.count; ++r, watch.did(50 * static_cast<int64_t>(e->roots.size())))
      e->finish(e->scores(x.row(r)), std::span(out).subspan(r * e->targets, e->targets));
    // TreeEnsemble answers in the type of its input, TreeEnsembleRegressor in float.
    const DType t = io.in(0).dtype();
    io.set(0, narrow(t, {static_cast<int64_t>(x.count), static_cast<int64_t>(e->targets)}, out));
  });
}

Maybe<RunFn> prepare_regressor(const OpCall& call, ExecEnv&) {
  Ensemble e = read_named_nodes(call, "target", index_of(attr_or<int64_t>(call, "n_targets", 0), "n_targets"));
  const auto name = attr_or<std::string>(call, "aggregate_function", "SUM");
  if (name == "AVERAGE") e.aggregate = Aggregate::average;
  else if (name == "MIN") e.aggregate = Aggregate::min;
  else if (name == "MAX") e.aggregate = Aggregate::max;
  else if (name != "SUM") bad_input(fmt::format("aggregate_function '{}'", name));
  Maybe<RunFn> run = run_regressor(std::move(e));
  return RunFn([inner = *run](KernelIo& io) {
    RtValue y;
    KernelIo one(std::span(&io.value(0), 1), std::span(&y, 1));
    inner(one);
    io.set(0, narrow(DType::float32, y.tensor().dims(), widen<double>(y.tensor())));
  });
}

Maybe<RunFn> prepare_ensemble(const OpCall& call, ExecEnv&) {
  const auto ints = [&](const char* name) { return attr_or<Ints>(call, name, {}); };
  const Ints features = ints("nodes_featureids"), yes = ints("nodes_truenodeids"), no = ints("nodes_falsenodeids");
  const Ints yes_leaf = ints("nodes_trueleafs"), no_leaf = ints("nodes_falseleafs"), nan_true = ints("nodes_missing_value_tracks_true");
  const Ints modes = ints_of(attr<Tensor>(call, "nodes_modes")), targets = ints("leaf_targetids");
  const Vec splits = widen<double>(attr<Tensor>(call, "nodes_splits")), weights = widen<double>(attr<Tensor>(call, "leaf_weights"));
  const auto* sets = call.attrs->get<Tensor>("membership_values");
  const Vec members = sets ? widen<double>(*sets) : Vec();
  const size_t n = features.size();
  for (const auto& [length, name] : {std::pair{yes.size(), "nodes_truenodeids"},
                                     {no.size(), "nodes_falsenodeids"},
                                     {splits.size(), "nodes_splits"},
                                     {yes_leaf.size(), "nodes_trueleafs"},
                                     {no_leaf.size(), "nodes_falseleafs"},
                                     {modes.size(), "nodes_modes"}})
    expect_length(length, n, name);
  expect_length(weights.size(), targets.size(), "leaf_weights");
  Ensemble e;
  e.targets = index_of(attr_or<int64_t>(call, "n_targets", 0), "n_targets");
  const auto place = [&](int64_t to, int64_t is_leaf) {
    const size_t i = index_of(to, "a branch"), limit = is_leaf != 0 ? targets.size() : n;
    if (i >= limit) bad_input(fmt::format("a branch leads to {} of {}", i, limit));
    return is_leaf != 0 ? n + i : i;
  };
  size_t member = 0;
  for (size_t i = 0; i < n; ++i) {
    TreeNode node;
    if (modes[i] < 0 || modes[i] > 6) bad_input(fmt::format("nodes_modes: {}", modes[i]));
    node.mode = static_cast<Branch>(modes[i]);
    node.value = splits[i];
    node.nan_is_true = i < nan_true.size() && nan_true[i] == 1;
    node.feature = index_of(features[i], "nodes_featureids");
    node.if_true = place(yes[i], yes_leaf[i]);
    node.if_false = place(no[i], no_leaf[i]);
    if (node.mode == Branch::member) {
      for (; member < members.size() && !std::isnan(members[member]); ++member) node.members.insert(members[member]);
      ++member;
    }
    e.nodes.push_back(std::move(node));
  }
  for (size_t i = 0; i < targets.size(); ++i) {
    TreeNode leaf;
    leaf.leaves.push_back({index_of(targets[i], "leaf_targetids"), weights[i]});
    e.nodes.push_back(std::move(leaf));
  }
  for (int64_t r : ints("tree_roots")) e.roots.push_back(index_of(r, "tree_roots"));
  const auto aggregate = attr_or<int64_t>(call, "aggregate_function", 1), transform = attr_or<int64_t>(call, "post_transform", 0);
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4)
    bad_input(fmt::format("aggregate_function {}, post_transform {}", aggregate, transform));
  e.aggregate = static_cast<Aggregate>(aggregate);
  e.transform = static_cast<PostTransform>(transform);
  e.check();
  return run_regressor(std::move(e));
}

struct Classifier : Ensemble {
  Labels labels;
  bool binary = false;  // two classes, of which the leaves know one
  bool all_positive = true;

  // The class of two that `score` of the positive one says, and how the other's score is made of it.
  size_t decide(double score, Second& second) const {
    second = binary && all_positive ? Second::complement : Second::negation;
    return score > (second == Second::complement ? 0.5 : 0.0) ? 1 : 0;
  }
  size_t row(std::vector<Score> s, std::span<double> out) const;
};

size_t Classifier::row(std::vector<Score> s, std::span<double> out) const {
  Second second = Second::negation;
  if (targets == 2) {
    if (base.size() == 2 && s[1].known) {
      s[1].value += base[1];
      s[0].value += base[0];
    } else if (base.size() == 2) {
      s[1].value += base[1];
      s[0].value += base[0];
    } else if (base.size() == 1) s[0].value += base[0];
    if (base.size() < 2 && !s[1].known) {
      const size_t best = decide(s[0].value, second);
      two_scores(transform, second, s[0].value, std::span<double, 2>(out));
      return best;
    }
    const size_t best = decide(s[1].known ? s[1].value : s[0].value, second);
    out[0] = s[0].value;
    out[1] = s[1].value;
    apply_to_row(transform, out);
    return best;
  }
  for (size_t t = 0; t < targets; ++t) {
    if (t < base.size()) s[t] = {s[t].value + base[t], true};
    out[t] = s[t].value;
  }
  size_t best = 0;
  bool found = false;
  for (size_t t = 0; t < targets; ++t)
    if (s[t].known && (!found || s[t].value > s[best].value)) best = t, found = true;
  if (targets == 1) out[0] = apply_to_one(transform, out[0]);
  else apply_to_row(transform, out);
  return best;
}

Maybe<RunFn> prepare_classifier(const OpCall& call, ExecEnv&) {
  const Labels labels = class_labels(call, "classlabels_int64s");
  Classifier c{read_named_nodes(call, "class", labels.size()), labels};
  std::set<size_t> known;
  for (const TreeNode& n : c.nodes)
    for (const Leaf& l : n.leaves) {
      known.insert(l.target);
      if (l.weight < 0) c.all_positive = false;
    }
  c.binary = labels.size() == 2 && known.size() == 1;
  return RunFn([m = std::make_shared<const Classifier>(std::move(c))](KernelIo& io) {
    const Rows x(io.in(0));
    Vec out(x.count * m->targets);
    std::vector<size_t> classes;
    DeadlineWatch watch;
    for (size_t r = 0; r < x.count; ++r, watch.did(50 * static_cast<int64_t>(m->roots.size())))
      classes.push_back(m->row(m->scores(x.row(r)), std::span(out).subspan(r * m->targets, m->targets)));
    io.set(0, label_tensor(m->labels, classes));
    io.set(1, narrow(DType::float32, {static_cast<int64_t>(x.count), static_cast<int64_t>(m->targets)}, out));
  });
}

constexpr Kernel kKernels[] = {
    {"ai.onnx.ml", "TreeEnsemble", 5, kAnyVersion, prepare_ensemble},
    {"ai.onnx.ml", "TreeEnsembleRegressor", 1, kAnyVersion, prepare_regressor},
    {"ai.onnx.ml", "TreeEnsembleClassifier", 1, kAnyVersion, prepare_classifier},
};

}  // namespace

std::span<const Kernel> ml_tree_kernels() { return kKernels; }

}  // namespace onnxopt::ref
