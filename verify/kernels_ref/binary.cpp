// Elementwise operators of two operands with numpy broadcasting: arithmetic, comparison, logic, bits. A row function works on one carrier; float32
// rows compute in float where that equals computing in double and rounding (+ - * / and selections), else in double.
#include <cmath>
#include <type_traits>

#include "verify/kernels_ref/broadcast.h"
#include "verify/kernels_ref/families.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;
using std::uint8_t;

// a and b advance by 0 or 1 element.
using Row = void (*)(const void* a, int64_t sa, const void* b, int64_t sb, void* out, int64_t n);

template <class F, class C, class R>
void row(const void* pa, int64_t sa, const void* pb, int64_t sb, void* po, int64_t n) {
  const C* a = static_cast<const C*>(pa);
  const C* b = static_cast<const C*>(pb);
  R* out = static_cast<R*>(po);
  const F f{};
  if (sa && sb) {
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<R>(f(a[i], b[i]));
  } else if (sa) {
    const C y = b[0];
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<R>(f(a[i], y));
  } else {
    const C x = a[0];
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<R>(f(x, sb ? b[i] : b[0]));
  }
}

// Integer + - * wrap: computed unsigned.
template <class C>
using Wrapping = std::conditional_t<std::is_integral_v<C>, uint64_t, C>;
struct AddOp {
  template <class C>
  C operator()(C a, C b) const {
    return static_cast<C>(static_cast<Wrapping<C>>(a) + static_cast<Wrapping<C>>(b));
  }
};
struct SubOp {
  template <class C>
  C operator()(C a, C b) const {
    return static_cast<C>(static_cast<Wrapping<C>>(a) - static_cast<Wrapping<C>>(b));
  }
};
struct MulOp {
  template <class C>
  C operator()(C a, C b) const {
    return static_cast<C>(static_cast<Wrapping<C>>(a) * static_cast<Wrapping<C>>(b));
  }
};
struct DivOp {
  template <class C>
  C operator()(C a, C b) const {
    if constexpr (std::is_integral_v<C>) {
      if (b == 0) bad_input("integer division by zero");
      if constexpr (std::is_signed_v<C>)
        if (b == -1) return static_cast<C>(0 - static_cast<uint64_t>(a));
    }
    return a / b;
  }
};
// The sign of the result follows the divisor (Python's %).
struct ModOp {
  template <class C>
  C operator()(C a, C b) const {
    if constexpr (std::is_integral_v<C>) {
      if (b == 0) bad_input("integer modulo by zero");
      if constexpr (std::is_signed_v<C>) {
        if (b == -1) return 0;
        const C r = a % b;
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;
      } else return a % b;
    } else {
      const C r = std::fmod(a, b);
      if (r == 0) return std::copysign(r, b);
      return (r < 0) != (b < 0) ? r + b : r;
    }
  }
};
struct FmodOp {
  template <class C>
  C operator()(C a, C b) const {
    if constexpr (std::is_integral_v<C>) {
      if (b == 0) bad_input("integer modulo by zero");
      if constexpr (std::is_signed_v<C>)
        if (b == -1) return 0;
      return a % b;
    } else return std::fmod(a, b);
  }
};
struct MaxOp {
  template <class C>
  C operator()(C a, C b) const {
    return a > b || a != a ? a : b;
  }
};
struct MinOp {
  template <class C>
  C operator()(C a, C b) const {
    return a < b || a != a ? a : b;
  }
};
struct EqualOp {
  template <class C>
  bool operator()(C a, C b) const {
    return a == b;
  }
};
struct LessOp {
  template <class C>
  bool operator()(C a, C b) const {
    return a < b;
  }
};
struct LessEqualOp {
  template <class C>
  bool operator()(C a, C b) const {
    return a <= b;
  }
};
struct GreaterOp {
  template <class C>
  bool operator()(C a, C b) const {
    return a > b;
  }
};
struct GreaterEqualOp {
  template <class C>
  bool operator()(C a, C b) const {
    return a >= b;
  }
};
struct AndOp {
  uint64_t operator()(uint64_t a, uint64_t b) const { return (a != 0) & (b != 0); }
};
struct OrOp {
  uint64_t operator()(uint64_t a, uint64_t b) const { return (a != 0) | (b != 0); }
};
struct XorOp {
  uint64_t operator()(uint64_t a, uint64_t b) const { return (a != 0) ^ (b != 0); }
};
struct BitAndOp {
  template <class C>
  C operator()(C a, C b) const {
    return a & b;
  }
};
struct BitOrOp {
  template <class C>
  C operator()(C a, C b) const {
    return a | b;
  }
};
struct BitXorOp {
  template <class C>
  C operator()(C a, C b) const {
    return a ^ b;
  }
};
struct PReluOp {
  template <class C>
  C operator()(C x, C slope) const {
    return x < 0 ? MulOp{}(x, slope) : x;
  }
};
// Integer base; a negative exponent truncates the real result.
struct PowOp {
  template <class C>
  C operator()(C a, C e) const {
    if constexpr (std::is_integral_v<C>) {
      if constexpr (std::is_signed_v<C>)
        if (e < 0) {
          if (a == 0) bad_input("0 to a negative power");
          return a == 1 ? 1 : a == -1 ? (e % 2 == 0 ? 1 : -1) : 0;
        }
      uint64_t r = 1, base = static_cast<uint64_t>(a);
      for (uint64_t n = static_cast<uint64_t>(e); n != 0; n >>= 1, base *= base)
        if (n & 1) r *= base;
      return static_cast<C>(r);
    } else return std::pow(a, e);
  }
};

struct BinaryOp {
  Row f32 = nullptr, f64 = nullptr, i64 = nullptr, u64 = nullptr;  // null: not for these types
  bool to_bool = false;
};
template <class F, class R>
Row float_row() {
  return &row<F, float, R>;
}
template <class F>
constexpr BinaryOp arithmetic(bool in_float) {
  return {in_float ? &row<F, float, float> : nullptr, &row<F, double, double>, &row<F, int64_t, int64_t>, &row<F, uint64_t, uint64_t>, false};
}
template <class F>
constexpr BinaryOp comparison() {
  return {&row<F, float, uint8_t>, &row<F, double, uint8_t>, &row<F, int64_t, uint8_t>, &row<F, uint64_t, uint8_t>, true};
}
template <class F>
constexpr BinaryOp logical() {
  return {nullptr, nullptr, nullptr, &row<F, uint64_t, uint64_t>, false};
}
template <class F>
constexpr BinaryOp bitwise() {
  return {nullptr, nullptr, &row<F, int64_t, int64_t>, &row<F, uint64_t, uint64_t>, false};
}

constexpr BinaryOp kAdd = arithmetic<AddOp>(true), kSub = arithmetic<SubOp>(true), kMul = arithmetic<MulOp>(true), kDiv = arithmetic<DivOp>(true);
constexpr BinaryOp kMod = arithmetic<ModOp>(false), kFmod = arithmetic<FmodOp>(false), kPow = arithmetic<PowOp>(false);
constexpr BinaryOp kMax = arithmetic<MaxOp>(true), kMin = arithmetic<MinOp>(true), kPRelu = arithmetic<PReluOp>(true);
constexpr BinaryOp kEqual = comparison<EqualOp>(), kLess = comparison<LessOp>(), kLessOrEqual = comparison<LessEqualOp>();
constexpr BinaryOp kGreater = comparison<GreaterOp>(), kGreaterOrEqual = comparison<GreaterEqualOp>();
constexpr BinaryOp kAnd = logical<AndOp>(), kOr = logical<OrOp>(), kXor = logical<XorOp>();
constexpr BinaryOp kBitAnd = bitwise<BitAndOp>(), kBitOr = bitwise<BitOrOp>(), kBitXor = bitwise<BitXorOp>();

constexpr int64_t kStrip = 1024;  // elements converted at a time: stays in the first-level cache

// Elements of a tensor in carrier C: the tensor's own memory where it is C already, else a strip converted into `scratch`.
template <class C>
struct Operand {
  DType dtype;
  const std::byte* base;
  bool direct;
  explicit Operand(const Tensor& t) : dtype(t.dtype()), direct(t.dtype() == dtype_of<C>()) { base = direct ? t.aligned() : t.bytes().data(); }
  const C* at(int64_t offset, int64_t n, C* scratch) const {
    if (direct) return reinterpret_cast<const C*>(base) + offset;
    load_block<C>(dtype, base, offset, n, scratch);
    return scratch;
  }
};

template <class C>
void run_rows(const Tensor& a, const Tensor& b, Buffer& out, const BroadcastLoop& loop, Row fn, bool to_bool) {
  const Operand<C> pa(a), pb(b);
  const bool direct = to_bool || out.dtype() == dtype_of<C>();
  const int64_t step = to_bool ? 1 : static_cast<int64_t>(sizeof(C));
  auto strip = [&](int64_t at, int64_t oa, int64_t sa, int64_t ob, int64_t sb, int64_t n) {
    C x[kStrip], y[kStrip], z[kStrip];
    const C* xa = pa.at(oa, sa ? n : 1, x);
    const C* xb = pb.at(ob, sb ? n : 1, y);
    fn(xa, sa, xb, sb, direct ? static_cast<void*>(out.bytes() + at * step) : z, n);
    if (!direct) store_block<C>(out.dtype(), out.bytes(), at, n, z);
  };
  const int64_t n = loop.row(), sa = loop.strides.back()[0], sb = loop.strides.back()[1];
  auto strips = [&](int64_t at, int64_t oa, int64_t ob, int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i += kStrip) strip(at + i, oa + i * sa, sa, ob + i * sb, sb, std::min(kStrip, to - i));
  };
  if (is_sub_byte(out.dtype())) return loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) { strips(at, o[0], o[1], 0, n); });
  if (loop.rows() == 1) return parallel_for(n, 1.0, [&](int64_t from, int64_t to) { strips(0, 0, 0, from, to); });
  parallel_for(loop.rows(), 20.0 + static_cast<double>(n),
               [&](int64_t from, int64_t to) { loop.for_rows(from, to, [&](int64_t at, const auto& o) { strips(at, o[0], o[1], 0, n); }); });
}

Tensor apply(const BinaryOp& op, const Tensor& a, const Tensor& b) {
  const Dims* shapes[] = {&a.dims(), &b.dims()};
  const BroadcastLoop loop(shapes);
  const DType t = a.dtype();
  Buffer out(op.to_bool ? DType::boolean : t, loop.out);
  auto need = [&](Row r) {
    if (r == nullptr) bad_input(fmt::format("not defined for {}", dtype_name(t)));
    return r;
  };
  if (t == DType::float32 && b.dtype() == t && op.f32) run_rows<float>(a, b, out, loop, op.f32, op.to_bool);
  else if (is_float(t) || is_float(b.dtype())) run_rows<double>(a, b, out, loop, need(op.f64), op.to_bool);
  else if (is_signed_integer(t)) run_rows<int64_t>(a, b, out, loop, need(op.i64), op.to_bool);
  else if (is_unsigned_integer(t) || t == DType::boolean) run_rows<uint64_t>(a, b, out, loop, need(op.u64), op.to_bool);
  else bad_input(fmt::format("not defined for {}", dtype_name(t)));
  return std::move(out).tensor();
}

Tensor equal_strings(const Tensor& a, const Tensor& b) {
  const Dims* shapes[] = {&a.dims(), &b.dims()};
  const BroadcastLoop loop(shapes);
  Buffer out(DType::boolean, loop.out);
  const auto sa = a.strings(), sb = b.strings();
  loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
    for (int64_t i = 0; i < loop.row(); ++i) {
      const auto x = static_cast<std::size_t>(o[0] + i * loop.strides.back()[0]), y = static_cast<std::size_t>(o[1] + i * loop.strides.back()[1]);
      out.as<uint8_t>()[at + i] = sa[x] == sb[y];
    }
  });
  return std::move(out).tensor();
}

void same_types(const KernelIo& io) {
  if (io.in(0).dtype() != io.in(1).dtype())
    bad_input(fmt::format("operands are {} and {}", dtype_name(io.in(0).dtype()), dtype_name(io.in(1).dtype())));
}
template <const BinaryOp& Op>
void run_binary(KernelIo& io) {
  same_types(io);
  io.set(0, apply(Op, io.in(0), io.in(1)));
}
template <const BinaryOp& Op>
Maybe<RunFn> binary(const OpCall&, ExecEnv&) {
  return RunFn(run_binary<Op>);
}

void run_equal(KernelIo& io) {
  same_types(io);
  io.set(0, io.in(0).dtype() == DType::string ? equal_strings(io.in(0), io.in(1)) : apply(kEqual, io.in(0), io.in(1)));
}
void run_pow(KernelIo& io) { io.set(0, apply(kPow, io.in(0), io.in(1))); }

// The slope broadcasts one way, to the shape of x.
void run_prelu(KernelIo& io) {
  if (broadcast(io.in(0).dims(), io.in(1).dims()) != io.in(0).dims())
    bad_input(fmt::format("slope {} does not broadcast to {}", dims_text(io.in(1).dims()), dims_text(io.in(0).dims())));
  run_binary<kPRelu>(io);
}
Maybe<RunFn> prepare_mod(const OpCall& call, ExecEnv&) {
  const BinaryOp& op = attr<int64_t>(call, "fmod") ? kFmod : kMod;
  return RunFn([&op](KernelIo& io) {
    same_types(io);
    io.set(0, apply(op, io.in(0), io.in(1)));
  });
}

// Shift counts outside [0, bits of T) leave what sign extension alone produces (BitShift-28).
Maybe<RunFn> prepare_bit_shift(const OpCall& call, ExecEnv&) {
  const std::string direction = attr<std::string>(call, "direction");
  if (direction != "LEFT" && direction != "RIGHT") bad_input("attribute 'direction' must be LEFT or RIGHT, not " + direction);
  return RunFn([left = direction == "LEFT"](KernelIo& io) {
    same_types(io);
    const Tensor &x = io.in(0), &y = io.in(1);
    const Dims* shapes[] = {&x.dims(), &y.dims()};
    const BroadcastLoop loop(shapes);
    Buffer out(x.dtype(), loop.out);
    const bool is_signed = is_signed_integer(x.dtype());
    const int bits = bit_width(x.dtype());
    loop.for_rows(0, loop.rows(), [&](int64_t at, const auto& o) {
      for (int64_t i = 0; i < loop.row(); ++i) {
        const int64_t ia = o[0] + i * loop.strides.back()[0], ib = o[1] + i * loop.strides.back()[1];
        const auto v = load_element<uint64_t>(x.dtype(), x.bytes().data(), ia);  // sign-extended
        const auto by = load_element<uint64_t>(y.dtype(), y.bytes().data(), ib);
        const bool inside = by < static_cast<uint64_t>(bits);
        uint64_t r = 0;
        if (left) r = inside ? v << by : 0;
        else if (is_signed) r = static_cast<uint64_t>(static_cast<int64_t>(v) >> (inside ? by : 63));
        else r = inside ? v >> by : 0;
        store_element<uint64_t>(x.dtype(), out.bytes(), at + i, r);
      }
    });
    io.set(0, std::move(out).tensor());
  });
}

// Max and Min of any number of operands.
template <const BinaryOp& Op>
void run_fold(KernelIo& io) {
  Tensor r = io.in(0);
  for (std::size_t i = 1; i < io.num_inputs(); ++i) r = apply(Op, r, io.in(i));
  io.set(0, std::move(r));
}

constexpr Kernel kKernels[] = {
    {"", "Add", 7, kAnyVersion, binary<kAdd>},
    {"", "Sub", 7, kAnyVersion, binary<kSub>},
    {"", "Mul", 7, kAnyVersion, binary<kMul>},
    {"", "Div", 7, kAnyVersion, binary<kDiv>},
    {"", "Pow", 7, kAnyVersion, simple<run_pow>},
    {"", "Mod", 10, kAnyVersion, prepare_mod},
    {"", "PRelu", 7, kAnyVersion, simple<run_prelu>},
    {"", "Max", 1, kAnyVersion, simple<run_fold<kMax>>},
    {"", "Min", 1, kAnyVersion, simple<run_fold<kMin>>},
    {"", "Equal", 7, kAnyVersion, simple<run_equal>},
    {"", "Less", 7, kAnyVersion, binary<kLess>},
    {"", "LessOrEqual", 12, kAnyVersion, binary<kLessOrEqual>},
    {"", "Greater", 7, kAnyVersion, binary<kGreater>},
    {"", "GreaterOrEqual", 12, kAnyVersion, binary<kGreaterOrEqual>},
    {"", "And", 7, kAnyVersion, binary<kAnd>},
    {"", "Or", 7, kAnyVersion, binary<kOr>},
    {"", "Xor", 7, kAnyVersion, binary<kXor>},
    {"", "BitwiseAnd", 18, kAnyVersion, binary<kBitAnd>},
    {"", "BitwiseOr", 18, kAnyVersion, binary<kBitOr>},
    {"", "BitwiseXor", 18, kAnyVersion, binary<kBitXor>},
    {"", "BitShift", 11, kAnyVersion, prepare_bit_shift},
};

}  // namespace

std::span<const Kernel> binary_kernels() { return kKernels; }

}  // namespace onnxopt::ref
