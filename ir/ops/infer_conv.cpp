// Convolutions and pools.
#include <fmt/format.h>

#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"
#include "ir/ops/infer_window.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

Ints list_or(InferCtx& ctx, std::string_view name, std::size_t count, std::int64_t otherwise) {
  const Ints* v = ctx.attr_ptr<Ints>(name);
  if (!v || v->empty()) return Ints(count, otherwise);
  if (v->size() != count) ctx.fail(fmt::format("attribute {} has {} entries, not {}", name, v->size(), count));
  return *v;
}

}  // namespace

Window read_window(InferCtx& ctx, std::size_t spatial, const Shape* weight) {
  Window w;
  if (const Ints* kernel = ctx.attr_ptr<Ints>("kernel_shape"); kernel && !kernel->empty()) {
    if (kernel->size() != spatial) ctx.fail(fmt::format("kernel_shape has {} entries for {} spatial axes", kernel->size(), spatial));
    w.kernel.assign(kernel->begin(), kernel->end());
  } else if (weight && weight->size() == spatial + 2) {
    w.kernel.assign(weight->begin() + 2, weight->end());
  } else {
    w.kernel.resize(spatial);
  }
  w.strides = list_or(ctx, "strides", spatial, 1);
  w.dilations = list_or(ctx, "dilations", spatial, 1);
  const std::string auto_pad = ctx.attr_or<std::string>("auto_pad", "NOTSET");
  w.same = auto_pad.starts_with("SAME");
  w.pads = auto_pad == "NOTSET" ? list_or(ctx, "pads", 2 * spatial, 0) : Ints(2 * spatial, 0);
  w.ceil_mode = ctx.attr_or<std::int64_t>("ceil_mode", 0) != 0;
  for (std::size_t i = 0; i < spatial; ++i)
    if (w.strides[i] <= 0 || w.dilations[i] <= 0) ctx.fail("strides and dilations must be positive");
  return w;
}

// floor((size + pads - ((kernel - 1)*dilation + 1))/stride) + 1. With ceil_mode the last window must start inside the input or its left padding.
Dim window_count(InferCtx& ctx, const Window& w, std::size_t axis, Dim size) {
  SymbolTable& s = ctx.symbols();
  const std::size_t spatial = w.strides.size();
  const Dim stride(w.strides[axis]);
  if (w.same) return s.ceil_div(size, stride);
  const Dim covered = s.add(s.mul(s.sub(w.kernel[axis], Dim(1)), Dim(w.dilations[axis])), Dim(1));
  const Dim begin = s.add(size, Dim(w.pads[axis])), end_pad(w.pads[axis + spatial]);
  const Dim room = s.sub(s.add(begin, end_pad), covered);
  if (room.is_value() && room.value() < 0) return Dim();  // the window does not fit: runtimes disagree on what that gives
  if (!w.ceil_mode) return s.add(s.floor_div(room, stride), Dim(1));
  const Dim count = s.add(s.ceil_div(room, stride), Dim(1));
  if (count.is_value() && begin.is_value()) {
    const Dim last_start = s.mul(s.sub(count, Dim(1)), stride);
    if (!last_start.is_value()) return Dim();
    return last_start.value() >= begin.value() ? Dim(count.value() - 1) : count;
  }
  const bool starts_inside = s.provably_ge(covered, s.add(stride, end_pad));
  return starts_inside ? count : Dim();
}

std::optional<Shape> conv_shape(InferCtx& ctx, const Shape* x, const Shape* w) {
  if (!x) {
    if (!w) return std::nullopt;
    Shape out(w->size());
    if (out.size() > 1) out[1] = (*w)[0];
    return out;
  }
  if (x->size() < 3) ctx.fail(fmt::format("input of rank {}", x->size()));
  if (w && w->size() != x->size()) ctx.fail(fmt::format("input of rank {}, weights of rank {}", x->size(), w->size()));
  const Window window = read_window(ctx, x->size() - 2, w);
  Shape out(x->size());
  out[0] = (*x)[0];
  if (w) {
    out[1] = (*w)[0];
    const Dim channels = ctx.symbols().mul((*w)[1], Dim(ctx.attr_or<std::int64_t>("group", 1)));
    if (channels.is_value() && (*x)[1].is_value() && channels.value() != (*x)[1].value())
      ctx.fail(fmt::format("input has {} channels, the weights want {}", (*x)[1].value(), channels.value()));
  }
  for (std::size_t i = 0; i + 2 < x->size(); ++i) out[i + 2] = window_count(ctx, window, i, (*x)[i + 2]);
  return out;
}

std::optional<Shape> pool_shape(InferCtx& ctx, const Shape* x) {
  if (!x) {
    const Ints* kernel = ctx.attr_ptr<Ints>("kernel_shape");
    return kernel ? OptShape(Shape(kernel->size() + 2)) : std::nullopt;
  }
  if (x->size() < 3) ctx.fail(fmt::format("input of rank {}", x->size()));
  Window window = read_window(ctx, x->size() - 2);
  Shape out = *x;
  for (std::size_t i = 0; i + 2 < x->size(); ++i) out[i + 2] = window_count(ctx, window, i, (*x)[i + 2]);
  return out;
}

void conv(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0) != DType::undefined ? ctx.input_dtype(0) : ctx.input_dtype(1);
  ctx.set_tensor(0, t, conv_shape(ctx, ctx.input_shape(0), ctx.input_shape(1)));
}

void conv_integer(InferCtx& ctx) { ctx.set_tensor(0, DType::int32, conv_shape(ctx, ctx.input_shape(0), ctx.input_shape(1))); }

void qlinear_conv(InferCtx& ctx) { ctx.set_tensor(0, ctx.input_dtype(7), conv_shape(ctx, ctx.input_shape(0), ctx.input_shape(3))); }

// out = stride*(in - 1) + output_padding + (kernel - 1)*dilation + 1 - pads; SAME: in*stride; or as output_shape says.
void conv_transpose(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape *x = ctx.input_shape(0), *w = ctx.input_shape(1);
  if (!x) return ctx.set_tensor(0, t, w ? OptShape(Shape(w->size())) : std::nullopt);
  if (x->size() < 3) ctx.fail(fmt::format("input of rank {}", x->size()));
  const std::size_t spatial = x->size() - 2;
  SymbolTable& s = ctx.symbols();
  const Window window = read_window(ctx, spatial, w);
  Shape out(x->size());
  out[0] = (*x)[0];
  if (w && w->size() == x->size()) {
    out[1] = s.mul((*w)[1], Dim(ctx.attr_or<std::int64_t>("group", 1)));
    if ((*x)[1].is_value() && (*w)[0].is_value() && (*x)[1].value() != (*w)[0].value())
      ctx.fail(fmt::format("input has {} channels, the weights want {}", (*x)[1].value(), (*w)[0].value()));
  }
  const Ints* wanted = ctx.attr_ptr<Ints>("output_shape");
  const bool given = wanted && !wanted->empty();
  if (given && wanted->size() != spatial && wanted->size() != spatial + 2) ctx.fail("output_shape has a wrong number of entries");
  const Ints extra = ctx.attr_ptr<Ints>("output_padding") ? *ctx.attr_ptr<Ints>("output_padding") : Ints();
  for (std::size_t i = 0; i < spatial; ++i) {
    const Dim size = (*x)[i + 2], stride(window.strides[i]);
    if (given) {
      out[i + 2] = Dim((*wanted)[wanted->size() - spatial + i]);
    } else if (window.same) {
      out[i + 2] = s.mul(size, stride);
    } else {
      const Dim covered = s.add(s.mul(s.sub(window.kernel[i], Dim(1)), Dim(window.dilations[i])), Dim(1));
      const Dim pads = s.add(Dim(window.pads[i]), Dim(window.pads[i + spatial])), padding = s.sub(Dim(i < extra.size() ? extra[i] : 0), pads);
      out[i + 2] = s.add(s.add(s.mul(stride, s.sub(size, Dim(1))), covered), padding);
    }
  }
  ctx.set_tensor(0, t, std::move(out));
}

void deform_conv(InferCtx& ctx) { conv(ctx); }

void pool(InferCtx& ctx) {
  ctx.set_tensor(0, ctx.input_dtype(0), pool_shape(ctx, ctx.input_shape(0)));
  if (ctx.num_outputs() < 2) return;
  const Value* y = ctx.node().output(0);
  ctx.set_tensor(1, DType::int64, y ? y->type.shape : std::nullopt);
}

void global_pool(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  if (out)
    for (std::size_t i = 2; i < out->size(); ++i) (*out)[i] = Dim(1);
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void max_unpool(InferCtx& ctx) {
  const DType t = ctx.input_dtype(0);
  const Shape* x = ctx.input_shape(0);
  if (ctx.has_input(2)) {
    const std::optional<std::vector<Dim>> wanted = ctx.known(2);
    return ctx.set_tensor(0, t, wanted ? OptShape(Shape(wanted->begin(), wanted->end())) : x ? OptShape(Shape(x->size())) : std::nullopt);
  }
  if (!x || x->size() < 3) return ctx.set_tensor(0, t, std::nullopt);
  const std::size_t spatial = x->size() - 2;
  const Window w = read_window(ctx, spatial);
  SymbolTable& s = ctx.symbols();
  Shape out = *x;
  for (std::size_t i = 0; i < spatial; ++i) {
    const Dim grown = s.add(s.mul(Dim(w.strides[i]), s.sub((*x)[i + 2], Dim(1))), w.kernel[i]);
    out[i + 2] = s.sub(grown, s.add(Dim(w.pads[i]), Dim(w.pads[i + spatial])));
  }
  ctx.set_tensor(0, t, std::move(out));
}

void max_roi_pool(InferCtx& ctx) {
  const Ints size = ctx.attr<Ints>("pooled_shape");
  if (size.size() != 2) ctx.fail("pooled_shape must have 2 entries");
  const Shape *x = ctx.input_shape(0), *rois = ctx.input_shape(1);
  ctx.set_tensor(0, ctx.input_dtype(0),
                 Shape{rois && !rois->empty() ? (*rois)[0] : Dim(), x && x->size() > 1 ? (*x)[1] : Dim(), Dim(size[0]), Dim(size[1])});
}

void roi_align(InferCtx& ctx) {
  const Shape *x = ctx.input_shape(0), *rois = ctx.input_shape(1);
  ctx.set_tensor(0, ctx.input_dtype(0),
                 Shape{rois && !rois->empty() ? (*rois)[0] : Dim(), x && x->size() > 1 ? (*x)[1] : Dim(),
                       Dim(ctx.attr_or<std::int64_t>("output_height", 1)), Dim(ctx.attr_or<std::int64_t>("output_width", 1))});
}

void col2im(InferCtx& ctx) {
  const Shape* x = ctx.input_shape(0);
  for (const char* name : {"strides", "dilations"})
    if (const Ints* v = ctx.attr_ptr<Ints>(name); v && std::any_of(v->begin(), v->end(), [](std::int64_t i) { return i < 1; }))
      ctx.fail(std::string(name) + " must be positive");
  const std::optional<std::vector<Dim>> image = ctx.known(1), block = ctx.known(2);
  const Shape* length = ctx.input_shape(1);
  const bool rank_known = length && length->size() == 1 && (*length)[0].is_value() && (*length)[0].value() >= 0 && (*length)[0].value() <= 64;
  if (!image && !rank_known) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  Shape out{x && x->size() == 3 ? (*x)[0] : Dim(), x && x->size() == 3 && block ? ctx.symbols().floor_div((*x)[1], product(ctx, *block)) : Dim()};
  if (image) out.insert(out.end(), image->begin(), image->end());
  else out.resize(2 + static_cast<std::size_t>((*length)[0].value()));
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

// Crop of the first opsets: a border off a [N, C, H, W] image, or `scale` elements from its start.
void crop(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  const Ints *border = ctx.attr_ptr<Ints>("border"), *scale = ctx.attr_ptr<Ints>("scale");
  if (out && out->size() == 4) {
    SymbolTable& s = ctx.symbols();
    const bool sized = scale && scale->size() == 2, framed = border && border->size() == 4;
    for (std::size_t i = 0; i < 2; ++i) {
      Dim& d = (*out)[i + 2];
      if (sized) d = Dim((*scale)[i]);
      else d = framed ? s.sub(d, s.add(Dim((*border)[1 - i]), Dim((*border)[3 - i]))) : Dim();  // left, top, right, bottom
    }
  }
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

}  // namespace onnxopt::infer_fn
