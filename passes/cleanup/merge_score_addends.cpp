#include "passes/rewrite/rule.h"

namespace onnxopt {

// y = Softmax (q * k + bias + mask)  ==>  y = Softmax (q * k + (bias + mask))      bias and mask of all layers: their sum is computed once
// Float and bfloat16: in float16 a mask of the lowest number and a bias may overflow without the scores.
Rule merge_score_addends() {
  return {
      .name = "merge-score-addends",
      .summary = "Add bias and mask of attention scores once for all layers",
      .match = R"(
        s = MatMul (q, k)
        b = Add (s, bias)
        a = Add (b, mask)
        y = Softmax (a)
        or
        t = MatMul (q, k)
        s = Mul|Div (t, _)
        b = Add (s, bias)
        a = Add (b, mask)
        y = Softmax (a)
      )",
      .where = {custom("float or bfloat16",
                       [](const Match& m) { return m["y"]->type.dtype == DType::float32 || m["y"]->type.dtype == DType::bfloat16; }),
                custom("bias and mask are read elsewhere too",
                       [](const Match& m) { return m["bias"]->uses().size() > 1 && m["mask"]->uses().size() > 1; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Value* sum = rw.op("Add", {m["bias"], m["mask"]});
            rw.replace(m["y"], rw.op("Softmax", {rw.op("Add", {m["s"], sum})}, m.node("y").attrs()));
          },
      .level = Level::o2,
  };
}

}  // namespace onnxopt
