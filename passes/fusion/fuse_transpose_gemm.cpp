#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

bool visit(const Node& n, Rewriter& rw) {
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  Attrs attrs = n.attrs();
  bool changed = false;
  for (std::size_t i = 0; i < 2; ++i) {
    const Node* t = in[i] ? in[i]->producer() : nullptr;
    if (!t || t->kept || !t->is("Transpose")) continue;
    const Ints perm = t->attr_or<Ints>("perm", {1, 0});
    if (perm != Ints{1, 0}) continue;
    if (!in[i]->used_once()) {
      rw.give_up("the Transpose has another reader");
      continue;
    }
    const char* name = i == 0 ? "transA" : "transB";
    attrs.set(name, std::int64_t{n.attr<std::int64_t>(name) != 0 ? 0 : 1});
    in[i] = t->input(0);
    rw.consume(*t);
    changed = true;
  }
  if (!changed) return false;
  rw.replace(n.output(), rw.op("Gemm", std::move(in), std::move(attrs)));
  return true;
}

}  // namespace

// t = Transpose (a)  y = Gemm (t, b, c?)  ==>  y = Gemm <transA = 1> (a, b, c);  so for b
NodeRule fuse_transpose_gemm() {
  return {
      .name = "fuse-transpose-gemm",
      .summary = "Transpose of a Gemm's input to transA or transB",
      .ops = "Gemm",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
