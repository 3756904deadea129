#include <array>

#include "passes/fusion/weights.h"
#include "passes/rewrite/node_rule.h"

namespace onnxopt {

namespace {

// Which pixel of each 2 x 2 block a chain of Slices picks from `x`.
struct Pick {
  const Value* x = nullptr;
  std::int64_t row = 0, column = 0;
};

bool to_the_end(std::int64_t end, Dim d) { return d.is_value() ? end >= d.value() : end >= INT32_MAX; }

std::optional<Pick> pick_of(const Value* v, const PassContext& ctx, std::vector<const Node*>& slices) {
  Pick p{v, -1, -1};
  for (int steps = 0; steps < 2 && (p.row < 0 || p.column < 0); ++steps) {
    const Node* n = p.x->producer();
    if (!n || n->kept || !n->is("Slice")) return std::nullopt;
    const auto starts = ints_of(n->input(1), ctx), ends = ints_of(n->input(2), ctx), axes = ints_of(n->input(3), ctx),
               strides = ints_of(n->input(4), ctx);
    const Type& in = n->input(0)->type;
    if (!starts || !ends || !axes || !strides || !in.has_rank() || in.rank() != 4) return std::nullopt;
    if (ends->size() != starts->size() || axes->size() != starts->size() || strides->size() != starts->size()) return std::nullopt;
    for (std::size_t i = 0; i < axes->size(); ++i) {
      const std::int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + 4 : (*axes)[i], start = (*starts)[i];
      if ((axis != 2 && axis != 3) || (*strides)[i] != 2 || start < 0 || start > 1) return std::nullopt;
      if (!to_the_end((*ends)[i], (*in.shape)[static_cast<std::size_t>(axis)])) return std::nullopt;
      std::int64_t& at = axis == 2 ? p.row : p.column;
      if (at >= 0) return std::nullopt;
      at = start;
    }
    slices.push_back(n);
    p.x = n->input(0);
  }
  return p.row >= 0 && p.column >= 0 ? std::optional(p) : std::nullopt;
}

bool visit(const Node& n, Rewriter& rw) {
  const Value* v = n.input(0);
  const Node* concat = v ? v->producer() : nullptr;
  if (!concat || concat->kept || !concat->is("Concat") || concat->inputs().size() != 4 || !v->type.has_rank() || v->type.rank() != 4) return false;
  const std::int64_t axis = concat->attr<std::int64_t>("axis");
  if (axis != 1 && axis != -3) return false;
  const auto conv = const_conv(n, rw.context());
  if (!conv || conv->group != 1 || conv->in_channels % 4 != 0) return rw.give_up("not a Conv of one group with constant weights"), false;
  if (!v->used_once()) return rw.give_up("the joined pixels have another reader"), false;
  std::array<std::int64_t, 4> block{};  // of each Concat input: its place in SpaceToDepth's order, rows first
  std::vector<const Node*> slices;
  const Value* x = nullptr;
  int seen = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto p = pick_of(concat->input(i), rw.context(), slices);
    if (!p || (x && p->x != x)) return rw.give_up("not the four pixels of a block"), false;
    x = p->x;
    block[i] = p->row * 2 + p->column;
    seen |= 1 << block[i];
  }
  if (seen != 15) return rw.give_up("not the four pixels of a block"), false;
  const std::int64_t channels = conv->in_channels / 4, out = conv->out_channels;
  if (!x->type.has_rank() || !(*x->type.shape)[1].is(channels)) return rw.give_up("the number of channels is not known"), false;
  // Concat would have failed on an odd height or width, so both are even.
  const std::vector<double> w = to_doubles(conv->w);
  std::vector<double> moved(w.size());
  const auto part = static_cast<std::size_t>(channels * conv->kernel);
  for (std::size_t o = 0; o < static_cast<std::size_t>(out); ++o)
    for (std::size_t i = 0; i < 4; ++i)
      std::copy_n(w.begin() + static_cast<std::ptrdiff_t>((o * 4 + i) * part), part,
                  moved.begin() + static_cast<std::ptrdiff_t>((o * 4 + static_cast<std::size_t>(block[i])) * part));
  for (const Node* s : slices) rw.consume(*s);
  rw.consume(*concat);
  std::vector<Value*> in(n.inputs().begin(), n.inputs().end());
  in[0] = rw.op("SpaceToDepth", {const_cast<Value*>(x)}, {{"blocksize", std::int64_t{2}}});
  in[1] = rw.constant(from_doubles(conv->w.dtype(), conv->w.dims(), moved), n.input(1)->name());
  rw.replace(n.output(), rw.op("Conv", std::move(in), n.attrs()));
  return true;
}

}  // namespace

// c = Concat <axis = 1> (x[::2, ::2], x[1::2, ::2], x[::2, 1::2], x[1::2, 1::2])  y = Conv (c, W, b?)
// ==>  y = Conv (SpaceToDepth <blocksize = 2> (x), W with its input channels in SpaceToDepth's order, b)
// The Focus layer of YOLOv5 and YOLOX.
NodeRule fuse_focus_conv() {
  return {
      .name = "fuse-focus-conv",
      .summary = "The four Slices and the Concat of a Focus layer to SpaceToDepth",
      .ops = "Conv",
      .level = Level::o2,
      .visit = visit,
  };
}

}  // namespace onnxopt
