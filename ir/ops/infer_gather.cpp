// Gather, Scatter-like and other operators that select elements; DepthToSpace, SpaceToDepth, OneHot, NonZero, Unique, Compress.
#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

void gather(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape *data = ctx.input_shape(0), *indices = ctx.input_shape(1);
  if (!data || !indices) return ctx.set_tensor(0, t, std::nullopt);
  const auto axis = normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 0), static_cast<std::int64_t>(data->size()));
  Shape out(data->begin(), data->begin() + axis);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), data->begin() + axis + 1, data->end());
  ctx.set_tensor(0, t, std::move(out));
  if (data->size() != 1 || indices->size() > 1 || !ctx.has_known(0)) return;
  const std::optional<std::vector<Dim>> elements = ctx.known(0), at = ctx.known(1);
  if (!elements || !at) return;
  const auto count = static_cast<std::int64_t>(elements->size());
  std::vector<Dim> picked;
  for (const Dim& i : *at) {
    if (i.is_value() && (i.value() < -count || i.value() >= count)) ctx.fail(fmt::format("index {} of {} elements", i.value(), count));
    picked.push_back(i.is_value() ? (*elements)[static_cast<std::size_t>(i.value() < 0 ? i.value() + count : i.value())] : Dim());
  }
  ctx.set_known(0, std::move(picked));
}

namespace {

// Element indices have the rank of the data, and an axis of it.
void check_element_indices(InferCtx& ctx) {
  const Shape *data = ctx.input_shape(0), *indices = ctx.input_shape(1);
  if (!data) return;
  normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 0), static_cast<std::int64_t>(data->size()));
  if (indices && indices->size() != data->size()) ctx.fail(fmt::format("indices of rank {} into data of rank {}", indices->size(), data->size()));
}

}  // namespace

void gather_elements(InferCtx& ctx) {
  check_element_indices(ctx);
  ctx.set_tensor(0, ctx.input_dtype(0), copy_shape(ctx, 1));
}

void scatter_elements(InferCtx& ctx) {
  check_element_indices(ctx);
  ctx.set(0, ctx.input(0));
}

void scatter_nd(InferCtx& ctx) {
  const Shape *data = ctx.input_shape(0), *indices = ctx.input_shape(1);
  if (indices && indices->empty()) ctx.fail("indices of rank 0");
  if (data && indices && indices->back().is_value() && indices->back().value() > static_cast<std::int64_t>(data->size()))
    ctx.fail(fmt::format("indices name {} axes of rank {}", indices->back().value(), data->size()));
  ctx.set(0, ctx.input(0));
}

// Of the input's type, along one of its axes: since 13 any of them.
void along_axis(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  if (in && !in->empty() && ctx.since() >= 13) normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", -1), static_cast<std::int64_t>(in->size()));
  ctx.set(0, ctx.input(0));
}

// CumSum and CumProd: the axis is an input.
void cumulative(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  if (const std::optional<Ints> axis = ctx.known_ints(1); in && !in->empty() && axis && axis->size() == 1)
    normalize_axis(ctx, axis->front(), static_cast<std::int64_t>(in->size()));
  ctx.set(0, ctx.input(0));
}

void gather_nd(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape *data = ctx.input_shape(0), *indices = ctx.input_shape(1);
  if (!data || !indices || indices->empty() || !indices->back().is_value()) return ctx.set_tensor(0, t, std::nullopt);
  const std::int64_t batch = ctx.attr_or<std::int64_t>("batch_dims", 0), indexed = indices->back().value();
  const auto rank = static_cast<std::int64_t>(data->size());
  if (batch < 0 || batch > rank || indexed < 0 || indexed > rank) ctx.fail(fmt::format("indices name {} axes of rank {}", indexed, rank));
  const std::int64_t used = batch + indexed;
  if (used < 0 || used > static_cast<std::int64_t>(data->size())) ctx.fail(fmt::format("indices name {} axes of rank {}", used, data->size()));
  Shape out(indices->begin(), indices->end() - 1);
  out.insert(out.end(), data->begin() + used, data->end());
  ctx.set_tensor(0, t, std::move(out));
}

void compress(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const std::int64_t* axis = ctx.attr_ptr<std::int64_t>("axis");
  Dim kept;
  if (const std::optional<Ints> condition = ctx.known_ints(1)) kept = Dim(std::count(condition->begin(), condition->end(), 1));
  if (!axis) return ctx.set_tensor(0, t, Shape{kept});
  OptShape out = copy_shape(ctx, 0);
  if (out) (*out)[static_cast<std::size_t>(normalize_axis(ctx, *axis, static_cast<std::int64_t>(out->size())))] = kept;
  ctx.set_tensor(0, t, std::move(out));
}

void depth_to_space(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const auto block = ctx.attr<std::int64_t>("blocksize");
  if (block <= 0 || block > (std::int64_t{1} << 30)) ctx.fail("blocksize must be positive");
  if (!in) return ctx.set_tensor(0, t, Shape(4));
  if (in->size() < 4) ctx.fail(fmt::format("input of rank {}", in->size()));
  SymbolTable& s = ctx.symbols();
  Shape out = *in;
  Dim blocks(1);
  for (std::size_t i = 2; i < out.size(); ++i) {
    out[i] = s.mul(out[i], Dim(block));
    blocks = s.mul(blocks, Dim(block));
  }
  if (out[1].is_value() && blocks.is_value() && out[1].value() % blocks.value() != 0) ctx.fail("channels are no multiple of blocksize squared");
  out[1] = s.floor_div(out[1], blocks);
  ctx.set_tensor(0, t, std::move(out));
}

void space_to_depth(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* in = ctx.input_shape(0);
  const auto block = ctx.attr<std::int64_t>("blocksize");
  if (block <= 0 || block > (std::int64_t{1} << 30)) ctx.fail("blocksize must be positive");
  if (!in) return ctx.set_tensor(0, t, Shape(4));
  if (in->size() < 4) ctx.fail(fmt::format("input of rank {}", in->size()));
  SymbolTable& s = ctx.symbols();
  Shape out = *in;
  for (std::size_t i = 2; i < out.size(); ++i) {
    out[i] = s.floor_div(out[i], Dim(block));
    out[1] = s.mul(out[1], Dim(block));
  }
  ctx.set_tensor(0, t, std::move(out));
}

void one_hot(InferCtx& ctx) {
  const DType t = ctx.input_dtype(2);
  OptShape out = copy_shape(ctx, 0);
  if (!out) return ctx.set_tensor(0, t, std::nullopt);
  const std::int64_t axis = normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", -1), static_cast<std::int64_t>(out->size()), 1);
  const std::optional<std::vector<Dim>> depth = ctx.known(1);
  Dim d = depth && depth->size() == 1 ? (*depth)[0] : Dim();
  if (!depth && ctx.node().input(1)) {
    const std::optional<std::vector<double>> number = known_numbers(*ctx.node().input(1));  // a depth may be a float
    if (number && number->size() == 1 && (*number)[0] >= 0 && (*number)[0] < 9.0e15) d = Dim(static_cast<std::int64_t>((*number)[0]));
  }
  out->insert(out->begin() + axis, d);
  ctx.set_tensor(0, t, std::move(out));
}

void non_zero(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  ctx.set_tensor(0, DType::int64, Shape{in && !in->empty() ? Dim(in->size()) : Dim(), Dim()});
}

void unique(InferCtx& ctx) {
  const std::int64_t* axis = ctx.attr_ptr<std::int64_t>("axis");
  const Value* values = ctx.node().output(0);
  if (!axis) {
    ctx.set_tensor(0, ctx.input_dtype(0), Shape(1));
  } else {
    OptShape out = copy_shape(ctx, 0);
    if (out) (*out)[static_cast<std::size_t>(normalize_axis(ctx, *axis, static_cast<std::int64_t>(out->size())))] = Dim();
    ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
  }
  // indices and counts have one entry for each unique element.
  Dim count;
  if (values && values->type.has_rank())
    count = (*values->type.shape)[axis ? static_cast<std::size_t>(normalize_axis(ctx, *axis, values->type.rank())) : 0];
  Dim total;
  if (const Shape* in = ctx.input_shape(0))
    total = axis ? (*in)[static_cast<std::size_t>(normalize_axis(ctx, *axis, static_cast<std::int64_t>(in->size())))] : product(ctx, *in);
  ctx.set_tensor(1, DType::int64, Shape{count});
  ctx.set_tensor(2, DType::int64, Shape{total});
  ctx.set_tensor(3, DType::int64, Shape{count});
}

}  // namespace onnxopt::infer_fn
