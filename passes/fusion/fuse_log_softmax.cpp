#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

std::optional<std::int64_t> kept_axis(const Match& m) {
  const auto axes = reduce_axes(m.node("r"), m.context());
  return axes && axes->size() == 1 && m.node("r").attr<std::int64_t>("keepdims") == 1 ? std::optional(axes->front()) : std::nullopt;
}

}  // namespace

// y = x - ReduceLogSumExp <axis> (x)  ==>  y = LogSoftmax <axis> (x)
// s = Softmax <axis> (x)  y = Log (s)  ==>  y = LogSoftmax <axis> (x)
// More exact too: no Log of an underflow.
Rule fuse_log_softmax() {
  return {
      .name = "fuse-log-softmax",
      .summary = "Log (Softmax (x)), or x less its ReduceLogSumExp, to LogSoftmax",
      .match = R"(
        s = Softmax (x)
        y = Log (s)
        or
        r = ReduceLogSumExp (x, axes?)
        y = Sub (x, r)
      )",
      .where = {custom("one axis, dims kept", [](const Match& m) { return m.has_node("s") || kept_axis(m).has_value(); })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            Attrs attrs;
            if (m.has_node("s")) attrs = m.node("s").attrs();
            else attrs.set("axis", *kept_axis(m));
            rw.replace(m["y"], rw.op("LogSoftmax", {m["x"]}, std::move(attrs)));
          },
  };
}

}  // namespace onnxopt
