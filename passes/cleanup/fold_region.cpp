#include "passes/cleanup/fold_region.h"

#include <algorithm>

namespace onnxopt {
namespace {

constexpr std::size_t kMaxNodes = 64;
constexpr std::size_t kShared = 1024;                     // bytes of a constant from which on its other readers belong to the group
constexpr std::size_t kMostReaders = 16;                  // of such a constant
constexpr std::size_t kMaxBytes = std::size_t{64} << 20;  // of one intermediate result

enum class Siblings { left_out, taken_in };

class Builder {
 public:
  Builder(const Node& root, const std::function<bool(const Node&)>& foldable, Siblings siblings) : graph_(root.graph()), foldable_(foldable) {
    add(root);
    std::vector<const Value*> shared;  // constants whose readers were looked at
    for (std::size_t i = 0; i < nodes_.size() && !overflow_; ++i) {
      for (const Value* v : nodes_[i]->outputs())
        if (v) follow(*v);
      if (siblings == Siblings::left_out) continue;
      for (std::size_t k = 0; k < nodes_[i]->inputs().size(); ++k) {
        const Value* v = nodes_[i]->input(k);
        if (!v || !v->constant() || v->constant()->byte_size() < kShared || v->uses().size() > kMostReaders) continue;
        if (std::find(shared.begin(), shared.end(), v) != shared.end()) continue;
        shared.push_back(v);
        follow(*v);
      }
    }
  }

  FoldRegion take(std::int64_t budget) {
    if (overflow_) return {};
    FoldRegion r;
    std::int64_t bytes = -freed();
    for (const Node* n : nodes_)
      for (Value* v : n->outputs()) {
        if (!v || v->unused()) continue;
        const auto size = static_bytes(v->type);
        if (!size || *size > kMaxBytes) return {};
        if (!escapes(*v)) continue;
        bytes += static_cast<std::int64_t>(*size);
        r.results.push_back(v);
      }
    if (bytes > budget) return {};
    r.nodes = nodes_;
    std::sort(r.nodes.begin(), r.nodes.end(), [&](const Node* a, const Node* b) { return graph_->is_before(*a, *b); });
    return r;
  }

 private:
  bool inside(const Node* n) const { return std::find(nodes_.begin(), nodes_.end(), n) != nodes_.end(); }
  void add(const Node& n) {
    if (nodes_.size() >= kMaxNodes) overflow_ = true;
    nodes_.push_back(&n);
  }

  void follow(const Value& v) {
    for (const Use& u : v.uses()) {
      if (overflow_ || inside(u.node) || u.node->graph() != graph_) continue;
      std::vector<const Node*> needed;
      if (!computable(*u.node, needed)) continue;
      for (const Node* n : needed) add(*n);
    }
  }

  // Whether `n` depends on constants only; `needed` gets it and what it needs that is not inside yet.
  bool computable(const Node& n, std::vector<const Node*>& needed, std::size_t depth = 0) const {
    if (inside(&n) || std::find(needed.begin(), needed.end(), &n) != needed.end()) return true;
    if (needed.size() >= kMaxNodes || depth >= kMaxNodes || n.graph() != graph_ || !foldable_(n)) return false;
    for (const Value* v : n.inputs())
      if (v && !v->constant() && (!v->producer() || !computable(*v->producer(), needed, depth + 1))) return false;
    needed.push_back(&n);
    return true;
  }

  bool escapes(const Value& v) const {
    return v.is_graph_output() || std::any_of(v.uses().begin(), v.uses().end(), [&](const Use& u) { return !inside(u.node); });
  }

  std::int64_t freed() const {
    std::vector<const Value*> seen;
    std::int64_t bytes = 0;
    for (const Node* n : nodes_)
      for (const Value* v : n->inputs()) {
        if (!v || !v->constant() || escapes(*v) || std::find(seen.begin(), seen.end(), v) != seen.end()) continue;
        seen.push_back(v);
        bytes += static_cast<std::int64_t>(v->constant()->byte_size());
      }
    return bytes;
  }

  const Graph* graph_;
  const std::function<bool(const Node&)>& foldable_;
  std::vector<const Node*> nodes_;
  bool overflow_ = false;
};

}  // namespace

FoldRegion fold_region(const Node& n, const std::function<bool(const Node&)>& foldable, std::int64_t budget) {
  FoldRegion r = Builder(n, foldable, Siblings::left_out).take(budget);
  if (!r.nodes.empty()) return r;
  return Builder(n, foldable, Siblings::taken_in).take(budget);
}

}  // namespace onnxopt
