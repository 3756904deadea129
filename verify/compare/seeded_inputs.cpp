#include "verify/compare/seeded_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <deque>
#include <unordered_set>

#include "ir/core/element.h"

namespace onnxopt {

// SplitMix64: small, seedable, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 0x1234567) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }  // [0, 1)
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }

 private:
  std::uint64_t state_;
};

namespace {

// What a symbolic dim is set to, per attempt.
struct Sizes {
  std::int64_t batch, length, image, other;
};
constexpr std::array<Sizes, 11> kAttempts = {{{1, 16, 224, 4},
                                              {1, 8, 64, 1},
                                              {2, 32, 320, 8},
                                              {1, 1, 640, 1},
                                              {1, 128, 512, 16},
                                              {4, 4, 32, 4},
                                              {1, 256, 128, 2},
                                              {1, 512, 96, 3},
                                              {1, 512, 320, 512},
                                              {1, 1536, 256, 1536},
                                              {1, 16000, 160, 16000}}};
constexpr std::int64_t kDefaultIdLimit = 20;       // an integer input of unknown meaning: small, positive
constexpr std::int64_t kLargestInput = 1ll << 28;  // elements; beyond it the assignment of dims is not sensible

std::string lower(std::string_view s) {
  std::string r(s);
  std::transform(r.begin(), r.end(), r.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return r;
}
bool contains_any(const std::string& s, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view w) { return s.find(w) != std::string::npos; });
}

// A step of integer ids from an input towards the table that they index: these ops hand elements through unchanged.
bool passes_elements(const Node& n, std::uint32_t input) {
  if (input != 0) return n.is("Concat");
  return n.is("Cast") || n.is("Identity") || n.is("Reshape") || n.is("Unsqueeze") || n.is("Squeeze") || n.is("Flatten") || n.is("Transpose") ||
         n.is("Slice") || n.is("Concat") || n.is("Expand") || n.is("Tile") || n.is("Split") || n.is("Gather");
}

// The smallest axis that elements of `start` index through Gather and its kin; 0: none found.
std::int64_t index_limit(const Value& start) {
  std::int64_t limit = 0;
  std::unordered_set<const Value*> seen = {&start};
  std::deque<const Value*> work = {&start};
  while (!work.empty() && seen.size() < 256) {
    const Value* v = work.front();
    work.pop_front();
    for (const Use& u : v->uses()) {
      const Node& n = *u.node;
      if (u.index == 1 && (n.is("Gather") || n.is("GatherElements")) && n.input(0) && n.input(0)->type.has_rank()) {
        const Type& data = n.input(0)->type;
        std::int64_t axis = n.attr_or<std::int64_t>("axis", 0);
        if (axis < 0) axis += data.rank();
        if (axis >= 0 && axis < data.rank() && (*data.shape)[static_cast<std::size_t>(axis)].is_value()) {
          const std::int64_t size = (*data.shape)[static_cast<std::size_t>(axis)].value();
          if (size > 0) limit = limit == 0 ? size : std::min(limit, size);
        }
      } else if (passes_elements(n, u.index)) {
        for (const Value* out : n.outputs())
          if (out && seen.insert(out).second) work.push_back(out);
      }
    }
  }
  return limit;
}

void fill_integers(std::vector<std::int64_t>& v, const std::string& name, DType t, std::int64_t limit, const Dims& dims, Random& random) {
  const std::string low = lower(name);
  const std::int64_t last = dims.empty() ? 1 : std::max<std::int64_t>(dims.back(), 1);
  if (low.find("mask") != std::string::npos) return std::fill(v.begin(), v.end(), 1);
  if (low == "sr" || low == "sample_rate" || low == "sampling_rate") return std::fill(v.begin(), v.end(), 16000);
  if (contains_any(low, {"type", "segment"})) return std::fill(v.begin(), v.end(), 0);
  if (low.find("position") != std::string::npos && !dims.empty()) {
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::int64_t>(i) % last;
    return;
  }
  if (low.find("len") != std::string::npos && limit == 0) return std::fill(v.begin(), v.end(), 4);
  std::int64_t high = limit > 0 ? limit : t == DType::uint8 ? 256 : kDefaultIdLimit;
  if (!is_sub_byte(t)) high = std::min<std::int64_t>(high, t == DType::int8 ? 127 : INT32_MAX);
  if (is_sub_byte(t)) high = std::min<std::int64_t>(high, 1ll << (bit_width(t) - (is_signed_integer(t) ? 1 : 0)));
  const std::int64_t low_end = high > 1 ? 1 : 0;  // 0 is often padding
  for (std::int64_t& x : v) x = low_end + random.below(std::max<std::int64_t>(high - low_end, 1));
}

Tensor make_tensor(const std::string& name, DType t, const Dims& dims, std::int64_t limit, Random& random) {
  const auto n = static_cast<std::size_t>(element_count(dims));
  if (t == DType::string) {
    std::vector<std::string> words(n);
    for (std::size_t i = 0; i < n; ++i) words[i] = fmt::format("word{}", i % 7);
    return Tensor::from_strings(dims, std::move(words));
  }
  std::vector<std::byte> bytes(raw_byte_size(t, dims));
  if (is_integer(t)) {
    std::vector<std::int64_t> v(n);
    fill_integers(v, name, t, limit, dims, random);
    store_block<std::int64_t>(t, bytes.data(), 0, static_cast<std::int64_t>(n), v.data());
  } else if (is_complex(t)) {
    std::vector<std::complex<double>> v(n);
    for (auto& x : v) x = {random.unit(), random.unit()};
    store_block<std::complex<double>>(t, bytes.data(), 0, static_cast<std::int64_t>(n), v.data());
  } else {
    std::vector<double> v(n);
    const bool mask = lower(name).find("mask") != std::string::npos;
    for (double& x : v) x = t == DType::boolean ? static_cast<double>(random.below(2)) : mask ? 1.0 : random.unit();
    if (t == DType::boolean && mask) std::fill(v.begin(), v.end(), 1.0);
    store_block<double>(t, bytes.data(), 0, static_cast<std::int64_t>(n), v.data());
  }
  return Tensor::from_bytes(t, dims, std::move(bytes));
}

}  // namespace

SeededInputs::SeededInputs(Model& model) : model_(model) {
  for (Value* v : model.graph().inputs())
    if (!v->constant()) plans_.push_back({v, is_integer(v->type.dtype) ? index_limit(*v) : 0});
}

int SeededInputs::attempts() const { return static_cast<int>(kAttempts.size()); }

Dims SeededInputs::make_dims(const std::string& value_name, const Type& type, const Value* value) {
  const Sizes& sizes = kAttempts[static_cast<std::size_t>(attempt_)];
  Dims dims;
  if (!type.has_rank()) return {sizes.batch, sizes.other};  // unknown rank: rank 2 fits most operators
  const Shape& shape = *type.shape;
  // The name in the file says more than the symbol that inference made up for an anonymous dim.
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].is_value() && (shape[i].value() > 0 || value == nullptr)) {
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
    if (name.rfind("total", 0) == 0) d = 2 * sizes.length;  // past + sequence, as decoders name their masks' length
    else if (name.find("batch") != std::string::npos || name == "n" || name == "b" || name == "none" ||
             (i == 0 && !contains_any(name, {"seq", "len", "time"})))
      d = sizes.batch;
    else if (name.empty() && shape.size() == 3 && i == 1 && shape[0].is_value()) d = sizes.batch;  // recurrent state: [layers, batch, hidden]
    else if (length_like) d = sizes.length;
    else if (shape.size() == 4 && i >= 1) d = i >= 2 ? sizes.image : 3;
    dims_[key] = d;
    dims.push_back(d);
  }
  return dims;
}

RtValue SeededInputs::make_value(const std::string& name, const Type& type, const Plan& plan, Random& random) {
  switch (type.kind) {
    case Type::Kind::tensor: {
      const Dims dims = make_dims(name, type, plan.value);
      if (element_count(dims) > kLargestInput) bad_input(fmt::format("input '{}': {} elements are too many to make up", name, element_count(dims)));
      return make_tensor(name, type.dtype, dims, plan.index_limit, random);
    }
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
    default: bad_input(fmt::format("input '{}': no values can be made up for its type", name));
  }
}

std::vector<RtValue> SeededInputs::make(int attempt, std::uint64_t seed) {
  attempt_ = attempt;
  dims_.clear();
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
