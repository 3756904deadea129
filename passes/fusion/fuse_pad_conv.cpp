#include "passes/fusion/fuse_pad.h"

namespace onnxopt {

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
            std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
            in[0] = p->pad->input(0);
            rw.consume(*p->pad);
            rw.replace(n.output(), rw.op("Conv", std::move(in), with_pads(n, p->pads)));
            return true;
          },
  };
}

}  // namespace onnxopt
