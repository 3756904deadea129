// Elementwise functions of one operand. Floating types compute in double, whatever their width, and round once.
#include <bit>
#include <cmath>
#include <limits>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;
constexpr int64_t kStrip = 1024;

// Up to two parameters from attributes.
struct Params {
  double a = 0, b = 0;
};

// Runs `strip(double* v, n)` in place over all elements, converted from and to `out_type`. `cost`: nanoseconds an element.
template <class C, class F>
Tensor map_strips(const Tensor& x, DType out_type, double cost, F strip) {
  Buffer out(out_type, x.dims());
  const auto* in = x.bytes().data();
  auto body = [&](int64_t from, int64_t to) {
    C v[kStrip];
    for (int64_t at = from; at < to; at += kStrip) {
      const int64_t n = std::min(kStrip, to - at);
      load_block<C>(x.dtype(), in, at, n, v);
      strip(v, n);
      store_block<C>(out_type, out.bytes(), at, n, v);
    }
  };
  if (is_sub_byte(x.dtype()) || is_sub_byte(out_type)) body(0, x.size());
  else parallel_for(x.size(), cost, body);
  return std::move(out).tensor();
}

double erf_(double x) { return std::erf(x); }
double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

struct Abs {
  double operator()(double x, Params) const { return std::fabs(x); }
};
struct Neg {
  double operator()(double x, Params) const { return -x; }
};
struct Relu {
  double operator()(double x, Params) const { return x < 0 ? 0 : x; }
};
struct Sqrt {
  double operator()(double x, Params) const { return std::sqrt(x); }
};
struct Reciprocal {
  double operator()(double x, Params) const { return 1 / x; }
};
struct Exp {
  double operator()(double x, Params) const { return std::exp(x); }
};
struct Log {
  double operator()(double x, Params) const { return std::log(x); }
};
struct Sin {
  double operator()(double x, Params) const { return std::sin(x); }
};
struct Cos {
  double operator()(double x, Params) const { return std::cos(x); }
};
struct Tan {
  double operator()(double x, Params) const { return std::tan(x); }
};
struct Asin {
  double operator()(double x, Params) const { return std::asin(x); }
};
struct Acos {
  double operator()(double x, Params) const { return std::acos(x); }
};
struct Atan {
  double operator()(double x, Params) const { return std::atan(x); }
};
struct Sinh {
  double operator()(double x, Params) const { return std::sinh(x); }
};
struct Cosh {
  double operator()(double x, Params) const { return std::cosh(x); }
};
struct Tanh {
  double operator()(double x, Params) const { return std::tanh(x); }
};
struct Asinh {
  double operator()(double x, Params) const { return std::asinh(x); }
};
struct Acosh {
  double operator()(double x, Params) const { return std::acosh(x); }
};
struct Atanh {
  double operator()(double x, Params) const { return std::atanh(x); }
};
struct Erf {
  double operator()(double x, Params) const { return erf_(x); }
};
struct Sign {
  double operator()(double x, Params) const { return sign(x); }
};
struct Ceil {
  double operator()(double x, Params) const { return std::ceil(x); }
};
struct Floor {
  double operator()(double x, Params) const { return std::floor(x); }
};
struct Round {
  double operator()(double x, Params) const { return std::nearbyint(x); }
};
struct Sigmoid {
  double operator()(double x, Params) const { return sigmoid(x); }
};
struct Softplus {
  double operator()(double x, Params) const { return softplus(x); }
};
struct Softsign {
  double operator()(double x, Params) const { return x / (1 + std::fabs(x)); }
};
struct Mish {
  double operator()(double x, Params) const { return x * std::tanh(softplus(x)); }
};
struct HardSwish {
  // Its function is x * HardSigmoid (x) with the slope as a float, which shows where the gate is nearly closed.
  static constexpr double kSlope = 1.0F / 6.0F;
  double operator()(double x, Params) const { return x * std::max(0.0, std::min(1.0, x * kSlope + 0.5)); }
};
struct LeakyRelu {
  double operator()(double x, Params p) const { return x < 0 ? p.a * x : x; }
};
struct ThresholdedRelu {
  double operator()(double x, Params p) const { return x > p.a ? x : 0; }
};
struct Elu {
  double operator()(double x, Params p) const { return x < 0 ? p.a * std::expm1(x) : x; }
};
struct Celu {
  double operator()(double x, Params p) const { return x < 0 ? p.a * std::expm1(x / p.a) : x; }
};
struct Selu {
  double operator()(double x, Params p) const { return p.b * (x > 0 ? x : p.a * std::expm1(x)); }
};
struct HardSigmoid {  // in this order of arguments NaN stays NaN
  double operator()(double x, Params p) const { return std::max(std::min(p.a * x + p.b, 1.0), 0.0); }
};
struct Swish {
  double operator()(double x, Params p) const { return x * sigmoid(p.a * x); }
};
struct Shrink {
  double operator()(double x, Params p) const { return x < -p.a ? x + p.b : x > p.a ? x - p.b : 0; }
};
struct GeluErf {
  double operator()(double x, Params) const { return 0.5 * x * (1 + std::erf(x * 0.70710678118654752440)); }
};
struct GeluTanh {
  double operator()(double x, Params) const { return 0.5 * x * (1 + std::tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x))); }
};

template <class F>
Tensor map_float(const Tensor& x, Params p, double cost) {
  if (!is_float(x.dtype())) bad_input(fmt::format("not defined for {}", dtype_name(x.dtype())));
  return map_strips<double>(x, x.dtype(), cost, [p](double* v, int64_t n) {
    for (int64_t i = 0; i < n; ++i) v[i] = F{}(v[i], p);
  });
}

// Cost classes: about what libm takes an element.
constexpr double kCheap = 1.5, kLibm = 12;

template <class F>
Maybe<RunFn> cheap(const OpCall&, ExecEnv&) {
  return RunFn([](KernelIo& io) { io.set(0, map_float<F>(io.in(0), {}, kCheap)); });
}
template <class F>
Maybe<RunFn> libm(const OpCall&, ExecEnv&) {
  return RunFn([](KernelIo& io) { io.set(0, map_float<F>(io.in(0), {}, kLibm)); });
}
template <class F>
Maybe<RunFn> with_params(Params p) {
  return RunFn([p](KernelIo& io) { io.set(0, map_float<F>(io.in(0), p, kLibm)); });
}
template <class F>
Maybe<RunFn> with_alpha(const OpCall& call, ExecEnv&) {
  return with_params<F>({attr<float>(call, "alpha"), 0});
}
Maybe<RunFn> prepare_selu(const OpCall& call, ExecEnv&) { return with_params<Selu>({attr<float>(call, "alpha"), attr<float>(call, "gamma")}); }
Maybe<RunFn> prepare_hard_sigmoid(const OpCall& call, ExecEnv&) {
  return with_params<HardSigmoid>({attr<float>(call, "alpha"), attr<float>(call, "beta")});
}
Maybe<RunFn> prepare_gelu(const OpCall& call, ExecEnv&) {
  const std::string how = attr<std::string>(call, "approximate");
  if (how != "none" && how != "tanh") bad_input("attribute 'approximate' must be none or tanh, not " + how);
  return how == "tanh" ? with_params<GeluTanh>({}) : with_params<GeluErf>({});
}

// Functions that are defined for integers too; those compute in int64 and wrap to their width, unsigned ones are left as they are.
template <class F, int64_t (*OfInt)(int64_t)>
Maybe<RunFn> signed_too(const OpCall&, ExecEnv&) {
  return RunFn([](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (is_float(x.dtype())) return io.set(0, map_float<F>(x, {}, kCheap));
    if (is_unsigned_integer(x.dtype()) && std::is_same_v<F, Neg>) bad_input(fmt::format("not defined for {}", dtype_name(x.dtype())));
    if (is_unsigned_integer(x.dtype()) && !std::is_same_v<F, Sign>) return io.set(0, x);
    io.set(0, map_strips<int64_t>(x, x.dtype(), kCheap, [](int64_t* v, int64_t n) {
             for (int64_t i = 0; i < n; ++i) v[i] = OfInt(v[i]);
           }));
  });
}
int64_t negate(int64_t x) { return static_cast<int64_t>(0 - static_cast<uint64_t>(x)); }
int64_t absolute(int64_t x) { return x < 0 ? negate(x) : x; }
int64_t relu(int64_t x) { return x < 0 ? 0 : x; }
int64_t sign_of(int64_t x) { return (x > 0) - (x < 0); }

void run_sign(KernelIo& io) {
  const Tensor& x = io.in(0);
  if (x.dtype() != DType::uint64) return;
  io.set(0, map_strips<uint64_t>(x, x.dtype(), kCheap, [](uint64_t* v, int64_t n) {
           for (int64_t i = 0; i < n; ++i) v[i] = v[i] != 0;
         }));
}
Maybe<RunFn> prepare_sign(const OpCall& call, ExecEnv& env) {
  Maybe<RunFn> other = signed_too<Sign, sign_of>(call, env);
  return RunFn([other = *other](KernelIo& io) {
    if (io.in(0).dtype() == DType::uint64) run_sign(io);
    else other(io);
  });
}

// Integer types of Shrink: computed in double, stored by Cast's rules.
Maybe<RunFn> prepare_shrink(const OpCall& call, ExecEnv&) {
  const Params p{attr<float>(call, "lambd"), attr<float>(call, "bias")};
  return RunFn([p](KernelIo& io) {
    io.set(0, map_strips<double>(io.in(0), io.in(0).dtype(), kCheap, [p](double* v, int64_t n) {
             for (int64_t i = 0; i < n; ++i) v[i] = Shrink{}(v[i], p);
           }));
  });
}

void run_not(KernelIo& io) {
  io.set(0, map_strips<uint64_t>(io.in(0), DType::boolean, kCheap, [](uint64_t* v, int64_t n) {
           for (int64_t i = 0; i < n; ++i) v[i] = v[i] == 0;
         }));
}
void run_bitwise_not(KernelIo& io) {
  io.set(0, map_strips<uint64_t>(io.in(0), io.in(0).dtype(), kCheap, [](uint64_t* v, int64_t n) {
           for (int64_t i = 0; i < n; ++i) v[i] = ~v[i];
         }));
}
void run_is_nan(KernelIo& io) {
  io.set(0, map_strips<double>(io.in(0), DType::boolean, kCheap, [](double* v, int64_t n) {
           for (int64_t i = 0; i < n; ++i) v[i] = std::isnan(v[i]);
         }));
}
Maybe<RunFn> prepare_is_inf(const OpCall& call, ExecEnv&) {
  const bool negative = attr<int64_t>(call, "detect_negative") != 0, positive = attr<int64_t>(call, "detect_positive") != 0;
  return RunFn([=](KernelIo& io) {
    io.set(0, map_strips<double>(io.in(0), DType::boolean, kCheap, [=](double* v, int64_t n) {
             for (int64_t i = 0; i < n; ++i) v[i] = std::isinf(v[i]) && (v[i] < 0 ? negative : positive);
           }));
  });
}

constexpr Kernel kKernels[] = {
    {"", "Abs", 1, kAnyVersion, signed_too<Abs, absolute>},
    {"", "Neg", 1, kAnyVersion, signed_too<Neg, negate>},
    {"", "Relu", 1, kAnyVersion, signed_too<Relu, relu>},
    {"", "Sign", 9, kAnyVersion, prepare_sign},
    {"", "Sqrt", 1, kAnyVersion, cheap<Sqrt>},
    {"", "Reciprocal", 1, kAnyVersion, cheap<Reciprocal>},
    {"", "Exp", 1, kAnyVersion, libm<Exp>},
    {"", "Log", 1, kAnyVersion, libm<Log>},
    {"", "Sin", 7, kAnyVersion, libm<Sin>},
    {"", "Cos", 7, kAnyVersion, libm<Cos>},
    {"", "Tan", 7, kAnyVersion, libm<Tan>},
    {"", "Asin", 7, kAnyVersion, libm<Asin>},
    {"", "Acos", 7, kAnyVersion, libm<Acos>},
    {"", "Atan", 7, kAnyVersion, libm<Atan>},
    {"", "Sinh", 9, kAnyVersion, libm<Sinh>},
    {"", "Cosh", 9, kAnyVersion, libm<Cosh>},
    {"", "Tanh", 1, kAnyVersion, libm<Tanh>},
    {"", "Asinh", 9, kAnyVersion, libm<Asinh>},
    {"", "Acosh", 9, kAnyVersion, libm<Acosh>},
    {"", "Atanh", 9, kAnyVersion, libm<Atanh>},
    {"", "Erf", 9, kAnyVersion, libm<Erf>},
    {"", "Ceil", 1, kAnyVersion, cheap<Ceil>},
    {"", "Floor", 1, kAnyVersion, cheap<Floor>},
    {"", "Round", 11, kAnyVersion, cheap<Round>},
    {"", "Sigmoid", 1, kAnyVersion, libm<Sigmoid>},
    {"", "Softplus", 1, kAnyVersion, libm<Softplus>},
    {"", "Softsign", 1, kAnyVersion, cheap<Softsign>},
    {"", "Mish", 18, kAnyVersion, libm<Mish>},
    {"", "HardSwish", 14, kAnyVersion, cheap<HardSwish>},
    {"", "LeakyRelu", 1, kAnyVersion, with_alpha<LeakyRelu>},
    {"", "ThresholdedRelu", 1, kAnyVersion, with_alpha<ThresholdedRelu>},
    {"", "Elu", 1, kAnyVersion, with_alpha<Elu>},
    {"", "Celu", 12, kAnyVersion, with_alpha<Celu>},
    {"", "Swish", 24, kAnyVersion, with_alpha<Swish>},
    {"", "Selu", 1, kAnyVersion, prepare_selu},
    {"", "HardSigmoid", 1, kAnyVersion, prepare_hard_sigmoid},
    {"", "Gelu", 20, kAnyVersion, prepare_gelu},
    {"", "Shrink", 9, kAnyVersion, prepare_shrink},
    {"", "Not", 1, kAnyVersion, simple<run_not>},
    {"", "BitwiseNot", 18, kAnyVersion, simple<run_bitwise_not>},
    {"", "IsNaN", 9, kAnyVersion, simple<run_is_nan>},
    {"", "IsInf", 10, kAnyVersion, prepare_is_inf},
};

}  // namespace

std::span<const Kernel> unary_kernels() { return kKernels; }

}  // namespace onnxopt::ref
