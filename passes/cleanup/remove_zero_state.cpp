// y = LSTM (x, W, R, B, lens, zeros, zeros)  ==>  y = LSTM (x, W, R, B, lens)      also GRU and RNN: a state that starts at 0 is the default
// Zero in any spelling: a constant, ConstantOfShape, or either of them expanded or reshaped.
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

constexpr int kDepth = 6;

bool is_zero(const Value* v, int depth = kDepth) {
  if (v->constant()) return splat(v) == 0 && !has_negative_zero_bits(v);
  const Node* n = v->producer();
  if (!n || n->kept || !plain(*n) || depth == 0) return false;
  if (n->is("ConstantOfShape")) {
    const Tensor* value = n->attrs().get<Tensor>("value");
    if (!value) return true;
    for (const std::byte b : value->bytes())
      if (b != std::byte{0}) return false;
    return true;
  }
  const bool moves = n->op().has(kDataMovement) && !n->is("Concat") && !n->is("Where") && !n->is("Pad") && !n->op().name.starts_with("Scatter");
  return moves && is_zero(n->input(0), depth - 1);
}

bool visit(const Node& n, Rewriter& rw) {
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  bool found = false;
  for (std::size_t i = 5; i < std::min<std::size_t>(in.size(), 7); ++i)
    if (in[i] && is_zero(in[i])) {
      in[i] = nullptr;
      found = true;
    }
  if (!found) return no(rw, "no initial state is provably zero");
  while (!in.back()) in.pop_back();
  const auto out = rw.op_n(n.op().name, in, n.attrs(), n.outputs().size());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (n.output(i)) rw.replace(n.output(i), out[i]);
  return plain(n);
}

}  // namespace

NodeRule remove_zero_state() { return {"remove-zero-state", "Omit initial states that are zero", "LSTM GRU RNN", Level::o1, visit}; }

}  // namespace onnxopt
