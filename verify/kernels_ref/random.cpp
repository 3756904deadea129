// Random operators and Dropout. Never evaluated while folding.
#include "verify/kernels_ref/random.h"

#include <algorithm>
#include <bit>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/lines.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
constexpr char kWhyNotFolded[] = "the result is random";

DType read_dtype(const OpCall& call, DType otherwise) {
  const int64_t t = attr_or<int64_t>(call, "dtype", static_cast<int64_t>(otherwise));
  if (t != 0 && !is_known_dtype(t)) bad_input(fmt::format("attribute 'dtype': {} is no element type", t));
  return static_cast<DType>(t);
}

enum class Law { uniform, normal };
struct Distribution {
  double a, b;
};  // low and high, or mean and scale
template <Law kLaw>
Distribution read_distribution(const OpCall& call) {
  if (kLaw == Law::uniform) return {attr_or<float>(call, "low", 0), attr_or<float>(call, "high", 1)};
  return {attr_or<float>(call, "mean", 0), attr_or<float>(call, "scale", 1)};
}
template <Law kLaw>
Tensor draw(DType t, const Dims& dims, Distribution d, RandomStream r) {
  Buffer out(t, dims);
  for (int64_t i = 0; i < out.size(); ++i)
    store_element(t, out.bytes(), i, kLaw == Law::uniform ? d.a + (d.b - d.a) * r.uniform() : d.a + d.b * r.normal());
  return std::move(out).tensor();
}
template <Law kLaw>
Maybe<RunFn> prepare_random(const OpCall& call, ExecEnv& env) {
  if (env.folding) return Maybe<RunFn>::none(kWhyNotFolded);
  return RunFn([t = read_dtype(call, DType::float32), shape = attr<Ints>(call, "shape"), d = read_distribution<kLaw>(call),
                r = stream_of(call, env)](KernelIo& io) { io.set(0, draw<kLaw>(t, shape, d, r)); });
}
template <Law kLaw>
Maybe<RunFn> prepare_random_like(const OpCall& call, ExecEnv& env) {
  if (env.folding) return Maybe<RunFn>::none(kWhyNotFolded);
  return RunFn([t = read_dtype(call, DType::undefined), d = read_distribution<kLaw>(call), r = stream_of(call, env)](KernelIo& io) {
    io.set(0, draw<kLaw>(t == DType::undefined ? io.in(0).dtype() : t, io.in(0).dims(), d, r));
  });
}

Maybe<RunFn> prepare_bernoulli(const OpCall& call, ExecEnv& env) {
  if (env.folding) return Maybe<RunFn>::none(kWhyNotFolded);
  return RunFn([t = read_dtype(call, DType::undefined), stream = stream_of(call, env)](KernelIo& io) {
    std::vector<double> v = widen<double>(io.in(0));
    RandomStream r = stream;
    for (double& p : v) p = r.uniform() < p;
    io.set(0, narrow(t == DType::undefined ? io.in(0).dtype() : t, io.in(0).dims(), v));
  });
}

// Inputs are unnormalized log-probabilities.
Maybe<RunFn> prepare_multinomial(const OpCall& call, ExecEnv& env) {
  if (env.folding) return Maybe<RunFn>::none(kWhyNotFolded);
  return RunFn([t = read_dtype(call, DType::int32), samples = attr_or<int64_t>(call, "sample_size", 1), stream = stream_of(call, env)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() != 2 || x.dims()[1] == 0 || samples < 0) bad_input(fmt::format("{} samples of {}", samples, dims_text(x.dims())));
    RandomStream r = stream;
    const std::vector<double> v = widen<double>(x);
    std::vector<int64_t> out;
    const int64_t classes = x.dims()[1];
    for (int64_t b = 0; b < x.dims()[0]; ++b) {
      const double* row = v.data() + b * classes;
      const double top = *std::max_element(row, row + classes);
      std::vector<double> cumulative(static_cast<std::size_t>(classes));
      double sum = 0;
      for (int64_t c = 0; c < classes; ++c) cumulative[static_cast<std::size_t>(c)] = sum += std::exp(row[c] - top);
      for (int64_t s = 0; s < samples; ++s) {
        const auto it = std::upper_bound(cumulative.begin(), cumulative.end(), r.uniform() * sum);
        out.push_back(std::min<int64_t>(it - cumulative.begin(), classes - 1));
      }
    }
    io.set(0, narrow(t, {x.dims()[0], samples}, out));
  });
}

// Dropout-12: ratio and training_mode are inputs; before 7 is_test, before 12 never training here.
Maybe<RunFn> prepare_dropout(const OpCall& call, ExecEnv& env) {
  const bool legacy = call.op->since < 12;
  return RunFn([legacy, folding = env.folding, stream = stream_of(call, env)](KernelIo& io) {
    const Tensor& x = io.in(0);
    const bool training = !legacy && io.has(2) && scalar_of<std::uint64_t>(io.in(2)) != 0;
    const double ratio = !legacy && io.has(1) ? scalar_of<double>(io.in(1)) : 0.5;
    Buffer mask(DType::boolean, x.dims());
    if (!training || ratio == 0) {
      std::memset(mask.bytes(), 1, mask.byte_size());
      io.set(0, x);
      return io.set(1, std::move(mask).tensor());
    }
    if (folding) bad_input(kWhyNotFolded);
    if (!(ratio > 0 && ratio < 1)) bad_input(fmt::format("a ratio of {}", ratio));
    RandomStream r = stream;
    std::vector<double> v = widen<double>(x);
    for (std::size_t i = 0; i < v.size(); ++i) {
      const bool keep = r.uniform() >= ratio;
      mask.as<std::uint8_t>()[i] = keep;
      v[i] = keep ? v[i] / (1 - ratio) : 0;
    }
    io.set(0, narrow(x.dtype(), x.dims(), v));
    io.set(1, std::move(mask).tensor());
  });
}

constexpr Kernel kKernels[] = {
    {"", "RandomNormal", 1, kAnyVersion, prepare_random<Law::normal>},
    {"", "RandomUniform", 1, kAnyVersion, prepare_random<Law::uniform>},
    {"", "RandomNormalLike", 1, kAnyVersion, prepare_random_like<Law::normal>},
    {"", "RandomUniformLike", 1, kAnyVersion, prepare_random_like<Law::uniform>},
    {"", "Bernoulli", 15, kAnyVersion, prepare_bernoulli},
    {"", "Multinomial", 7, kAnyVersion, prepare_multinomial},
    {"", "Dropout", 1, kAnyVersion, prepare_dropout},
};

}  // namespace

RandomStream stream_of(const OpCall& call, const ExecEnv& env) {
  std::uint64_t seed = env.seed;
  if (const float* f = call.attrs->get<float>("seed")) seed = std::bit_cast<std::uint32_t>(*f);
  if (const int64_t* i = call.attrs->get<int64_t>("seed")) seed = static_cast<std::uint64_t>(*i);
  if (call.node)
    for (char c : call.node->name) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return RandomStream(seed);
}

std::span<const Kernel> random_kernels() { return kKernels; }

}  // namespace onnxopt::ref
