#include <algorithm>

#include "ir/core/element.h"
#include "passes/fusion/fuse_pad.h"
#include "passes/fusion/weights.h"

namespace onnxopt {
namespace {

// 0 times an infinite weight is NaN, and pads of the Conv itself are not multiplied.
bool is_finite_constant(const Value* v, const PassContext& ctx) {
  const Tensor* t = weight_of(v, ctx);
  if (!t) return false;
  constexpr std::int64_t kBlock = 1024;
  double x[kBlock];
  for (std::int64_t i = 0; i < t->size(); i += kBlock) {
    const std::int64_t n = std::min(kBlock, t->size() - i);
    load_block<double>(t->dtype(), t->bytes().data(), i, n, x);
    if (!std::all_of(x, x + n, [](double e) { return std::isfinite(e); })) return false;
  }
  return true;
}

}  // namespace

// p = Pad <mode = "constant"> (x, pads, 0)  y = Conv <pads> (p, W, b?)  ==>  y = Conv <pads + pads> (x, W, b?)
// Spatial axes only, no negative pads.
NodeRule fuse_pad_conv() {
  return {
      .name = "fuse-pad-conv",
      .summary = "Fold a Pad with zeros into the pads of the Conv after it",
      .ops = "Conv",
      .level = Level::o1,
      .visit =
          [](const Node& n, Rewriter& rw) {
            const auto p = pad_before(n, rw);
            if (!p) return false;
            if (p->value != 0) return rw.give_up("the pad value is not 0"), false;
            if (rw.context().level < Level::o2 && !is_finite_constant(n.input(1), rw.context()))
              return rw.give_up("at O1, the weights may be infinite"), false;
            std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
            in[0] = p->pad->input(0);
            rw.consume(*p->pad);
            rw.replace(n.output(), rw.op("Conv", std::move(in), with_pads(n, p->pads)));
            return true;
          },
  };
}

}  // namespace onnxopt
