// Cast, CastLike, BitCast (Cast-28: rounding, saturation of float8, strings).
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::uint64_t;

struct CastOptions {
  NarrowOptions narrow;
  bool folding = false;
};

CastOptions read_options(const OpCall& call, const ExecEnv& env) {
  CastOptions o;
  o.folding = env.folding;
  o.narrow.saturate = attr_or<int64_t>(call, "saturate", 1) != 0;
  const std::string mode = attr_or<std::string>(call, "round_mode", "up");
  if (mode == "down") o.narrow.e8m0 = RoundMode::down;
  else if (mode == "nearest") o.narrow.e8m0 = RoundMode::nearest;
  else if (mode != "up") bad_input("attribute 'round_mode' must be up, down or nearest, not " + mode);
  return o;
}

// ---- strings

std::string upper(std::string_view s) {
  std::string r(s);
  std::transform(r.begin(), r.end(), r.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return r;
}

double parse_double(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\n\r");
  std::string_view s = first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(" \t\n\r") - first + 1);
  if (!s.empty() && s[0] == '+') s.remove_prefix(1);
  const std::string name = upper(s);
  if (name == "INF" || name == "INFINITY") return HUGE_VAL;
  if (name == "-INF" || name == "-INFINITY") return -HUGE_VAL;
  if (name == "NAN") return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error == std::errc::result_out_of_range) return std::strtod(std::string(s).c_str(), nullptr);
  if (error != std::errc() || end != s.data() + s.size()) bad_input(fmt::format("the string \"{}\" is no number", text.substr(0, 40)));
  return value;
}

template <class I>
bool parse_integer(std::string_view s, I& value) {
  if (!s.empty() && s[0] == '+') s.remove_prefix(1);
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  return error == std::errc() && end == s.data() + s.size();
}

void store_parsed(DType to, std::byte* base, int64_t i, const std::string& s, const NarrowOptions& options) {
  int64_t signed_value = 0;
  uint64_t unsigned_value = 0;
  if (is_signed_integer(to) && parse_integer(s, signed_value)) return store_block(to, base, i, 1, &signed_value);
  if (!is_float(to) && parse_integer(s, unsigned_value)) return store_block(to, base, i, 1, &unsigned_value);
  const double value = parse_double(s);
  store_block(to, base, i, 1, &value, options);
}

template <class F>
std::string print_float(F v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v > 0 ? "INF" : "-INF";
  return fmt::format("{}", v);  // the shortest text that reads back as the same value
}

Tensor to_strings(const Tensor& x) {
  std::vector<std::string> out(static_cast<std::size_t>(x.size()));
  const DType t = x.dtype();
  for (int64_t i = 0; i < x.size(); ++i) {
    std::string& s = out[static_cast<std::size_t>(i)];
    const auto* p = x.bytes().data();
    if (t == DType::float64) s = print_float(load_element<double>(t, p, i));
    else if (is_float(t)) s = print_float(load_element<float>(t, p, i));
    else if (is_signed_integer(t)) s = std::to_string(load_element<int64_t>(t, p, i));
    else s = std::to_string(load_element<uint64_t>(t, p, i));
  }
  return Tensor::from_strings(x.dims(), std::move(out));
}

// ---- numbers

template <class C>
void check_range(DType to, const C* v, int64_t n) {
  if constexpr (std::is_floating_point_v<C>) {
    const double low = lowest_value(to), high = highest_value(to);
    for (int64_t i = 0; i < n; ++i)
      if (!(std::trunc(v[i]) >= low && std::trunc(v[i]) <= high))
        bad_input(fmt::format("casting {} to {} is undefined", static_cast<double>(v[i]), dtype_name(to)));
  }
}

template <class C>
Tensor convert(const Tensor& x, DType to, const CastOptions& options) {
  Buffer out(to, x.dims());
  const bool check = options.folding && is_integer(to) && is_float(x.dtype());
  auto body = [&](int64_t from, int64_t end) {
    constexpr int64_t kStrip = 1024;
    C v[kStrip];
    for (int64_t at = from; at < end; at += kStrip) {
      const int64_t n = std::min(kStrip, end - at);
      load_block<C>(x.dtype(), x.bytes().data(), at, n, v);
      if (check) check_range(to, v, n);
      store_block<C>(to, out.bytes(), at, n, v, options.narrow);
    }
  };
  if (is_sub_byte(to)) body(0, x.size());
  else parallel_for(x.size(), 1.5, body);
  return std::move(out).tensor();
}

Tensor cast(const Tensor& x, DType to, const CastOptions& options) {
  const DType from = x.dtype();
  if (from == to) return x;
  if (to == DType::string) return to_strings(x);
  if (from == DType::string) {
    Buffer out(to, x.dims());
    for (int64_t i = 0; i < x.size(); ++i) store_parsed(to, out.bytes(), i, x.strings()[static_cast<std::size_t>(i)], options.narrow);
    return std::move(out).tensor();
  }
  if (is_complex(from) || is_complex(to)) return convert<std::complex<double>>(x, to, options);
  if (from == DType::float64) return convert<double>(x, to, options);
  if (is_float(from)) return convert<float>(x, to, options);
  if (is_signed_integer(from)) return convert<int64_t>(x, to, options);
  return convert<uint64_t>(x, to, options);
}

DType read_target(const OpCall& call) {
  const int64_t to = attr<int64_t>(call, "to");
  if (!is_known_dtype(to) || to == 0) bad_input(fmt::format("attribute 'to': {} is no element type", to));
  return static_cast<DType>(to);
}

Maybe<RunFn> prepare_cast(const OpCall& call, ExecEnv& env) {
  return RunFn([to = read_target(call), options = read_options(call, env)](KernelIo& io) { io.set(0, cast(io.in(0), to, options)); });
}
Maybe<RunFn> prepare_cast_like(const OpCall& call, ExecEnv& env) {
  return RunFn([options = read_options(call, env)](KernelIo& io) { io.set(0, cast(io.in(0), io.in(1).dtype(), options)); });
}
Maybe<RunFn> prepare_bit_cast(const OpCall& call, ExecEnv&) {
  return RunFn([to = read_target(call)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (bit_width(to) != bit_width(x.dtype()) || bit_width(to) == 0)
      bad_input(fmt::format("{} and {} differ in width", dtype_name(x.dtype()), dtype_name(to)));
    io.set(0, Tensor::from_view(to, x.dims(), x.bytes(), std::make_shared<Tensor>(x)));
  });
}

constexpr Kernel kKernels[] = {
    {"", "Cast", 9, kAnyVersion, prepare_cast},
    {"", "CastLike", 15, kAnyVersion, prepare_cast_like},
    {"", "BitCast", 26, kAnyVersion, prepare_bit_cast},
};

}  // namespace

std::span<const Kernel> cast_kernels() { return kKernels; }

}  // namespace onnxopt::ref
