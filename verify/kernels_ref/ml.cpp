// ai.onnx.ml: feature preparation (docs/Operators-ml.md of ONNX). Inputs of rank 1 are one row.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using Vec = std::vector<double>;

std::int64_t columns_of(const Tensor& x) { return x.rank() == 0 ? 1 : x.dims().back(); }

Maybe<RunFn> prepare_scaler(const OpCall& call, ExecEnv&) {
  return RunFn([offset = attr_or<Floats>(call, "offset", {}), scale = attr_or<Floats>(call, "scale", {})](KernelIo& io) {
    Vec x = widen<double>(io.in(0));
    const Dims& dims = io.in(0).dims();
    // One number for all, or one a feature. The text has features in [N, F] alone; beyond that onnx's evaluator takes those of the last axis, ONNX
    // Runtime as many as axis 1 has, and elements take turns. No length means both.
    const auto fits = [&](const Floats& v) {
      const auto n = static_cast<std::int64_t>(v.size());
      return n <= 1 || (!dims.empty() && (n == dims.back() || (dims.size() > 1 && n == dims[1])));
    };
    const auto value = [](const Floats& v, std::size_t i) { return static_cast<double>(v[i % v.size()]); };
    if (!fits(offset) || !fits(scale))
      bad_input(fmt::format("{} offsets and {} scales for a tensor of {}", offset.size(), scale.size(), dims_text(dims)));
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - (offset.empty() ? 0 : value(offset, i))) * (scale.empty() ? 1 : value(scale, i));
    io.set(0, narrow(DType::float32, io.in(0).dims(), x));
  });
}

Maybe<RunFn> prepare_normalizer(const OpCall& call, ExecEnv&) {
  return RunFn([norm = attr_or<std::string>(call, "norm", "MAX")](KernelIo& io) {
    Vec x = widen<double>(io.in(0));
    const auto columns = static_cast<std::size_t>(std::max<std::int64_t>(columns_of(io.in(0)), 1));
    for (std::size_t row = 0; row + columns <= x.size(); row += columns) {
      double total = norm == "MAX" ? -INFINITY : 0;
      for (std::size_t c = row; c < row + columns; ++c)
        total = norm == "MAX" ? std::max(total, x[c]) : total + (norm == "L1" ? std::abs(x[c]) : x[c] * x[c]);
      if (norm == "L2") total = std::sqrt(total);
      for (std::size_t c = row; total != 0 && c < row + columns; ++c) x[c] /= total;
    }
    io.set(0, narrow(DType::float32, io.in(0).dims(), x));
  });
}

template <class C>
Tensor impute(const Tensor& x, const std::vector<C>& values, C missing) {
  std::vector<C> v = widen<C>(x);
  const auto columns = static_cast<std::size_t>(std::max<std::int64_t>(columns_of(x), 1));
  if (values.empty() || (values.size() > 1 && values.size() < columns))
    bad_input(fmt::format("{} imputed values for {} columns", values.size(), columns));
  for (std::size_t i = 0; i < v.size(); ++i)
    if (v[i] == missing || (v[i] != v[i] && missing != missing)) v[i] = values.size() == 1 ? values[0] : values[i % columns];
  return narrow(x.dtype(), x.dims(), v);
}

Maybe<RunFn> prepare_imputer(const OpCall& call, ExecEnv&) {
  const Floats f = attr_or<Floats>(call, "imputed_value_floats", {});
  const Ints n = attr_or<Ints>(call, "imputed_value_int64s", {});
  if (f.empty() && n.empty()) bad_input("attributes 'imputed_value_floats' and 'imputed_value_int64s' are missing");
  return RunFn([=, missing = attr_or<std::int64_t>(call, "replaced_value_int64", 0),
                missing_float = static_cast<double>(attr_or<float>(call, "replaced_value_float", 0))](KernelIo& io) {
    if (f.empty() && is_signed_integer(io.in(0).dtype())) io.set(0, impute<std::int64_t>(io.in(0), n, missing));
    else
      io.set(0, impute<double>(io.in(0), f.empty() ? Vec(n.begin(), n.end()) : Vec(f.begin(), f.end()),
                               f.empty() ? static_cast<double>(missing) : missing_float));
  });
}

void run_array_feature_extractor(KernelIo& io) {
  const Tensor& x = io.in(0);
  const Ints index = ints_of(io.in(1));
  const std::int64_t columns = columns_of(x), rows = columns == 0 ? 0 : x.size() / columns;
  Dims dims = x.rank() <= 1 ? Dims{1} : Dims(x.dims().begin(), x.dims().end() - 1);
  dims.push_back(static_cast<std::int64_t>(index.size()));
  for (std::int64_t i : index)
    if (i < 0 || i >= columns) bad_input(fmt::format("feature {} of {}", i, columns));
  if (x.dtype() == DType::string) {
    std::vector<std::string> out;
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t i : index) out.push_back(x.strings()[static_cast<std::size_t>(r * columns + i)]);
    io.set(0, Tensor::from_strings(dims, std::move(out)));
    return;
  }
  const std::size_t width = static_cast<std::size_t>(bit_width(x.dtype())) / 8;
  Buffer out(x.dtype(), dims);
  std::byte* to = out.bytes();
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i : index) to = std::copy_n(x.bytes().data() + static_cast<std::size_t>(r * columns + i) * width, width, to);
  io.set(0, std::move(out).tensor());
}

Maybe<RunFn> prepare_feature_vectorizer(const OpCall& call, ExecEnv&) {
  return RunFn([wanted = attr_or<Ints>(call, "inputdimensions", {})](KernelIo& io) {
    std::int64_t rows = 0, columns = 0;
    std::vector<std::int64_t> take;
    if (!wanted.empty() && wanted.size() != io.num_inputs())
      bad_input(fmt::format("{} inputdimensions for {} inputs", wanted.size(), io.num_inputs()));
    for (std::size_t i = 0; i < io.num_inputs(); ++i) {
      const Tensor& x = io.in(i);
      const std::int64_t own = x.rank() <= 1 ? 1 : x.dims()[0];  // what stands in a row, of any rank, is its features
      if (i > 0 && own != rows) bad_input(fmt::format("input {} has {} rows, the first has {}", i, own, rows));
      if (i < wanted.size() && wanted[i] < 0) bad_input(fmt::format("inputdimensions: {} for input {}", wanted[i], i));
      rows = own;
      take.push_back(i < wanted.size() ? wanted[i] : own == 0 ? 0 : x.size() / own);
      columns += take.back();
    }
    Vec out(static_cast<std::size_t>(rows * columns));
    std::int64_t at = 0;
    for (std::size_t i = 0; i < io.num_inputs(); at += take[i++]) {
      const Vec x = widen<double>(io.in(i));
      const std::int64_t n = rows == 0 ? 0 : static_cast<std::int64_t>(x.size()) / rows;
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < std::min(n, take[i]); ++c)
          out[static_cast<std::size_t>(r * columns + at + c)] = x[static_cast<std::size_t>(r * n + c)];
    }
    io.set(0, narrow(DType::float32, {rows, columns}, out));
  });
}

// Floats without their fraction; what no integer holds is none of the categories' numbers but the smallest.
Ints whole_numbers(const Tensor& x) {
  if (is_signed_integer(x.dtype())) return widen<std::int64_t>(x);
  Ints r;
  for (const double v : widen<double>(x)) r.push_back(std::abs(v) < 0x1p63 ? static_cast<std::int64_t>(v) : INT64_MIN);
  return r;
}

Maybe<RunFn> prepare_one_hot_encoder(const OpCall& call, ExecEnv&) {
  return RunFn([ints = attr_or<Ints>(call, "cats_int64s", {}), strings = attr_or<Strings>(call, "cats_strings", {}),
                zeros = attr_or<std::int64_t>(call, "zeros", 1) != 0](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.dtype() == DType::string ? strings.empty() : ints.empty()) bad_input(fmt::format("no categories for {}", dtype_name(x.dtype())));
    const std::size_t categories = x.dtype() == DType::string ? strings.size() : ints.size();
    const Ints numbers = x.dtype() == DType::string ? Ints() : whole_numbers(x);
    Vec out(static_cast<std::size_t>(x.size()) * categories);
    for (std::size_t i = 0; i < static_cast<std::size_t>(x.size()); ++i) {
      std::size_t k = 0;
      if (x.dtype() == DType::string) k = static_cast<std::size_t>(std::find(strings.begin(), strings.end(), x.strings()[i]) - strings.begin());
      else k = static_cast<std::size_t>(std::find(ints.begin(), ints.end(), numbers[i]) - ints.begin());
      if (k < categories) out[i * categories + k] = 1;
      else if (!zeros) bad_input("a value that is no category, and zeros is 0");
    }
    Dims dims = x.dims();
    dims.push_back(static_cast<std::int64_t>(categories));
    io.set(0, narrow(DType::float32, dims, out));
  });
}

Maybe<RunFn> prepare_dict_vectorizer(const OpCall& call, ExecEnv&) {
  return RunFn([ints = attr_or<Ints>(call, "int64_vocabulary", {}), strings = attr_or<Strings>(call, "string_vocabulary", {})](KernelIo& io) {
    const auto* map = std::get_if<std::shared_ptr<const RtMap>>(&io.value(0).v);
    if (!map) bad_input("the input is not a map");
    const std::size_t n = strings.empty() ? ints.size() : strings.size();
    Vec out(n);
    DType t = DType::float32;
    for (const auto& [key, value] : (*map)->entries) {
      t = value.tensor().dtype();
      if (t == DType::string) bad_input("maps to strings are not supported");
      std::size_t at = n;
      if (const auto* s = std::get_if<std::string>(&key))
        at = static_cast<std::size_t>(std::find(strings.begin(), strings.end(), *s) - strings.begin());
      else at = static_cast<std::size_t>(std::find(ints.begin(), ints.end(), std::get<std::int64_t>(key)) - ints.begin());
      if (at < n) out[at] = scalar_of<double>(value.tensor());
    }
    io.set(0, narrow(t, {1, static_cast<std::int64_t>(n)}, out));
  });
}

Maybe<RunFn> prepare_zip_map(const OpCall& call, ExecEnv&) {
  return RunFn([ints = attr_or<Ints>(call, "classlabels_int64s", {}), strings = attr_or<Strings>(call, "classlabels_strings", {})](KernelIo& io) {
    const Tensor& x = io.in(0);
    const std::size_t n = strings.empty() ? ints.size() : strings.size();
    if (n == 0 || columns_of(x) != static_cast<std::int64_t>(n)) bad_input(fmt::format("{} labels for {} columns", n, columns_of(x)));
    const Vec values = widen<double>(x);
    RtSequence rows;
    for (std::size_t r = 0; r + n <= values.size(); r += n) {
      RtMap m;
      m.key = strings.empty() ? DType::int64 : DType::string;
      for (std::size_t c = 0; c < n; ++c) {
        RtValue v = Tensor::scalar(static_cast<float>(values[r + c]));
        if (strings.empty()) m.entries.emplace_back(ints[c], std::move(v));
        else m.entries.emplace_back(strings[c], std::move(v));
      }
      RtValue row;
      row.v = std::make_shared<const RtMap>(std::move(m));
      rows.push_back(std::move(row));
    }
    RtValue out;
    out.v = std::make_shared<const RtSequence>(std::move(rows));
    io.set(0, std::move(out));
  });
}

Maybe<RunFn> prepare_binarizer(const OpCall& call, ExecEnv&) {
  return RunFn([threshold = static_cast<double>(attr_or<float>(call, "threshold", 0))](KernelIo& io) {
    Vec x = widen<double>(io.in(0));
    for (double& v : x) v = v > threshold ? 1 : 0;
    io.set(0, narrow(io.in(0).dtype(), io.in(0).dims(), x));
  });
}

constexpr Kernel kKernels[] = {
    {"ai.onnx.ml", "Scaler", 1, kAnyVersion, prepare_scaler},
    {"ai.onnx.ml", "Normalizer", 1, kAnyVersion, prepare_normalizer},
    {"ai.onnx.ml", "Imputer", 1, kAnyVersion, prepare_imputer},
    {"ai.onnx.ml", "ArrayFeatureExtractor", 1, kAnyVersion, simple<run_array_feature_extractor>},
    {"ai.onnx.ml", "FeatureVectorizer", 1, kAnyVersion, prepare_feature_vectorizer},
    {"ai.onnx.ml", "OneHotEncoder", 1, kAnyVersion, prepare_one_hot_encoder},
    {"ai.onnx.ml", "DictVectorizer", 1, kAnyVersion, prepare_dict_vectorizer},
    {"ai.onnx.ml", "ZipMap", 1, kAnyVersion, prepare_zip_map},
    {"ai.onnx.ml", "Binarizer", 1, kAnyVersion, prepare_binarizer},
};

}  // namespace

std::span<const Kernel> ml_kernels() { return kKernels; }

}  // namespace onnxopt::ref
