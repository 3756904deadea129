#include "passes/fusion/conditions.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

bool same_dim(const Match& m, Dim a, Dim b) { return same(a, b) || m.context().model->symbols().provably_equal(a, b); }

// x [N, C, H * b, W * b], r [N, C, H, b, W, b], y [N, b * b * C, H, W].
std::int64_t block_size(const Match& m) {
  const Type &x = m["x"]->type, &r = m["r"]->type, &y = m["y"]->type;
  if (!x.has_rank() || x.rank() != 4 || !r.has_rank() || r.rank() != 6 || !y.has_rank() || y.rank() != 4) return 0;
  const Shape &xs = *x.shape, &rs = *r.shape, &ys = *y.shape;
  if (!rs[3].is_value() || rs[3].value() < 2 || !rs[5].is(rs[3].value())) return 0;
  const std::int64_t b = rs[3].value();
  SymbolTable& symbols = m.context().model->symbols();
  const bool fits = same_dim(m, xs[0], rs[0]) && same_dim(m, xs[1], rs[1]) && same_dim(m, xs[2], symbols.mul(rs[2], b)) &&
                    same_dim(m, xs[3], symbols.mul(rs[4], b)) && same_dim(m, ys[0], xs[0]) && same_dim(m, ys[1], symbols.mul(xs[1], b * b)) &&
                    same_dim(m, ys[2], rs[2]) && same_dim(m, ys[3], rs[4]);
  return fits ? b : 0;
}

}  // namespace

// r = Reshape (x, [N, C, H, b, W, b])  t = Transpose <perm = [0, 3, 5, 1, 2, 4]> (r)  y = Reshape (t, [N, b * b * C, H, W])
// ==>  y = SpaceToDepth <blocksize = b> (x)
Rule fuse_space_to_depth() {
  return {
      .name = "fuse-space-to-depth",
      .summary = "Reshape, Transpose, Reshape that moves blocks of pixels into channels to SpaceToDepth",
      .match = R"(
        r = Reshape (x, _)
        t = Transpose <perm = [0, 3, 5, 1, 2, 4]> (r)
        y = Reshape (t, _)
      )",
      .where = {custom("the shapes are those of a SpaceToDepth", [](const Match& m) { return block_size(m) > 0; })},
      .rewrite =
          [](const Match& m, Rewriter& rw) {
            rw.replace(m["y"], rw.op("SpaceToDepth", {m["x"]}, {{"blocksize", block_size(m)}}));
          },
      .level = Level::o1,
  };
}

}  // namespace onnxopt
