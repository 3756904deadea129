#include <array>

#include "passes/fusion/absorb.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

constexpr std::size_t kMostMoves = 4;  // Reshape, Transpose, Squeeze, Unsqueeze between a layer and its scale

bool only_moves(const Node& n) { return n.is("Reshape") || n.is("Transpose") || n.is("Squeeze") || n.is("Unsqueeze") || n.is("Flatten"); }

bool visit(const Node& n, Rewriter& rw) {
  for (std::size_t operand = 0; operand < (n.is("Div") ? 1U : 2U); ++operand) {
    const auto scale = scalar_of(n.input(1 - operand), rw.context());
    Value* v = n.input(operand);
    if (!scale || !v || !v->producer() || !only_moves(*v->producer())) continue;
    if (!v->type.has_rank() || n.input(1 - operand)->constant()->rank() > v->type.rank()) continue;
    std::array<const Node*, kMostMoves> moves{};
    std::size_t count = 0;
    while (v->producer() && only_moves(*v->producer()) && !v->producer()->kept && count < kMostMoves) {
      if (!v->used_once()) return rw.give_up("a value on the way has another reader"), false;
      moves[count++] = v->producer();
      v = v->producer()->input(0);
    }
    if (!v->used_once()) return rw.give_up("the layer's result has another reader"), false;
    Value* scaled = scale_linear(v, n.is("Div") ? 1.0 / *scale : *scale, rw);
    if (!scaled) return rw.give_up("no layer with constant weights in front"), false;
    while (count > 0) {
      const Node& move = *moves[--count];
      std::vector<Value*> in(move.inputs().begin(), move.inputs().end());
      in[0] = scaled;
      scaled = rw.op(move.op().name, std::move(in), move.attrs());
      rw.consume(move);
    }
    rw.replace(n.output(), scaled);
    return true;
  }
  return false;
}

}  // namespace

// a = Add (MatMul (x, W), b)  t = Transpose (Reshape (a))  y = Mul (t, s)  ==>  y = Transpose (Reshape (Add (MatMul (x, W * s), b * s)))
// The scale of a scaled dot product goes into the projection of the queries; also for Gemm, and MatMul without bias. One constant s.
NodeRule fuse_scale_linear() {
  return {
      .name = "fuse-scale-linear",
      .summary = "Fold a constant scale behind Reshape and Transpose into the weights of the MatMul or Gemm in front of them",
      .ops = "Div Mul",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
