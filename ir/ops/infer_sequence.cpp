// Sequences, optionals and strings.
#include <algorithm>

#include "ir/ops/infer_families.h"
#include "ir/ops/infer_util.h"

namespace onnxopt::infer_fn {

using namespace infer_util;

namespace {

Type element_type(const Type& t) { return t.elem && (t.kind == Type::Kind::sequence || t.kind == Type::Kind::optional) ? *t.elem : Type(); }

}  // namespace

void sequence_construct(InferCtx& ctx) {
  if (ctx.num_inputs() == 0) return;
  Type elem = ctx.input(0);
  for (std::size_t i = 1; i < ctx.num_inputs(); ++i) elem = common_type(elem, ctx.input(i));
  ctx.set(0, Type::sequence(std::move(elem)));
}

void sequence_empty(InferCtx& ctx) {
  const std::int64_t number = ctx.attr_or<std::int64_t>("dtype", 1);
  if (!is_known_dtype(number) || number == 0) ctx.fail("attribute dtype is no element type");
  ctx.set(0, Type::sequence(Type::tensor(static_cast<DType>(number))));
}

void sequence_insert(InferCtx& ctx) {
  const Type elem = element_type(ctx.input(0));
  ctx.set(0, Type::sequence(elem.kind == Type::Kind::unknown ? Type() : common_type(elem, ctx.input(1))));
}

void sequence_erase(InferCtx& ctx) { ctx.set(0, ctx.input(0)); }

void sequence_at(InferCtx& ctx) { ctx.set(0, element_type(ctx.input(0))); }

void sequence_length(InferCtx& ctx) { ctx.set_tensor(0, DType::int64, Shape{}); }

// Without `split` into parts of one element, with a number into parts of that many (the last may be smaller), else as it lists.
void split_to_sequence(InferCtx& ctx) {
  Type elem = Type::tensor(ctx.input_dtype(0));
  elem.shape = copy_shape(ctx, 0);
  if (elem.shape) {
    const std::int64_t axis = normalize_axis(ctx, ctx.attr_or<std::int64_t>("axis", 0), elem.rank());
    Dim& d = (*elem.shape)[static_cast<std::size_t>(axis)];
    if (!ctx.has_input(1)) {
      if (ctx.attr_or<std::int64_t>("keepdims", 1) != 0) d = Dim(1);
      else elem.shape->erase(elem.shape->begin() + axis);
    } else {
      const std::optional<Ints> split = ctx.known_ints(1);
      const Shape* form = ctx.input_shape(1);
      Dim part;
      if (split && !split->empty() && std::adjacent_find(split->begin(), split->end(), std::not_equal_to<>()) == split->end()) {
        const bool divides = d.is_value() && split->front() > 0 && d.value() % split->front() == 0;
        if (divides || (form && form->size() == 1)) part = Dim(split->front());
      }
      d = part;
    }
  }
  ctx.set(0, Type::sequence(std::move(elem)));
}

void concat_from_sequence(InferCtx& ctx) {
  const Type elem = element_type(ctx.input(0));
  if (!elem.is_tensor()) return;
  const bool new_axis = ctx.attr_or<std::int64_t>("new_axis", 0) != 0;
  OptShape out = elem.shape;
  if (out) {
    const std::int64_t axis = normalize_axis(ctx, ctx.attr<std::int64_t>("axis"), elem.rank(), new_axis ? 1 : 0);
    if (new_axis) out->insert(out->begin() + axis, Dim());
    else (*out)[static_cast<std::size_t>(axis)] = Dim();
  }
  ctx.set_tensor(0, elem.dtype, std::move(out));
}

void make_optional(InferCtx& ctx) {
  if (ctx.has_input(0)) return ctx.set(0, Type::optional(ctx.input(0)));
  if (const Type* t = ctx.attr_ptr<Type>("type")) ctx.set(0, Type::optional(*t));
}

// From opset 18 the input may be a plain tensor or sequence too.
void optional_get_element(InferCtx& ctx) {
  const Type& t = ctx.input(0);
  ctx.set(0, t.kind == Type::Kind::optional ? element_type(t) : t);
}

void optional_has_element(InferCtx& ctx) {
  ctx.set_tensor(0, DType::boolean, Shape{});
  if (!ctx.has_input(0)) return ctx.set_known(0, {Dim(0)});
  const Type::Kind kind = ctx.input(0).kind;
  if (kind == Type::Kind::tensor || kind == Type::Kind::sequence) ctx.set_known(0, {Dim(1)});
}

void string_split(InferCtx& ctx) {
  OptShape s = copy_shape(ctx, 0);
  ctx.set_tensor(1, DType::int64, s);
  if (s) s->push_back(Dim());
  ctx.set_tensor(0, DType::string, std::move(s));
}

// Stop words are removed; what is left is at least one (empty) string.
void string_normalizer(InferCtx& ctx) {
  OptShape s = copy_shape(ctx, 0);
  const Strings* stop = ctx.attr_ptr<Strings>("stopwords");
  const bool all_stay = (!stop || stop->empty()) && s && !s->empty() && s->back().is_value() && s->back().value() > 0;
  if (s && !s->empty() && !all_stay) s->back() = Dim();
  ctx.set_tensor(0, DType::string, std::move(s));
}

void tfidf_vectorizer(InferCtx& ctx) {
  const Ints indexes = ctx.attr<Ints>("ngram_indexes");
  std::int64_t size = 0;
  for (const std::int64_t i : indexes) size = std::max(size, i + 1);
  const Shape* in = ctx.input_shape(0);
  if (!in || in->empty() || in->size() > 2) return ctx.set_tensor(0, DType::float32, std::nullopt);
  ctx.set_tensor(0, DType::float32, in->size() == 1 ? Shape{Dim(size)} : Shape{(*in)[0], Dim(size)});
}

}  // namespace onnxopt::infer_fn
