// Pow of integers, remainders of floats, and Dropout that trains.
#include <cmath>
#include <limits>

#include "passes/opset/expand_body.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

bool floats(DType t) { return t == DType::float32 || t == DType::float64 || t == DType::float16; }

struct LoopFrame {
  Value *i, *go;
};
LoopFrame frame(ExpansionBody& body) {
  return {body.input("i", Type::tensor(DType::int64, Dims{})), body.input("go", Type::tensor(DType::boolean, Dims{}))};
}

// By squaring, wrapped as integers are. A negative exponent leaves something of 1 and -1 only.
Value* whole_power(Expansion& e, Value* base, Value* exponent, const Type& type) {
  const DType u = Expansion::dtype_of_value(exponent), w = u == DType::uint64 ? u : DType::int64;
  const auto flag = [&](Value* v, DType t) { return e.cast(v, t); };
  Value *b = e.cast(base, DType::int64), *n = e.cast(exponent, w);
  Value* negative = is_signed_integer(u) ? e.op("Less", {n, e.index(0)}) : nullptr;
  Value* size = negative ? e.mul(n, e.sub(e.index(1), e.mul(flag(negative, DType::int64), e.index(2)))) : n;
  Value* none = e.add(e.mul(b, e.index(0)), e.mul(e.cast(n, DType::int64), e.index(0)));  // in the shape of the result
  const Type state = type.shape ? Type::tensor(DType::int64, *type.shape) : Type::tensor(DType::int64);
  const Type left = Expansion::shape_of(n) ? Type::tensor(w, *Expansion::shape_of(n)) : Type::tensor(w);
  const Type squares = Expansion::shape_of(b) ? Type::tensor(DType::int64, *Expansion::shape_of(b)) : Type::tensor(DType::int64);
  ExpansionBody body(e, "bit");
  const LoopFrame f = frame(body);
  Value *product = body.input("product", state), *square = body.input("square", squares), *rest = body.input("rest", left);
  Value* half = body.op("Div", {rest, e.scalar(w, 2)});
  Value* bit = body.op("Cast", {body.op("Sub", {rest, body.op("Mul", {half, e.scalar(w, 2)})})}, {{"to", static_cast<std::int64_t>(DType::int64)}});
  Value* factor = body.op("Add", {body.op("Mul", {bit, body.op("Sub", {square, e.index(1)})}), e.index(1)});
  body.output(f.go, f.go->type);
  body.output(body.op("Mul", {product, factor}), state);
  body.output(body.op("Mul", {square, square}), squares);
  body.output(half, left);
  Node& loop = e.make("Loop", {e.index(bit_width(u)), e.tensor(Tensor::scalar<bool>(true), "go"), e.add(none, e.index(1)), b, size}, {}, 3);
  body.give_to(loop);
  loop.output(0)->type = state;
  loop.output(1)->type = squares;
  loop.output(2)->type = left;
  if (!negative) return loop.output(0);
  const auto is = [&](std::int64_t v) { return flag(e.op("Equal", {b, e.index(v)}), DType::int64); };
  Value* odd = e.sub(size, e.mul(e.div(size, e.index(2)), e.index(2)));
  Value* inverse = e.add(is(1), e.mul(is(-1), e.sub(e.index(1), e.mul(odd, e.index(2)))));
  Value* below = flag(negative, DType::int64);
  return e.add(e.mul(loop.output(0), e.sub(e.index(1), below)), e.mul(inverse, below));
}

}  // namespace

// Integers, and two types, came with opset 12. Runtimes take the power of others in double.
std::string pow(Expansion& e) {
  const DType t = e.dtype(0), u = e.dtype(1);
  const auto whole = [](DType d) { return is_integer(d) && bit_width(d) >= 32; };
  if ((!floats(t) && !whole(t)) || (!floats(u) && !whole(u))) return kOtherReason;
  if (t == u && floats(t)) return kOtherReason;
  if (whole(t) && whole(u)) {
    e.result(0, e.cast(whole_power(e, e.in(0), e.in(1), e.node().output()->type), t));
    return "";
  }
  e.result(0, e.cast(e.op("Pow", {e.cast(e.in(0), DType::float64), e.cast(e.in(1), DType::float64)}), t));
  return "";
}

namespace {

// |a| less all whole |b|, for finite numbers and b != 0: doubled until it would be more than a, then taken away and halved. Each step is exact.
Value* long_division(Expansion& e, Value* a, Value* b, const Type& type) {
  const DType w = DType::float64;
  const Type state = type.shape ? Type::tensor(w, *type.shape) : Type::tensor(w), number = Type::tensor(DType::int64, Dims{});
  const auto d = [&](double v) { return e.scalar(w, v); };
  Value* rest = e.add(a, e.mul(b, d(0)));
  Value* start = e.add(b, e.mul(a, d(0)));
  const auto double_of = [&](DType to) { return Attrs{{"to", static_cast<std::int64_t>(to)}}; };
  const auto grows = [&](const auto& make, Value* part) {  // as 0 or 1
    return make("Cast", std::vector<Value*>{make("Not", {make("Greater", {make("Add", {part, part}, Attrs{}), rest}, Attrs{})}, Attrs{})},
                double_of(w));
  };
  const auto some = [&](const auto& make, Value* flags) {
    return make("Greater", std::vector<Value*>{make("ReduceSum", {flags}, Attrs{{"keepdims", std::int64_t{0}}}), d(0)}, Attrs{});
  };
  const auto outside = [&](std::string_view op, std::vector<Value*> in, Attrs attrs) { return e.op(op, std::move(in), std::move(attrs)); };
  ExpansionBody up(e, "double");
  frame(up);
  Value *part = up.input("part", state), *count = up.input("count", number);
  const auto inside = [&](std::string_view op, std::vector<Value*> in, Attrs attrs) { return up.op(op, std::move(in), std::move(attrs)); };
  Value* next = up.op("Add", {part, up.op("Mul", {part, grows(inside, part)})});
  up.output(some(inside, grows(inside, next)), Type::tensor(DType::boolean, Dims{}));
  up.output(next, state);
  up.output(up.op("Add", {count, e.index(1)}), number);
  Node& first = e.make("Loop", {e.index(2200), some(outside, grows(outside, start)), start, e.index(1)}, {}, 2);
  up.give_to(first);
  first.output(0)->type = state;
  first.output(1)->type = number;
  ExpansionBody down(e, "halve");
  const LoopFrame f = frame(down);
  Value *left = down.input("rest", state), *by = down.input("part", state);
  const auto flag = [&](Value* v) { return down.op("Cast", {v}, double_of(w)); };
  Value* takes = flag(down.op("Not", {down.op("Less", {left, by})}));
  Value* halves = flag(down.op("Greater", {by, b}));
  down.output(f.go, f.go->type);
  down.output(down.op("Sub", {left, down.op("Mul", {by, takes})}), state);
  down.output(down.op("Mul", {by, down.op("Sub", {d(1), down.op("Mul", {halves, d(0.5)})})}), state);
  Node& second = e.make("Loop", {first.output(1), e.tensor(Tensor::scalar<bool>(true), "go"), rest, first.output(0)}, {}, 2);
  down.give_to(second);
  second.output(0)->type = state;
  second.output(1)->type = state;
  return second.output(0);
}

}  // namespace

// The remainder with the dividend's sign. Of an infinite divisor the dividend is left; of zero, NaN and an infinite dividend nothing is.
std::string float_remainder(Expansion& e) {
  const DType t = e.dtype(0), w = DType::float64;
  if (!floats(t)) return "type: fmod of this type before opset 10";
  const auto d = [&](double v) { return e.scalar(w, v); };
  const auto either = [&](Value* a, Value* b) { return e.op("Or", {a, b}); };
  Value *a = e.cast(e.in(0), w), *b = e.cast(e.in(1), w);
  Value *endless_a = e.op("IsInf", {a}), *endless_b = e.op("IsInf", {b});
  Value* none_a = either(e.op("IsNaN", {a}), endless_a);
  Value* none_b = either(e.op("IsNaN", {b}), e.op("Equal", {b, d(0)}));
  Value* dividend = e.op("Where", {none_a, d(0), e.op("Abs", {a})});
  Value* divisor = e.op("Where", {either(none_b, endless_b), d(1), e.op("Abs", {b})});
  Value* rest = long_division(e, dividend, divisor, e.node().output()->type);
  rest = e.op("Where", {endless_b, dividend, rest});
  Value* below = either(e.op("Less", {a, d(0)}), e.op("Less", {e.div(d(1), a), d(0)}));  // -0 too
  Value* y = e.mul(rest, e.sub(d(1), e.mul(e.cast(below, w), d(2))));
  y = e.op("Where", {either(none_a, none_b), d(std::numeric_limits<double>::quiet_NaN()), y});
  e.result(0, e.cast(y, t));
  return "";
}

// Before opset 12 nothing was dropped: by random numbers here, where it trains.
std::string dropout(Expansion& e) {
  const DType t = e.dtype(0);
  const Tensor* mode = e.constant(2);
  const bool stated = mode && mode->dtype() == DType::boolean && mode->size() == 1;
  if (!floats(t)) return "type: Dropout of this type";
  if (!e.has(2) || (stated && !mode->data<bool>()[0])) {
    e.result(0, e.op("Identity", {e.in(0)}));
    if (e.used(1)) e.result(1, e.op("Expand", {e.tensor(Tensor::scalar<bool>(true), "all"), e.shape_value(e.in(0))}));
    return "";
  }
  Value* ratio = e.has(1) ? e.reshape(e.cast(e.in(1), t), {}) : e.scalar(t, 0.5);
  if (!stated) ratio = e.mul(ratio, e.reshape(e.cast(e.in(2), t), {}));
  Attrs attrs{{"dtype", static_cast<std::int64_t>(t)}};
  if (e.node().attrs().has("seed")) attrs.set("seed", static_cast<float>(e.integer("seed")));
  Value* kept = e.op("Not", {e.op("Less", {e.op("RandomUniformLike", {e.in(0)}, std::move(attrs)), ratio})});
  Value* scaled = e.mul(e.in(0), e.div(e.scalar(t, 1), e.sub(e.scalar(t, 1), ratio)));
  e.result(0, e.op("Where", {kept, scaled, e.scalar(t, 0)}));
  if (e.used(1)) e.result(1, kept);
  return "";
}

}  // namespace onnxopt::expand_fn
