// Reductions, ArgMax, ArgMin, TopK.
#include <fmt/format.h>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

// First opset at which a reduction takes its axes from input 1.
int axes_input_since(std::string_view op) { return op == "ReduceSum" ? 13 : 18; }

void reduce_known(InferCtx& ctx, const Shape& in) {
  const std::string_view op = ctx.node().op().name;
  const std::optional<std::vector<Dim>> e = in.size() == 1 ? ctx.known(0) : std::nullopt;
  if (!e || e->empty()) return;
  SymbolTable& s = ctx.symbols();
  Dim r = (*e)[0];
  for (std::size_t i = 1; i < e->size(); ++i) {
    if (op == "ReduceProd") r = s.mul(r, (*e)[i]);
    else if (op == "ReduceSum") r = s.add(r, (*e)[i]);
    else if (op == "ReduceMax") r = s.max(r, (*e)[i]);
    else if (op == "ReduceMin") r = s.min(r, (*e)[i]);
    else return;
  }
  if (op != "ReduceProd" && op != "ReduceSum" && op != "ReduceMax" && op != "ReduceMin") return;
  if (r.is_value() && !fits(ctx.input_dtype(0), r.value())) return;
  ctx.set_known(0, {r});
}

}  // namespace

// Axes from attribute or input; none of them: all, or nothing at all with noop_with_empty_axes.
void reduce(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, t, std::nullopt);
  const bool keep = ctx.attr_or<std::int64_t>("keepdims", 1) != 0;
  const bool noop = ctx.attr_or<std::int64_t>("noop_with_empty_axes", 0) != 0;
  const IntList axes = ints_of(ctx, "axes", ctx.since() >= axes_input_since(ctx.node().op().name) ? 1 : -1);
  if (axes.present && !axes.values) return ctx.set_tensor(0, t, keep ? OptShape(Shape(in->size())) : std::nullopt);
  const bool empty = !axes.present || axes.values->empty();
  if (empty && noop) return same_as_first(ctx);
  std::vector<bool> reduced(in->size(), empty);
  if (!empty)
    for (const std::int64_t a : normalize_axes(ctx, *axes.values, static_cast<std::int64_t>(in->size()))) reduced[static_cast<std::size_t>(a)] = true;
  Shape out;
  for (std::size_t i = 0; i < in->size(); ++i) {
    if (!reduced[i]) out.push_back((*in)[i]);
    else if (keep) out.push_back(Dim(1));
  }
  ctx.set_tensor(0, t, std::move(out));
  if (ctx.has_known(0)) reduce_known(ctx, *in);
}

void arg_reduce(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  if (!in) return ctx.set_tensor(0, DType::int64, std::nullopt);
  const std::int64_t axis = normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 0), static_cast<std::int64_t>(in->size()));
  Shape out = *in;
  if (ctx.attr_or<std::int64_t>("keepdims", 1) != 0) out[static_cast<std::size_t>(axis)] = Dim(1);
  else out.erase(out.begin() + axis);
  ctx.set_tensor(0, DType::int64, std::move(out));
}

void top_k(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  OptShape out = copy_shape(ctx, 0);
  if (out) {
    Dim& d = (*out)[static_cast<std::size_t>(normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", -1), static_cast<std::int64_t>(out->size())))];
    if (ctx.since() == 1) {
      d = Dim(ctx.attr<std::int64_t>("k"));
    } else {
      const std::optional<std::vector<Dim>> k = ctx.known(1);
      if (k && k->size() == 1 && (*k)[0].is_value() && d.is_value() && (*k)[0].value() > d.value())
        ctx.fail(fmt::format("k is {}, the axis has {} elements", (*k)[0].value(), d.value()));
      d = k && k->size() == 1 ? (*k)[0] : Dim();
    }
  }
  // Both outputs have one shape: the indices' unknown dims are those of the values.
  ctx.set_tensor(0, t, out);
  const Value* values = ctx.node().output(0);
  ctx.set_tensor(1, DType::int64, values ? values->type.shape : out);
}

}  // namespace onnxopt::infer_fn
