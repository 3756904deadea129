#include "tests/tools/fuzz_inputs.h"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "ir/core/element.h"

namespace onnxopt::fuzz {
namespace {

enum class Style { ordinary, wide, special, huge, edges, flat };
struct Plan {
  Style style;
  int sizes;  // 0: small ones by chance; 1: all ones; 2: one of them 0; 3: multiples of 4
};
constexpr Plan kPlans[kInputSets] = {{Style::ordinary, 0}, {Style::ordinary, 3}, {Style::special, 0}, {Style::wide, 1}, {Style::ordinary, 2},
                                     {Style::huge, 0},     {Style::edges, 3},    {Style::wide, 0},    {Style::flat, 0}};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kMostElements = 20000;

class Maker {
 public:
  Maker(Model& m, const Plan& plan, std::uint64_t seed) : model_(m), plan_(plan), random_(seed) {}

  InputSet make() {
    for (Value* v : model_.graph().inputs())
      if (!v->constant()) one(*v);
    set_.special = plan_.style == Style::special;
    if (zeros_ > 1) bad_input("two dims are 0");
    return std::move(set_);
  }

 private:
  std::int64_t some_size() {
    static constexpr std::int64_t kSmall[] = {1, 2, 3, 4, 5, 6, 8, 2, 3}, kFours[] = {4, 8, 4, 12, 16};
    if (plan_.sizes == 2 && !zero_given_ && random_.below(2) == 0) {
      zero_given_ = true;
      ++zeros_;
      return 0;
    }
    return plan_.sizes == 1 ? 1 : plan_.sizes == 3 ? kFours[random_.below(5)] : kSmall[random_.below(9)];
  }

  std::int64_t size_of(Dim d) {
    if (d.is_value()) {
      zeros_ += d.value() == 0;
      return d.value();
    }
    if (d.is_unknown()) return some_size();
    const std::string text = model_.symbols().to_string(d);
    std::string name;  // each symbol of the expression gets a size
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_')) {
        name += text[i];
        continue;
      }
      if (!name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) && !sizes_.contains(name)) sizes_[name] = Dim(some_size());
      name.clear();
    }
    const Dim now = model_.symbols().substitute(d, sizes_);
    if (now.is_value() && now.value() >= 0) return now.value();
    return (sizes_[text] = Dim(some_size())).value();
  }

  double some_float() {
    const double x = random_.unit();
    switch (plan_.style) {
      case Style::special: {
        static constexpr double kSpecial[] = {kInfinity, -kInfinity, -0.0, 0.0};
        if (random_.below(3) != 0) return 4 * x - 2;
        const std::int64_t k = random_.below(5);
        return k == 4 ? std::nan("") : kSpecial[k];
      }
      case Style::huge: {
        static constexpr double kHuge[] = {3e38, -3e38, 1e-40, -1e-40, 1e20, -1e20, 65504, 1e-8, 1, -1};
        return kHuge[random_.below(std::size(kHuge))];
      }
      case Style::wide: return 16 * x - 8;
      case Style::edges: return std::floor(7 * x) - 3;
      case Style::flat: return flat_;
      default: return 2 * x - 1;
    }
  }

  std::int64_t some_int(DType t) {
    switch (plan_.style) {
      case Style::edges: {
        static constexpr std::int64_t kEdges[] = {0, 1, -1, 2, -2, 3};
        const std::int64_t k = random_.below(8);
        if (k == 6) return static_cast<std::int64_t>(std::max(lowest_value(t), -9.2e18));
        return k == 7 ? (t == DType::int64 || t == DType::uint64 ? INT64_MAX : static_cast<std::int64_t>(highest_value(t))) : kEdges[k];
      }
      case Style::wide:
      case Style::special: return random_.below(9) - 4;
      case Style::flat: return random_.below(2);
      default: return random_.below(4);
    }
  }

  void one(Value& v) {
    const Type t = v.type;
    if (!t.is_tensor() || t.dtype == DType::undefined || is_complex(t.dtype)) bad_input("not a tensor of numbers");
    Dims d;
    if (t.shape)
      for (const Dim& s : *t.shape) d.push_back(size_of(s));
    else
      for (std::int64_t rank = random_.below(5); rank > 0; --rank) d.push_back(some_size());
    if (element_count(d) > kMostElements) bad_input("too large");
    set_.values.emplace_back(tensor(t.dtype, d));
    describe(v.name(), set_.values.back().tensor());
  }

  Tensor tensor(DType t, const Dims& d) {
    const std::int64_t n = element_count(d);
    if (t == DType::string) {
      std::vector<std::string> words;
      for (std::int64_t i = 0; i < n; ++i) words.push_back(fmt::format("word{}", random_.below(5)));
      return Tensor::from_strings(d, std::move(words));
    }
    std::vector<std::byte> bytes(raw_byte_size(t, d));
    for (std::int64_t i = 0; i < n; ++i) {
      if (is_float(t)) {
        const double x = some_float();
        store_element<double>(t, bytes.data(), i, x);
        const double stored = load_element<double>(t, bytes.data(), i);
        set_.finite = set_.finite && std::isfinite(stored) && std::abs(stored) < 1e5 && (stored == 0 || std::abs(stored) > 1e-9);
      } else {
        store_element<std::int64_t>(t, bytes.data(), i, t == DType::boolean ? random_.below(2) : some_int(t));
      }
    }
    return Tensor::from_bytes(t, d, std::move(bytes));
  }

  void describe(const std::string& name, const Tensor& t) {
    set_.text += fmt::format("  {}[{}] {}", dtype_name(t.dtype()), fmt::join(t.dims(), ","), name);
    if (t.size() <= 64 && t.dtype() != DType::string) {
      set_.text += " = {";
      for (std::int64_t i = 0; i < t.size(); ++i)
        set_.text += is_float(t.dtype()) ? fmt::format("{}{:.9g}", i ? ", " : "", load_element<double>(t.dtype(), t.bytes().data(), i))
                                         : fmt::format("{}{}", i ? ", " : "", load_element<std::int64_t>(t.dtype(), t.bytes().data(), i));
      set_.text += "}";
    }
    set_.text += "\n";
  }

  Model& model_;
  Plan plan_;
  Random random_;
  InputSet set_;
  std::unordered_map<std::string, Dim> sizes_;
  bool zero_given_ = false;
  int zeros_ = 0;
  double flat_ = std::floor(4 * random_.unit()) - 1;
};

}  // namespace

InputSet make_inputs(Model& model, int which, std::uint64_t seed) {
  return Maker(model, kPlans[which], seed * 31 + static_cast<std::uint64_t>(which)).make();
}

}  // namespace onnxopt::fuzz
