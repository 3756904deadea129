// Operators that make tensors: Constant, ConstantOfShape, Range, random numbers, windows.
#include <algorithm>
#include <cmath>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

using Elements = std::vector<Dim>;

DType dtype_attr(const InferCtx& ctx, std::string_view name, DType otherwise) {
  const std::int64_t* number = ctx.attr_ptr<std::int64_t>(name);
  if (!number) return otherwise;
  if (!is_known_dtype(*number) || *number == 0) ctx.fail("attribute " + std::string(name) + " is no element type");
  return static_cast<DType>(*number);
}

std::optional<std::int64_t> integer_scalar(const Tensor& t) {
  if (t.size() != 1) return std::nullopt;
  switch (t.dtype()) {
    case DType::int64: return t.data<std::int64_t>()[0];
    case DType::int32: return t.data<std::int32_t>()[0];
    case DType::boolean: return t.bytes()[0] != std::byte{0} ? 1 : 0;
    default: return std::nullopt;
  }
}

// The shape that input 0 asks for: its elements, or as many unknown dims as it is long.
OptShape shape_input(const InferCtx& ctx, std::size_t i) {
  if (std::optional<Elements> e = ctx.known(i)) return Shape(e->begin(), e->end());
  const Shape* s = ctx.input_shape(i);
  if (s && s->size() == 1 && (*s)[0].is_value() && (*s)[0].value() >= 0 && (*s)[0].value() <= static_cast<std::int64_t>(kMaxKnown))
    return Shape(static_cast<std::size_t>((*s)[0].value()));
  return std::nullopt;
}

}  // namespace

void constant(InferCtx& ctx) {
  const Node& n = ctx.node();
  if (n.attrs().size() > 1 && std::count_if(n.attrs().begin(), n.attrs().end(),
                                            [](const Attribute& a) { return a.name == "sparse_value" || a.name.starts_with("value"); }) > 1)
    ctx.fail("a Constant has one value, this one several");
  if (const Tensor* t = ctx.attr_ptr<Tensor>("value"); t && *t) {
    ctx.set_tensor(0, t->dtype(), Shape(t->dims().begin(), t->dims().end()));
    if (t->dtype() != DType::int64 || t->rank() > 1 || t->size() > static_cast<std::int64_t>(kMaxKnown)) return;
    const auto data = t->data<std::int64_t>();
    return ctx.set_known(0, Elements(data.begin(), data.end()));
  }
  for (const char* name : {"sparse_value", "value"})  // some write the latter, and ONNX Runtime reads it
    if (const auto* s = n.attrs().get<SparseTensor>(name))
      return ctx.set_tensor(0, s->values ? s->values.dtype() : DType::undefined, Shape(s->dims.begin(), s->dims.end()));
  if (const auto* v = ctx.attr_ptr<std::int64_t>("value_int")) {
    ctx.set_tensor(0, DType::int64, Shape{});
    return ctx.set_known(0, {Dim(*v)});
  }
  if (const Ints* v = ctx.attr_ptr<Ints>("value_ints")) return set_vector(ctx, 0, DType::int64, Elements(v->begin(), v->end()));
  if (ctx.attr_ptr<float>("value_float")) return ctx.set_tensor(0, DType::float32, Shape{});
  if (const Floats* v = ctx.attr_ptr<Floats>("value_floats")) return ctx.set_tensor(0, DType::float32, Shape{Dim(v->size())});
  if (ctx.attr_ptr<std::string>("value_string")) return ctx.set_tensor(0, DType::string, Shape{});
  if (const Strings* v = ctx.attr_ptr<Strings>("value_strings")) return ctx.set_tensor(0, DType::string, Shape{Dim(v->size())});
}

void constant_of_shape(InferCtx& ctx) {
  const Tensor* value = ctx.attr_ptr<Tensor>("value");
  const OptShape out = shape_input(ctx, 0);
  ctx.set_tensor(0, value && *value ? value->dtype() : DType::float32, out);
  if (!value || !*value || !out || out->size() > 1) return;
  const std::optional<std::int64_t> v = integer_scalar(*value);
  const Dim count = out->empty() ? Dim(1) : (*out)[0];
  if (v && count.is_value() && count.value() >= 0 && count.value() <= static_cast<std::int64_t>(kMaxKnown))
    ctx.set_known(0, Elements(static_cast<std::size_t>(count.value()), Dim(*v)));
}

void range(InferCtx& ctx) {
  DType t = DType::undefined;
  for (std::size_t i = 0; i < 3 && t == DType::undefined; ++i) t = ctx.input_dtype(i);
  const std::optional<Elements> start = ctx.known(0), limit = ctx.known(1), delta = ctx.known(2);
  SymbolTable& s = ctx.symbols();
  Dim count;
  if (start && limit && delta && start->size() == 1 && limit->size() == 1 && delta->size() == 1) {
    const Dim step = (*delta)[0];
    if (step.is(0)) ctx.fail("delta is 0");
    if (step.is_value()) count = s.max(Dim(0), s.ceil_div(s.sub((*limit)[0], (*start)[0]), step));
  } else if (is_float(t)) {
    std::vector<double> v;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::optional<std::vector<double>> n = ctx.node().input(i) ? known_numbers(*ctx.node().input(i)) : std::nullopt;
      if (n && n->size() == 1) v.push_back((*n)[0]);
    }
    if (v.size() == 3 && v[2] != 0) {
      const double n = std::ceil((v[1] - v[0]) / v[2]);
      if (std::abs(n) < 1e15) count = Dim(std::max<std::int64_t>(0, static_cast<std::int64_t>(n)));
    }
  }
  ctx.set_tensor(0, t, Shape{count});
  if (!count.is_value() || count.value() > static_cast<std::int64_t>(kMaxKnown) || !start || !delta) return;
  Elements e;
  for (std::int64_t i = 0; i < count.value(); ++i) e.push_back(s.add((*start)[0], s.mul((*delta)[0], Dim(i))));
  ctx.set_known(0, std::move(e));
}

void random(InferCtx& ctx) {
  OptShape out;
  if (const Ints* shape = ctx.attr_ptr<Ints>("shape")) out = Shape(shape->begin(), shape->end());
  ctx.set_tensor(0, dtype_attr(ctx, "dtype", DType::float32), std::move(out));
}

void random_like(InferCtx& ctx) { ctx.set_tensor(0, dtype_attr(ctx, "dtype", ctx.input_dtype(0)), copy_shape(ctx, 0)); }

void multinomial(InferCtx& ctx) {
  const Shape* in = ctx.input_shape(0);
  ctx.set_tensor(0, dtype_attr(ctx, "dtype", DType::int32),
                 Shape{in && in->size() == 2 ? (*in)[0] : Dim(), Dim(ctx.attr_or<std::int64_t>("sample_size", 1))});
}

void window(InferCtx& ctx) {
  const std::optional<Elements> size = ctx.known(0);
  ctx.set_tensor(0, dtype_attr(ctx, "output_datatype", DType::float32), Shape{size && size->size() == 1 ? (*size)[0] : Dim()});
}

void mel_weight_matrix(InferCtx& ctx) {
  const std::optional<Elements> bins = ctx.known(0), length = ctx.known(1);
  SymbolTable& s = ctx.symbols();
  const Dim rows = length && length->size() == 1 ? s.add(s.floor_div((*length)[0], Dim(2)), Dim(1)) : Dim();
  ctx.set_tensor(0, dtype_attr(ctx, "output_datatype", DType::float32), Shape{rows, bins && bins->size() == 1 ? (*bins)[0] : Dim()});
}

}  // namespace onnxopt::infer_fn
