// ai.onnx.ml: operators that map labels to labels, and maps to tensors.
#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::size_t;

constexpr size_t kNone = SIZE_MAX;

// The attribute `stem`_tensor, _strings, _int64s or _floats as a tensor; none of them: no tensor.
Tensor list_of(const OpCall& call, const std::string& stem) {
  const auto dims = [](const auto& v) { return Dims{static_cast<int64_t>(v.size())}; };
  if (const auto* t = call.attrs->get<Tensor>(stem + "_tensor")) return *t;
  if (const auto* s = call.attrs->get<Strings>(stem + "_strings"); s && !s->empty()) return Tensor::from_strings(dims(*s), *s);
  if (const auto* i = call.attrs->get<Ints>(stem + "_int64s"); i && !i->empty()) return Tensor::of<int64_t>(dims(*i), *i);
  if (const auto* f = call.attrs->get<Floats>(stem + "_floats"); f && !f->empty()) return Tensor::of<float>(dims(*f), *f);
  return {};
}

// Finds elements of one type; all NaN are the same key, and the last of equal keys counts.
class KeyIndex {
 public:
  explicit KeyIndex(const Tensor& keys) : type_(keys.dtype()) {
    for (size_t i = 0; i < static_cast<size_t>(keys.size()); ++i) {
      if (type_ == DType::string) strings_[keys.strings()[i]] = i;
      else if (carrier_of(type_) == Carrier::f64) add(load_element<double>(type_, keys.bytes().data(), static_cast<int64_t>(i)), i);
      else ints_[load_element<int64_t>(type_, keys.bytes().data(), static_cast<int64_t>(i))] = i;
    }
  }
  // Position of each element's key, or kNone.
  std::vector<size_t> find(const Tensor& x) const {
    if (x.dtype() != type_) bad_input(fmt::format("keys are {}, the input is {}", dtype_name(type_), dtype_name(x.dtype())));
    std::vector<size_t> at;
    if (type_ == DType::string)
      for (const std::string& s : x.strings()) at.push_back(look_up(strings_, s));
    else if (carrier_of(type_) == Carrier::f64)
      for (double v : widen<double>(x)) at.push_back(std::isnan(v) ? nan_ : look_up(floats_, v));
    else
      for (int64_t v : widen<int64_t>(x)) at.push_back(look_up(ints_, v));
    return at;
  }

 private:
  void add(double key, size_t i) {
    if (std::isnan(key)) nan_ = i;
    else floats_[key] = i;
  }
  template <class Map, class Key>
  static size_t look_up(const Map& map, const Key& key) {
    auto it = map.find(key);
    return it == map.end() ? kNone : it->second;
  }
  DType type_;
  std::unordered_map<std::string, size_t> strings_;
  std::unordered_map<double, size_t> floats_;  // 0 and -0 are equal, in hash too
  std::unordered_map<int64_t, size_t> ints_;
  size_t nan_ = kNone;
};

template <class C>
Tensor pick_numbers(const Tensor& values, const Tensor& otherwise, const std::vector<size_t>& at, const Dims& dims) {
  const auto from = widen<C>(values);
  const C missing = scalar_of<C>(otherwise);
  std::vector<C> out;
  out.reserve(at.size());
  for (size_t i : at) out.push_back(i == kNone ? missing : from[i]);
  return narrow(values.dtype(), dims, out);
}
// values[at[i]], or `otherwise` (one element of the same type) where at[i] is kNone.
Tensor pick(const Tensor& values, const Tensor& otherwise, const std::vector<size_t>& at, const Dims& dims) {
  if (values.dtype() != DType::string)
    return carrier_of(values.dtype()) == Carrier::f64 ? pick_numbers<double>(values, otherwise, at, dims)
                                                      : pick_numbers<int64_t>(values, otherwise, at, dims);
  std::vector<std::string> out;
  out.reserve(at.size());
  for (size_t i : at) out.push_back(i == kNone ? otherwise.strings()[0] : values.strings()[i]);
  return Tensor::from_strings(dims, std::move(out));
}

// The default of the type of `values`.
Tensor default_for(const OpCall& call, DType t) {
  if (const auto* stated = call.attrs->get<Tensor>("default_tensor")) {
    if (stated->dtype() != t || stated->size() != 1)
      bad_input(fmt::format("default_tensor is {} of {}; one {} is expected", dtype_name(stated->dtype()), dims_text(stated->dims()), dtype_name(t)));
    return *stated;
  }
  if (t == DType::string) return Tensor::from_strings({}, {attr_or<std::string>(call, "default_string", "_Unused")});
  if (carrier_of(t) == Carrier::f64) return narrow<double>(t, {}, {static_cast<double>(attr_or<float>(call, "default_float", -0.0F))});
  return narrow<int64_t>(t, {}, {attr_or<int64_t>(call, "default_int64", -1)});
}

Maybe<RunFn> prepare_label_encoder(const OpCall& call, ExecEnv&) {
  const Tensor keys = list_of(call, "keys"), values = list_of(call, "values");
  if (!keys || !values || keys.size() != values.size())
    bad_input(fmt::format("{} keys and {} values", keys ? keys.size() : 0, values ? values.size() : 0));
  return RunFn([index = KeyIndex(keys), values, otherwise = default_for(call, values.dtype())](KernelIo& io) {
    io.set(0, pick(values, otherwise, index.find(io.in(0)), io.in(0).dims()));
  });
}

// LabelEncoder-1: a class is its position, in either direction.
Maybe<RunFn> prepare_label_encoder_1(const OpCall& call, ExecEnv&) {
  const auto classes = attr<Strings>(call, "classes_strings");
  Ints numbers(classes.size());
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int64_t>(i);
  const Tensor names = Tensor::from_strings({static_cast<int64_t>(classes.size())}, classes), places = Tensor::int64s(numbers);
  return RunFn([names, places, from_names = KeyIndex(names), from_places = KeyIndex(places), no_name = default_for(call, DType::string),
                no_place = default_for(call, DType::int64)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.dtype() == DType::string) io.set(0, pick(places, no_place, from_names.find(x), x.dims()));
    else io.set(0, pick(names, no_name, from_places.find(x), x.dims()));
  });
}

Maybe<RunFn> prepare_category_mapper(const OpCall& call, ExecEnv&) {
  const Tensor names = list_of(call, "cats"), places = Tensor::int64s(attr_or<Ints>(call, "cats_int64s", {}));
  if (!names || names.dtype() != DType::string || names.size() != places.size())
    bad_input("cats_strings and cats_int64s must be there and have the same length");
  return RunFn([names, places, from_names = KeyIndex(names), from_places = KeyIndex(places), no_name = default_for(call, DType::string),
                no_place = default_for(call, DType::int64)](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.dtype() == DType::string) io.set(0, pick(places, no_place, from_names.find(x), x.dims()));
    else io.set(0, pick(names, no_name, from_places.find(x), x.dims()));
  });
}

// One value of a map as the type that CastMap makes. Text that is no number is an error.
std::string cast_text(const Tensor& v) { return v.dtype() == DType::string ? v.strings()[0] : fmt::format("{:f}", scalar_of<double>(v)); }
double cast_number(const Tensor& v, bool integer) {
  if (v.dtype() != DType::string) return integer ? std::trunc(scalar_of<double>(v)) : scalar_of<double>(v);
  try {
    return integer ? static_cast<double>(std::stoll(v.strings()[0])) : static_cast<double>(std::stof(v.strings()[0]));
  } catch (const std::exception&) {
    bad_input(fmt::format("'{}' is not a number", v.strings()[0]));
  }
}

// Values in order of their keys: as they are (DENSE), or at the places that the keys say, of max_map ones (SPARSE).
Maybe<RunFn> prepare_cast_map(const OpCall& call, ExecEnv&) {
  const auto to = attr_or<std::string>(call, "cast_to", "TO_FLOAT"), form = attr_or<std::string>(call, "map_form", "DENSE");
  if (to != "TO_FLOAT" && to != "TO_STRING" && to != "TO_INT64") bad_input(fmt::format("cast_to '{}'", to));
  if (form != "DENSE" && form != "SPARSE") bad_input(fmt::format("map_form '{}'", form));
  const auto width = attr_or<int64_t>(call, "max_map", 1);
  if (width < 0) bad_input(fmt::format("a max_map of {}", width));
  return RunFn([to, sparse = form == "SPARSE", width](KernelIo& io) {
    const auto* map = std::get_if<std::shared_ptr<const RtMap>>(&io.value(0).v);
    if (map == nullptr || (*map)->key != DType::int64) bad_input("the input is not a map of integers");
    std::vector<std::pair<int64_t, const RtValue*>> entries;
    for (const auto& [key, value] : (*map)->entries) entries.emplace_back(std::get<int64_t>(key), &value);
    std::sort(entries.begin(), entries.end());
    const size_t n = sparse ? static_cast<size_t>(width) : entries.size();
    std::vector<const RtValue*> at(n);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (sparse && entries[i].first < 0) bad_input(fmt::format("a negative key: {}", entries[i].first));
      if (!sparse) at[i] = entries[i].second;
      else if (entries[i].first < width) at[static_cast<size_t>(entries[i].first)] = entries[i].second;
    }
    const Dims dims = {1, static_cast<int64_t>(n)};
    if (to == "TO_STRING") {
      std::vector<std::string> out;
      for (const RtValue* v : at) out.push_back(v ? cast_text(v->tensor()) : "0.f");  // the filler of ONNX Runtime
      return io.set(0, Tensor::from_strings(dims, std::move(out)));
    }
    const bool integer = to == "TO_INT64";
    std::vector<double> out;
    for (const RtValue* v : at) out.push_back(v ? cast_number(v->tensor(), integer) : 0);
    io.set(0, narrow(integer ? DType::int64 : DType::float32, dims, out));
  });
}

constexpr Kernel kKernels[] = {
    {"ai.onnx.ml", "LabelEncoder", 1, 1, prepare_label_encoder_1},
    {"ai.onnx.ml", "LabelEncoder", 2, kAnyVersion, prepare_label_encoder},
    {"ai.onnx.ml", "CategoryMapper", 1, kAnyVersion, prepare_category_mapper},
    {"ai.onnx.ml", "CastMap", 1, kAnyVersion, prepare_cast_map},
};

}  // namespace

std::span<const Kernel> ml_label_kernels() { return kKernels; }

}  // namespace onnxopt::ref
