#include <algorithm>
#include <cstring>

#include "ir/core/buffer.h"
#include "ir/core/prefault.h"
#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// One of the parallel products and the Add of its bias, if all of them have one.
struct Branch {
  const Node* matmul = nullptr;
  const Node* add = nullptr;
  Value* bias = nullptr;
  std::int64_t columns = 0;
};

constexpr std::size_t kMostReaders = 32;  // beyond, it is a table that many look into, not the input of a layer

// A scale that follows goes into one branch's weights before they are joined (fuse-scale-linear).
bool awaits_scale(const Value* v, const PassContext& ctx) {
  for (int steps = 0; steps < 4 && v->used_once(); ++steps) {
    const Node& user = *v->uses()[0].node;
    if ((user.is("Mul") || user.is("Div")) && scalar_of(user.input(1 - v->uses()[0].index), ctx)) return true;
    if (!user.is("Reshape") && !user.is("Transpose") && !user.is("Squeeze") && !user.is("Unsqueeze")) return false;
    v = user.output();
  }
  return false;
}

std::optional<Branch> branch_of(const Use& use, const Tensor& like, const PassContext& ctx) {
  const Node& n = *use.node;
  if (use.index != 0 || n.kept || !n.is("MatMul")) return std::nullopt;
  const Tensor* w = weight_of(n.input(1), ctx);
  if (!w || w->rank() != 2 || w->dtype() != like.dtype() || w->dims()[0] != like.dims()[0] || !n.input(1)->used_once()) return std::nullopt;
  Branch b{&n, nullptr, nullptr, w->dims()[1]};
  const Value* y = n.output();
  if (y->used_once() && y->uses()[0].node->is("Add") && !y->uses()[0].node->kept && y->uses()[0].node->graph() == n.graph()) {
    const Node& add = *y->uses()[0].node;
    Value* c = add.input(1 - y->uses()[0].index);
    const Tensor* bias = weight_of(c, ctx);
    if (bias && bias->dims() == Dims{b.columns}) {
      b.add = &add;
      b.bias = c;
      y = add.output();
    }
  }
  if (awaits_scale(y, ctx)) return std::nullopt;
  return b;
}

// The only reader of `v` divides its columns into heads of a known size, which is returned; 0: it does not.
std::int64_t head_size(const Value* v) {
  if (!v->used_once() || v->uses()[0].index != 0 || !v->type.has_rank()) return 0;
  const Node& reshape = *v->uses()[0].node;
  const std::size_t rank = static_cast<std::size_t>(v->type.rank());
  if (!reshape.is("Reshape") || !reshape.output()->type.has_rank() || reshape.output()->type.rank() != v->type.rank() + 1) return 0;
  const Shape &in = *v->type.shape, &out = *reshape.output()->type.shape;
  for (std::size_t i = 0; i + 1 < rank; ++i)
    if (!same(in[i], out[i])) return 0;
  return out[rank - 1].is_value() && out[rank].is_value() ? out[rank].value() : 0;
}

// Keys and values: move-split-down divides the joined product once for all, and takes a Reshape away for each of the others.
bool divided_alike(std::span<const Branch> branches) {
  const std::int64_t size = head_size(branches[0].matmul->output());
  return size > 0 && std::all_of(branches.begin(), branches.end(), [&](const Branch& b) { return head_size(b.matmul->output()) == size; });
}

Tensor join_columns(std::span<const Branch> branches, std::int64_t rows, DType t) {
  std::int64_t columns = 0;
  for (const Branch& b : branches) columns += b.columns;
  const std::size_t element = static_cast<std::size_t>(bit_width(t)) / 8;
  Buffer joined(t, {rows, columns});
  prefault_for_writing({joined.bytes(), joined.byte_size()});
  for (const Branch& b : branches) prefault_for_reading(b.matmul->input(1)->constant()->bytes());
  std::byte* out = joined.bytes();
  for (std::int64_t r = 0; r < rows; ++r)
    for (const Branch& b : branches) {
      const std::size_t width = static_cast<std::size_t>(b.columns) * element;
      std::memcpy(out, b.matmul->input(1)->constant()->bytes().data() + static_cast<std::size_t>(r) * width, width);
      out += width;
    }
  return std::move(joined).tensor();
}

bool visit(const Node& n, Rewriter& rw) {
  Value* x = n.input(0);
  if (!x || x->uses().size() < 2 || x->uses().size() > kMostReaders) return false;
  const Tensor* w = weight_of(n.input(1), rw.context());
  if (!w || w->rank() != 2 || !x->type.has_rank()) return false;
  std::vector<Branch> branches;
  for (const Use& use : x->uses()) {
    if (use.node->graph() != n.graph()) continue;
    if (auto b = branch_of(use, *w, rw.context())) branches.push_back(*b);
  }
  const Graph& g = rw.graph();
  std::sort(branches.begin(), branches.end(), [&](const Branch& a, const Branch& b) { return g.is_before(*a.matmul, *b.matmul); });
  if (branches.size() < 2 || branches.front().matmul != &n) return false;  // the first of them is the root: all readers come later
  const bool biased = std::all_of(branches.begin(), branches.end(), [](const Branch& b) { return b.add != nullptr; });
  const std::size_t before = branches.size() * (biased ? 2 : 1), after = biased ? 3 : 2;
  if (after >= before && (biased || !divided_alike(branches))) return rw.give_up("a product and a Split are not fewer nodes"), false;

  Value* y = rw.op("MatMul", {x, rw.constant(join_columns(branches, w->dims()[0], w->dtype()), n.input(1)->name())});
  if (biased) {
    std::vector<double> bias;
    for (const Branch& b : branches) {
      const std::vector<double> more = to_doubles(*b.bias->constant());
      bias.insert(bias.end(), more.begin(), more.end());
    }
    y = rw.op("Add", {y, rw.constant(from_doubles(w->dtype(), {static_cast<std::int64_t>(bias.size())}, bias), branches[0].bias->name())});
  }
  Ints sizes;
  for (const Branch& b : branches) sizes.push_back(b.columns);
  const std::vector<Value*> parts =
      rw.op_n("Split", {y, rw.constant(Tensor::int64s(sizes), "split")}, {{"axis", x->type.rank() - 1}}, branches.size());
  for (std::size_t i = 0; i < branches.size(); ++i) {
    rw.consume(*branches[i].matmul);
    if (biased) rw.consume(*branches[i].add);
    rw.replace((biased ? branches[i].add : branches[i].matmul)->output(), parts[i]);
  }
  return true;
}

}  // namespace

// q = Add (MatMul (x, Wq), bq)  k = Add (MatMul (x, Wk), bk)  v = Add (MatMul (x, Wv), bv)
// ==>  q, k, v = Split <axis = -1> (Add (MatMul (x, [Wq Wk Wv]), [bq bk bv]))
// Where that leaves fewer nodes: two products with biases, three without, or two that are divided into heads. Weights that others use stay apart, so
// that they stay tied.
NodeRule fuse_parallel_matmul() {
  return {
      .name = "fuse-parallel-matmul",
      .summary = "Products of one input with several weights (Q, K, V) to one product and a Split",
      .ops = "MatMul",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
