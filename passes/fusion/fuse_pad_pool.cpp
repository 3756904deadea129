#include <algorithm>
#include <cmath>

#include "passes/fusion/fuse_pad.h"
#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

bool never_negative(const Value* v, const PassContext& ctx) {
  const Node* p = v->producer();
  if (!p) return false;
  if (p->is("Clip")) {
    const auto low = scalar_of(p->input(1), ctx);
    return low && *low >= 0;
  }
  return p->is("Relu") || p->is("Sigmoid") || p->is("HardSigmoid") || p->is("Softmax") || p->is("Abs") || p->is("Exp");
}

bool visit(const Node& n, Rewriter& rw) {
  const auto p = pad_before(n, rw);
  if (!p) return false;
  if (n.attr<std::int64_t>("ceil_mode") != 0) return rw.give_up("ceil_mode treats pads of its own in another way"), false;
  const Ints kernel = n.attr_or<Ints>("kernel_shape", {});
  const std::size_t spatial = p->pads.size() / 2;
  if (kernel.size() != spatial) return false;
  for (std::size_t i = 0; i < p->pads.size(); ++i)
    if (p->pads[i] >= kernel[i % spatial]) return rw.give_up("a window would hold nothing but padding"), false;
  Attrs attrs = with_pads(n, p->pads);
  if (n.is("MaxPool")) {
    if (n.output(1)) return rw.give_up("the indices are used"), false;
    // MaxPool pads with less than everything. Zeros are the same where nothing is negative and every window has an element.
    const bool lowest = std::isinf(p->value) && p->value < 0;
    if (!lowest && !(p->value == 0 && never_negative(p->pad->input(0), rw.context()))) return rw.give_up("the pad value may be a maximum"), false;
  } else {
    if (p->value != 0) return rw.give_up("the pad value is not 0"), false;
    if (p->padded_itself && n.attr<std::int64_t>("count_include_pad") == 0) return rw.give_up("the pool does not count its own pads"), false;
    attrs.set("count_include_pad", std::int64_t{1});
  }
  rw.consume(*p->pad);
  rw.replace(n.output(), rw.op(n.op().name, {p->pad->input(0)}, std::move(attrs)));
  return true;
}

}  // namespace

// p = Pad <mode = "constant"> (x, pads, 0)     y = AveragePool (p)  ==>  y = AveragePool <pads, count_include_pad = 1> (x)
// p = Pad <mode = "constant"> (x, pads, -inf)  y = MaxPool (p)      ==>  y = MaxPool <pads> (x);  with 0 too, where x is never negative
NodeRule fuse_pad_pool() {
  return {
      .name = "fuse-pad-pool",
      .summary = "Fold a Pad into the pads of the AveragePool or MaxPool after it",
      .ops = "AveragePool MaxPool",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
