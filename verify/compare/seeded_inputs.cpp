#include "verify/compare/seeded_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "ir/core/element.h"
#include "verify/compare/input_uses.h"
#include "verify/compare/operand_values.h"
#include "verify/compare/random.h"
#include "verify/exec/deadline.h"

namespace onnxopt {

namespace {

// What a symbolic dim is set to, per attempt; 0: as the fixed dim of some input. `ids`: integers of unknown meaning stay below it; `rank`: of an
// input whose rank nobody knows.
struct Sizes {
  std::int64_t batch, length, image, other, ids;
  std::size_t rank;
};
constexpr std::array<Sizes, 14> kAttempts = {{{1, 16, 224, 4, 20, 2},
                                              {1, 8, 64, 1, 4, 1},
                                              {2, 32, 320, 8, 20, 4},
                                              {1, 1, 640, 1, 2, 3},
                                              {1, 128, 512, 16, 20, 0},
                                              {4, 4, 32, 4, 4, 2},
                                              {1, 256, 128, 2, 1, 1},
                                              {1, 512, 96, 3, 2, 3},
                                              {1, 512, 320, 512, 20, 4},
                                              {1, 1536, 256, 1536, 20, 2},
                                              {1, 16000, 160, 16000, 20, 2},
                                              {3, 3, 96, 3, 2, 3},
                                              {1, 16, 224, 0, 20, 2},
                                              {0, 0, 0, 0, 20, 2}}};
constexpr std::int64_t kMostElements = 1ll << 28;  // of all inputs together; beyond it the assignment of dims is not sensible

std::string lower(std::string_view s) {
  std::string r(s);
  std::transform(r.begin(), r.end(), r.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return r;
}
bool contains_any(const std::string& s, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return s.find(w) != std::string::npos; });
}

// Multiples of 32 stay such: networks halve images five times.
std::int64_t other_size(std::int64_t d) {
  if (d % 32 == 0 && d > 32) return std::max<std::int64_t>(d / 64, 1) * 32;
  return d % 8 == 0 ? d + 8 : d + 1;
}

// What make_value() knows of the tensor to fill.
struct Wanted {
  std::string name;  // in lower case: it tells the likely meaning
  DType dtype;
  Dims dims;
  std::int64_t limit;  // ids must stay below it; 0: unknown
  InputStyle style;
  Sizes sizes;
  std::int64_t length;  // of the sequences that a tensor of lengths speaks of
  bool flag;            // it is used as a mask
  DivisorRole divisor;
  std::int64_t last() const { return dims.empty() ? 1 : std::max<std::int64_t>(dims.back(), 1); }
  bool is_mask() const { return flag || name.find("mask") != std::string::npos; }
  // Masks end early in the centered style: the last quarter of each row is padding.
  bool masked_in(std::size_t i) const {
    return style != InputStyle::centered || static_cast<std::int64_t>(i) % last() < std::max<std::int64_t>(last() - last() / 4, 1);
  }
};

void fill_integers(std::vector<std::int64_t>& v, std::size_t first, const Wanted& w, Random& random) {
  if (w.is_mask()) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = w.masked_in(first + i);
    return;
  }
  if (w.name == "sr" || w.name == "sample_rate" || w.name == "sampling_rate") return std::fill(v.begin(), v.end(), 16000);
  if (contains_any(w.name, {"type", "segment"})) return std::fill(v.begin(), v.end(), 0);
  if (w.name.find("position") != std::string::npos && !w.dims.empty()) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::int64_t>(first + i) % w.last();
    return;
  }
  if (w.name.find("len") != std::string::npos && w.limit == 0)
    return std::fill(v.begin(), v.end(), w.style == InputStyle::centered ? std::max<std::int64_t>(w.length - w.length / 4, 1) : w.length);
  std::int64_t high = w.limit > 0 ? w.limit : w.dtype == DType::uint8 ? 256 : w.sizes.ids;
  if (!is_sub_byte(w.dtype)) high = std::min<std::int64_t>(high, w.dtype == DType::int8 ? 127 : INT32_MAX);
  if (is_sub_byte(w.dtype)) high = std::min<std::int64_t>(high, 1ll << (bit_width(w.dtype) - (is_signed_integer(w.dtype) ? 1 : 0)));
  std::int64_t low = high > 1 && w.style == InputStyle::likely ? 1 : 0;        // 0 is often padding
  if (w.style == InputStyle::wide && is_signed_integer(w.dtype)) low = -high;  // as an index it counts from the end
  for (std::int64_t& x : v) x = low + random.below(std::max<std::int64_t>(high - low, 1));
}

// 0 as a divisor is an error: factors of one are at least 1, what they are divided by at most 1.
void keep_divisible(std::vector<std::int64_t>& v, const Wanted& w) {
  if (w.divisor == DivisorRole::none || w.limit == 1) return;
  for (std::int64_t& x : v)
    if (x == 0 || w.divisor == DivisorRole::divides) x = x < 0 ? -1 : 1;
}
void keep_divisible(double& x, const Wanted& w) {
  if (w.divisor == DivisorRole::none) return;
  const double size = w.divisor == DivisorRole::factor ? 1 + std::abs(x) : 1 / (1 + std::abs(x));
  x = w.dtype == DType::boolean ? 1 : std::copysign(size, x);
}

double made_up_float(const Wanted& w, Random& random) {
  const double x = random.unit();
  switch (w.style) {
    case InputStyle::centered: return 2 * x - 1;
    case InputStyle::wide: return w.dims.size() >= 3 ? std::floor(255 * x) : 16 * x - 8;
    default: return x;
  }
}

constexpr std::size_t kBlock = std::size_t{1} << 16;

// Elements [first, first + n): a large input is not held twice.
void fill_block(std::byte* bytes, std::size_t first, std::size_t n, const Wanted& w, Random& random) {
  const DType t = w.dtype;
  const auto store = [&](const auto& v) { store_block(t, bytes, static_cast<std::int64_t>(first), static_cast<std::int64_t>(n), v.data()); };
  if (is_integer(t)) {
    std::vector<std::int64_t> v(n);
    fill_integers(v, first, w, random);
    keep_divisible(v, w);
    store(v);
  } else if (is_complex(t)) {
    std::vector<std::complex<double>> v(n);
    for (auto& x : v) {
      const double re = made_up_float(w, random);
      x = {re, made_up_float(w, random)};
    }
    store(v);
  } else {
    std::vector<double> v(n);
    for (std::size_t i = 0; i < n; ++i) {
      if (w.is_mask()) v[i] = t == DType::boolean && !w.masked_in(first + i) ? 0 : 1;
      else v[i] = t == DType::boolean ? static_cast<double>(random.below(2)) : made_up_float(w, random);
      keep_divisible(v[i], w);
    }
    store(v);
  }
}

Tensor make_tensor(const Wanted& w, Random& random) {
  const DType t = w.dtype;
  const auto n = static_cast<std::size_t>(element_count(w.dims));
  if (t == DType::string) {
    std::vector<std::string> words(n);
    for (std::size_t i = 0; i < n; ++i)
      words[i] = fmt::format("word{}", w.style == InputStyle::likely ? static_cast<std::int64_t>(i % 7) : random.below(9));
    return Tensor::from_strings(w.dims, std::move(words));
  }
  std::vector<std::byte> bytes(raw_byte_size(t, w.dims));
  DeadlineWatch watch;
  for (std::size_t first = 0; first < n; first += kBlock) {
    const std::size_t count = std::min(kBlock, n - first);
    fill_block(bytes.data(), first, count, w, random);
    watch.did(10 * static_cast<std::int64_t>(count));
  }
  return Tensor::from_bytes(t, w.dims, std::move(bytes));
}

Tensor of_elements(DType t, const Dims& dims, const std::vector<std::int64_t>& v) {
  std::vector<std::byte> bytes(raw_byte_size(t, dims));
  store_block(t, bytes.data(), 0, static_cast<std::int64_t>(v.size()), v.data());
  return Tensor::from_bytes(t, dims, std::move(bytes));
}

}  // namespace

SeededInputs::SeededInputs(Model& model) : model_(model) {
  for (Value* v : model.graph().inputs())
    if (!v->constant()) {
      const std::int64_t limit = is_integer(v->type.dtype) ? index_limit(*v) : 0;
      const bool flags = is_integer(v->type.dtype) && limit == 0 && v->type.has_rank() && v->type.rank() >= 2 && is_flag(*v);
      plans_.push_back({v, limit, flags, divisor_role(*v), is_integer(v->type.dtype) ? operand_values(*v) : std::vector<std::int64_t>()});
    }
  for (const Plan& p : plans_)
    if (p.value->type.is_tensor() && p.value->type.has_rank())
      for (const Dim& d : *p.value->type.shape)
        if (d.is_value()) fixed_ = std::max(fixed_, d.value());
}

int SeededInputs::attempts() const { return static_cast<int>(kAttempts.size()); }

Dims SeededInputs::make_dims(const std::string& value_name, const Type& type) {
  Sizes sizes = kAttempts[static_cast<std::size_t>(attempt_)];
  for (std::int64_t* size : {&sizes.batch, &sizes.length, &sizes.image, &sizes.other})
    if (*size == 0) *size = fixed_;
  if (other_sizes_ != OtherSizes::none) sizes.batch = other_size(sizes.batch);
  if (other_sizes_ == OtherSizes::all)
    for (std::int64_t* size : {&sizes.length, &sizes.image, &sizes.other}) *size = other_size(*size);
  const bool as_fixed = kAttempts[static_cast<std::size_t>(attempt_)].other == 0;
  Dims dims;
  if (!type.has_rank()) {
    constexpr std::int64_t kMost = 64;  // along each axis of several: the operator that reads it is a guess as well
    Dims guess(sizes.rank, sizes.rank > 2 ? std::min(sizes.other, kMost) : sizes.other);
    if (sizes.rank > 0) guess[0] = sizes.batch;
    return guess;
  }
  const Shape& shape = *type.shape;
  const bool channels_last = shape.size() == 4 && shape[3].is_value() && shape[3].value() <= 4;
  const bool samples = shape.size() <= 3 && contains_any(lower(value_name), {"wav", "audio", "signal", "pcm", "samples", "speech"});
  // The name in the file says more than the symbol that inference made up for an anonymous dim.
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].is_value()) {
      dims.push_back(shape[i].value());
      continue;
    }
    const bool anonymous = !shape[i].is_symbolic() || model_.symbols().is_anonymous(shape[i]);
    const std::string key = anonymous ? fmt::format("{}.{}", value_name, i) : model_.symbols().to_string(shape[i]);
    if (const auto it = dims_.find(key); it != dims_.end()) {
      dims.push_back(it->second);
      continue;
    }
    const std::string name = anonymous ? std::string() : lower(key);
    const bool length_like = contains_any(name, {"seq", "len", "time", "token", "word", "frame", "past"});
    std::int64_t d = sizes.other;
    if (as_fixed && shape.size() == 1) d = fixed_;
    else if (name.rfind("total", 0) == 0) d = 2 * sizes.length;  // past + sequence, as decoders name their masks' length
    else if (name.find("batch") != std::string::npos || (name == "n" && i == 0) || name == "b" || name == "none" ||
             (i == 0 && !contains_any(name, {"seq", "len", "time"})))
      d = sizes.batch;
    else if (name.empty() && shape.size() == 3 && i == 1 && shape[0].is_value()) d = sizes.batch;  // recurrent state: [layers, batch, hidden]
    else if ((samples && i + 1 == shape.size()) || name.find("sample") != std::string::npos) d = attempt_ % 2 == 0 ? 16000 : sizes.length;
    else if (length_like) d = sizes.length;
    else if (shape.size() == 4 && i >= 1) d = i >= 2 || channels_last ? sizes.image : 3;
    dims_[key] = d;
    dims.push_back(d);
  }
  return dims;
}

RtValue SeededInputs::make_tensor_value(const std::string& name, const Type& type, const Plan& plan, Random& random) {
  const Dims dims = make_dims(name, type);
  const std::int64_t count = with_context(fmt::format("input '{}'", name), [&] { return element_count(dims); });
  if (count > kMostElements - elements_) bad_input(fmt::format("input '{}': {} elements are too many to make up", name, count));
  elements_ += count;
  if (type.dtype == DType::undefined) bad_input(fmt::format("input '{}': its element type is not known", name));
  if (std::chrono::steady_clock::now() > deadline_) throw Error(ExitCode::gate_failed, "timed out");
  if (!plan.wanted.empty() && count == static_cast<std::int64_t>(plan.wanted.size())) return of_elements(type.dtype, dims, plan.wanted);
  return make_tensor(
      {lower(name), type.dtype, dims, plan.index_limit, style_, kAttempts[static_cast<std::size_t>(attempt_)], length_, plan.flag, plan.divisor},
      random);
}

RtValue SeededInputs::make_value(const std::string& name, const Type& type, const Plan& plan, Random& random) {
  switch (type.kind) {
    case Type::Kind::tensor: return make_tensor_value(name, type, plan, random);
    case Type::Kind::sparse_tensor: return make_sparse(name, type, plan, random);
    case Type::Kind::sequence: {
      RtSequence items;
      for (int i = 0; i < 3; ++i) items.push_back(make_value(name, *type.elem, plan, random));
      RtValue r;
      r.v = std::make_shared<const RtSequence>(std::move(items));
      r.type = type;
      return r;
    }
    case Type::Kind::optional: {
      RtValue r = make_value(name, *type.elem, plan, random);
      if (style_ == InputStyle::centered && random.below(2) == 0) r = RtValue();  // present in the likely style, now and then absent in this one
      r.type = type;
      return r;
    }
    case Type::Kind::map: {
      RtMap m;
      m.key = type.dtype;
      for (std::int64_t i = 0; i < 3; ++i) {
        Type value_type = *type.elem;
        if (value_type.is_tensor() && !value_type.has_rank()) value_type.shape = Shape{};
        RtValue value = make_value(name, value_type, plan, random);
        if (type.dtype == DType::string) m.entries.emplace_back(fmt::format("word{}", i), std::move(value));
        else m.entries.emplace_back(i, std::move(value));
      }
      RtValue r;
      r.v = std::make_shared<const RtMap>(std::move(m));
      r.type = type;
      return r;
    }
    default:
      if (plan.value->unused()) return {};  // it went into operators that were cut out
      bad_input(fmt::format("input '{}': no values can be made up for its type", name));
  }
}

// Every third element or so, in order of their positions.
RtValue SeededInputs::make_sparse(const std::string& name, const Type& type, const Plan& plan, Random& random) {
  SparseTensor s;
  s.dims = make_dims(name, type);
  std::vector<std::int64_t> at;
  const std::int64_t total = with_context(fmt::format("input '{}'", name), [&] { return element_count(s.dims); });
  if (total > kMostElements) bad_input(fmt::format("input '{}': {} elements are too many to make up", name, total));
  for (std::int64_t i = random.below(3); i < total; i += 1 + random.below(4)) at.push_back(i);
  Type values = Type::tensor(type.dtype, Shape{Dim(static_cast<std::int64_t>(at.size()))});
  s.values = make_value(name, values, plan, random).tensor();
  s.indices = Tensor::int64s(at);
  RtValue r;
  r.v = std::make_shared<const SparseTensor>(std::move(s));
  return r;
}

// The first free dim behind the batch is what lengths are lengths of; where none is free, the second dim.
std::int64_t SeededInputs::sequence_length() {
  std::int64_t fixed = 0;
  for (const Plan& p : plans_) {
    const Type& type = p.value->type;
    if (!type.is_tensor() || !type.has_rank() || type.rank() < 2) continue;
    const Dims dims = make_dims(p.value->name(), type);
    for (std::size_t i = 1; i < dims.size(); ++i)
      if (!(*type.shape)[i].is_value()) return dims[i];
    if (fixed == 0) fixed = dims[1];
  }
  return fixed > 0 ? fixed : 4;
}

// All named dims, so that one that is a sum of others ("past_sequence_length + 1") is that sum, whichever of them an input has first.
void SeededInputs::assign_dims() {
  dims_.clear();
  for (const Plan& p : plans_)
    if (p.value->type.is_tensor()) make_dims(p.value->name(), p.value->type);
  std::unordered_map<std::string, Dim> known;
  for (const auto& [name, size] : dims_) known.emplace(name, Dim(size));
  for (const Plan& p : plans_) {
    if (!p.value->type.is_tensor() || !p.value->type.has_rank()) continue;
    for (const Dim& d : *p.value->type.shape) {
      if (!d.is_symbolic() || model_.symbols().is_anonymous(d)) continue;
      const Dim size = model_.symbols().substitute(d, known);
      if (size.is_value() && size.value() > 0) dims_[model_.symbols().to_string(d)] = size.value();
    }
  }
}

std::vector<RtValue> SeededInputs::make(int attempt, std::uint64_t seed, InputStyle style, OtherSizes sizes) {
  attempt_ = attempt;
  style_ = style;
  other_sizes_ = sizes;
  elements_ = 0;
  assign_dims();
  length_ = sequence_length();
  Random random(seed * 1000003 + 17);
  std::vector<RtValue> r;
  for (const Plan& p : plans_) r.push_back(make_value(p.value->name(), p.value->type, p, random));
  return r;
}

std::string SeededInputs::dims_text() const {
  std::string r;
  for (const auto& [name, value] : dims_) r += fmt::format("{}{}={}", r.empty() ? "" : ", ", name, value);
  return r;
}

}  // namespace onnxopt
