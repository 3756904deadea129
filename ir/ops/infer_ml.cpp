// ai.onnx.ml and ai.onnx.preview.training.
#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

// Rows of a feature matrix: [N, C]; a vector is one row.
Dim rows(const InferCtx& ctx) {
  const Shape* s = ctx.input_shape(0);
  if (!s || s->empty()) return Dim();
  return s->size() == 1 ? Dim(1) : (*s)[0];
}

std::size_t list_size(const InferCtx& ctx, std::string_view name) {
  if (const Ints* v = ctx.attr_ptr<Ints>(name)) return v->size();
  if (const Strings* v = ctx.attr_ptr<Strings>(name)) return v->size();
  if (const Floats* v = ctx.attr_ptr<Floats>(name)) return v->size();
  return 0;
}

// Labels [N] and scores [N, classes].
void classifier(InferCtx& ctx, std::string_view int_labels, std::string_view string_labels) {
  const bool strings = list_size(ctx, string_labels) > 0;
  const std::size_t classes = std::max(list_size(ctx, int_labels), list_size(ctx, string_labels));
  ctx.set_tensor(0, strings ? DType::string : DType::int64, Shape{rows(ctx)});
  ctx.set_tensor(1, DType::float32, Shape{rows(ctx), classes > 1 ? Dim(classes) : Dim()});
}

Type map_type(DType key, DType value) {
  Type t;
  t.kind = Type::Kind::map;
  t.dtype = key;
  t.elem = std::make_shared<const Type>(Type::tensor(value));
  return t;
}

}  // namespace

void array_feature_extractor(InferCtx& ctx) {
  const Shape *x = ctx.input_shape(0), *y = ctx.input_shape(1);
  if (!x || x->empty()) return ctx.set_tensor(0, ctx.input_dtype(0), std::nullopt);
  const Dim picked = y ? product(ctx, *y) : Dim();
  if (x->size() == 1) return ctx.set_tensor(0, ctx.input_dtype(0), Shape{Dim(1), picked});
  Shape out = *x;
  out.back() = picked;
  ctx.set_tensor(0, ctx.input_dtype(0), std::move(out));
}

void cast_map(InferCtx& ctx) {
  const std::string to = ctx.attr_or<std::string>("cast_to", "TO_FLOAT");
  ctx.set_tensor(0, to == "TO_STRING" ? DType::string : to == "TO_INT64" ? DType::int64 : DType::float32, std::nullopt);
}

void category_mapper(InferCtx& ctx) {
  const DType in = ctx.input_dtype(0);
  ctx.set_tensor(0, in == DType::string ? DType::int64 : in == DType::int64 ? DType::string : DType::undefined, copy_shape(ctx, 0));
}

void dict_vectorizer(InferCtx& ctx) {
  const Type& in = ctx.input(0);
  const DType value = in.kind == Type::Kind::map && in.elem ? in.elem->dtype : DType::undefined;
  ctx.set_tensor(0, value, std::nullopt);
}

void feature_vectorizer(InferCtx& ctx) {
  const Ints* sizes = ctx.attr_ptr<Ints>("inputdimensions");
  Dim total = sizes && !sizes->empty() ? Dim(0) : Dim();
  if (sizes)
    for (const std::int64_t s : *sizes) total = ctx.symbols().add(total, Dim(s));
  ctx.set_tensor(0, DType::float32, Shape{rows(ctx), total});
}

void label_encoder(InferCtx& ctx) {
  DType t = DType::undefined;
  if (ctx.since() == 1) {
    const DType in = ctx.input_dtype(0);
    t = in == DType::string ? DType::int64 : in == DType::int64 ? DType::string : DType::undefined;
  } else if (ctx.has_attr("values_strings")) {
    t = DType::string;
  } else if (ctx.has_attr("values_int64s")) {
    t = DType::int64;
  } else if (ctx.has_attr("values_floats")) {
    t = DType::float32;
  } else if (const Tensor* values = ctx.attr_ptr<Tensor>("values_tensor"); values && *values) {
    t = values->dtype();
  }
  ctx.set_tensor(0, t, copy_shape(ctx, 0));
}

// One score an intercept, or two where one intercept tells two classes apart; more labels than that have none.
void linear_classifier(InferCtx& ctx) {
  classifier(ctx, "classlabels_ints", "classlabels_strings");
  const std::size_t classes = std::max(list_size(ctx, "classlabels_ints"), list_size(ctx, "classlabels_strings")),
                    scores = list_size(ctx, "intercepts");
  if (scores != 0 && scores != classes && !(scores == 1 && classes == 2)) ctx.set_tensor(1, DType::float32, Shape{rows(ctx), Dim()});
}
void svm_classifier(InferCtx& ctx) {
  classifier(ctx, "classlabels_ints", "classlabels_strings");
  ctx.set_tensor(1, DType::float32, Shape{rows(ctx), Dim()});  // one score a class, or one a pair of classes without probabilities
}
void tree_classifier(InferCtx& ctx) { classifier(ctx, "classlabels_int64s", "classlabels_strings"); }

void linear_regressor(InferCtx& ctx) { ctx.set_tensor(0, DType::float32, Shape{rows(ctx), Dim(ctx.attr_or<std::int64_t>("targets", 1))}); }
void svm_regressor(InferCtx& ctx) { ctx.set_tensor(0, DType::float32, Shape{rows(ctx), Dim(1)}); }

void tree_regressor(InferCtx& ctx) {
  const std::int64_t* targets = ctx.attr_ptr<std::int64_t>("n_targets");
  ctx.set_tensor(0, DType::float32, Shape{rows(ctx), targets ? Dim(*targets) : Dim()});
}

void tree_ensemble(InferCtx& ctx) {
  const std::int64_t* targets = ctx.attr_ptr<std::int64_t>("n_targets");
  ctx.set_tensor(0, ctx.input_dtype(0), Shape{rows(ctx), targets ? Dim(*targets) : Dim()});
}

void one_hot_encoder(InferCtx& ctx) {
  OptShape out = copy_shape(ctx, 0);
  const DType in = ctx.input_dtype(0);
  const std::size_t categories = list_size(ctx, in == DType::string ? "cats_strings" : "cats_int64s");
  if (out) out->push_back(in == DType::undefined || categories == 0 ? Dim() : Dim(categories));
  ctx.set_tensor(0, DType::float32, std::move(out));
}

void zip_map(InferCtx& ctx) {
  ctx.set(0, Type::sequence(map_type(ctx.has_attr("classlabels_strings") ? DType::string : DType::int64, DType::float32)));
}

void float_like_first(InferCtx& ctx) { ctx.set_tensor(0, DType::float32, copy_shape(ctx, 0)); }

// Inputs R, T, then the groups X, G, state...; outputs the groups X, state... after the step.
void optimizer_step(InferCtx& ctx) {
  const std::size_t groups = ctx.node().op().name == "Adam" ? 4 : 3;
  if (ctx.num_inputs() < 2 || (ctx.num_inputs() - 2) % groups != 0) ctx.fail("the number of inputs fits no number of tensors");
  const std::size_t tensors = (ctx.num_inputs() - 2) / groups;
  for (std::size_t i = 0; i < ctx.num_outputs() && tensors > 0; ++i) {
    const std::size_t group = i / tensors == 0 ? 0 : i / tensors + 1;  // gradients have no output
    ctx.set(i, ctx.input(2 + group * tensors + i % tensors));
  }
}

// Output i is the derivative by input xs[i], so of its shape; the inputs start with xs.
void gradient(InferCtx& ctx) {
  const Strings xs = ctx.attr<Strings>("xs");
  for (std::size_t i = 0; i < ctx.num_outputs() && i < xs.size(); ++i) ctx.set(i, ctx.input(i));
}

}  // namespace onnxopt::infer_fn
