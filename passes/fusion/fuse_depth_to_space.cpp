#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

std::int64_t dim(const Value* v, std::size_t i) {
  const Shape& s = *v->type.shape;
  return s[i].is_value() ? s[i].value() : 0;
}

bool same_dim(const Match& m, Dim a, Dim b) { return same(a, b) || m.context().model->symbols().provably_equal(a, b); }

// r, six dims, splits the channels of x into blocks; y joins each block with rows and columns. Block size; 0: no.
std::int64_t block_size(const Match& m, std::size_t channels, std::size_t rows, std::size_t columns) {
  const Value *x = m["x"], *r = m["r"], *y = m["y"];
  if (!x->type.has_rank() || x->type.rank() != 4 || !r->type.has_rank() || r->type.rank() != 6 || !y->type.has_rank() || y->type.rank() != 4)
    return 0;
  const Shape &xs = *x->type.shape, &rs = *r->type.shape, &ys = *y->type.shape;
  const std::int64_t b = dim(r, rows);
  SymbolTable& symbols = m.context().model->symbols();
  const bool fits = b > 1 && dim(r, columns) == b && dim(r, channels) > 0 && same_dim(m, xs[0], rs[0]) && xs[1].is(dim(r, channels) * b * b) &&
                    same_dim(m, xs[2], rs[4]) && same_dim(m, xs[3], rs[5]) && same_dim(m, ys[0], xs[0]) && ys[1].is(dim(r, channels)) &&
                    same_dim(m, ys[2], symbols.mul(xs[2], b)) && same_dim(m, ys[3], symbols.mul(xs[3], b));
  return fits ? b : 0;
}

std::int64_t block_size(const Match& m) { return m.has_node("dcr") ? block_size(m, 3, 1, 2) : block_size(m, 1, 2, 3); }

}  // namespace

// r = Reshape (x, [N, C, b, b, H, W])  t = Transpose <perm = [0, 1, 4, 2, 5, 3]> (r)  y = Reshape (t, [N, C, H * b, W * b])
// ==>  y = DepthToSpace <blocksize = b, mode = "CRD"> (x);  with [N, b, b, C, H, W] and perm [0, 3, 4, 1, 5, 2]: mode = "DCR"
// PixelShuffle as exporters wrote it before opset 11.
Rule fuse_depth_to_space() {
  return {
      .name = "fuse-depth-to-space",
      .summary = "Reshape, Transpose, Reshape that moves channels into blocks of pixels to DepthToSpace",
      .match = R"(
        r = Reshape (x, _)
        crd = Transpose <perm = [0, 1, 4, 2, 5, 3]> (r)
        y = Reshape (crd, _)
        or
        r = Reshape (x, _)
        dcr = Transpose <perm = [0, 3, 4, 1, 5, 2]> (r)
        y = Reshape (dcr, _)
      )",
      .where = {custom("the shapes are those of a DepthToSpace", [](const Match& m) { return block_size(m) > 0; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"],
                       rw.op("DepthToSpace", {m["x"]}, {{"blocksize", block_size(m)}, {"mode", std::string(m.has_node("dcr") ? "DCR" : "CRD")}}));
          },
      .level = Level::o1,
  };
}

}  // namespace onnxopt
