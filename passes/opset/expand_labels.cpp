// LabelEncoder of ai.onnx.ml 4, whose keys and values are tensors of any type: the place of the key is looked up, and the value gathered.
#include <algorithm>
#include <cmath>
#include <set>

#include "ir/core/element.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

// `name`_tensor, or a list of strings, integers or floats. Nothing: there is none.
Tensor listed(const Expansion& e, const std::string& name) {
  if (const auto* t = e.node().attrs().get<Tensor>(name + "_tensor")) return *t;
  if (const auto* s = e.node().attrs().get<Strings>(name + "_strings")) return Tensor::from_strings({static_cast<std::int64_t>(s->size())}, *s);
  if (const auto* i = e.node().attrs().get<Ints>(name + "_int64s")) return Tensor::int64s(*i);
  if (const auto* f = e.node().attrs().get<Floats>(name + "_floats"))
    return Tensor::of<float>({static_cast<std::int64_t>(f->size())}, std::vector<float>(f->begin(), f->end()));
  return {};
}

Tensor default_of(const Expansion& e, DType t) {
  if (const auto* d = e.node().attrs().get<Tensor>("default_tensor")) return *d;
  if (t == DType::string) return Tensor::from_strings({1}, {e.text("default_string", "_Unused")});
  if (t == DType::int64) return Tensor::int64s({e.integer("default_int64", -1)});
  return t == DType::float32 ? Tensor::of<float>({1}, {e.real("default_float", -0.0f)}) : Tensor();
}

// The values, and the default behind them.
Tensor joined(const Tensor& values, const Tensor& otherwise) {
  const Dims dims{values.size() + 1};
  if (values.dtype() == DType::string) {
    Strings all(values.strings().begin(), values.strings().end());
    all.push_back(otherwise.strings()[0]);
    return Tensor::from_strings(dims, std::move(all));
  }
  std::vector<std::byte> bytes(values.bytes().begin(), values.bytes().end());
  bytes.insert(bytes.end(), otherwise.bytes().begin(), otherwise.bytes().end());
  return Tensor::from_bytes(values.dtype(), dims, std::move(bytes));
}

bool distinct_numbers(const Tensor& keys) {
  std::vector<double> all(static_cast<std::size_t>(keys.size()));
  if (!all.empty()) load_block<double>(keys.dtype(), keys.bytes().data(), 0, keys.size(), all.data());
  const std::set<double> set(all.begin(), all.end());
  return set.size() == all.size() && std::ranges::none_of(all, [](double v) { return std::isnan(v) || std::abs(v) > 9007199254740992.0; });
}

// As ai.onnx.ml 2 has them. Empty: it has no such list.
Attrs in_lists(const Tensor& keys, const Tensor& values, const Tensor& otherwise) {
  Attrs attrs;
  const auto put = [&](const std::string& name, const Tensor& t) {
    if (t.dtype() == DType::string) attrs.set(name + "_strings", Strings(t.strings().begin(), t.strings().end()));
    else if (t.dtype() == DType::int64) attrs.set(name + "_int64s", Ints(t.data<std::int64_t>().begin(), t.data<std::int64_t>().end()));
    else if (t.dtype() == DType::float32) attrs.set(name + "_floats", Floats(t.data<float>().begin(), t.data<float>().end()));
    else return false;
    return true;
  };
  if (!put("keys", keys) || !put("values", values)) return {};
  if (otherwise.dtype() == DType::string) attrs.set("default_string", std::string(otherwise.strings()[0]));
  else if (otherwise.dtype() == DType::int64) attrs.set("default_int64", otherwise.data<std::int64_t>()[0]);
  else attrs.set("default_float", otherwise.data<float>()[0]);
  return attrs;
}

// Keys that are there twice, or NaN, are runtimes' own business.
bool one_of_each(const Tensor& keys) {
  if (keys.dtype() != DType::string && keys.dtype() != DType::int64) return distinct_numbers(keys);
  if (keys.dtype() == DType::int64)
    return std::set<std::int64_t>(keys.data<std::int64_t>().begin(), keys.data<std::int64_t>().end()).size() == static_cast<std::size_t>(keys.size());
  return std::set<std::string>(keys.strings().begin(), keys.strings().end()).size() == static_cast<std::size_t>(keys.size());
}

}  // namespace

std::string label_encoder(Expansion& e) {
  const Tensor keys = listed(e, "keys"), values = listed(e, "values");
  const Tensor otherwise = values ? default_of(e, values.dtype()) : Tensor();
  const std::string other_form = "no decomposition: this form of LabelEncoder";
  if (!keys || !values || !otherwise || keys.size() != values.size() || otherwise.dtype() != values.dtype() || otherwise.size() != 1)
    return other_form;
  if (values.dtype() != DType::string && bit_width(values.dtype()) < 8) return other_form;
  const bool tensors = e.node().attrs().has("keys_tensor") || e.node().attrs().has("values_tensor") || e.node().attrs().has("default_tensor");
  if (tensors && e.dtype(0) == keys.dtype() && one_of_each(keys)) {
    if (Attrs lists = in_lists(keys, values, otherwise); !lists.empty()) {
      e.result(0, e.make_row(*newest_op("ai.onnx.ml", "LabelEncoder"), {e.in(0)}, std::move(lists)).output());
      return "";
    }
  }
  const std::string no_others =
      "no decomposition: the lookup needs ai.onnx, of which the model names no version; --opset 13,ai.onnx.ml:2 would name one";
  if (e.opset() == 0) return no_others;
  const std::int64_t n = keys.size();
  Ints places;
  for (std::int64_t i = 0; i < n; ++i) places.push_back(i);
  Value* at;
  if (keys.dtype() == DType::string) {
    const Strings names(keys.strings().begin(), keys.strings().end());
    if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) return other_form;
    Attrs attrs{{"keys_strings", names}, {"values_int64s", places}, {"default_int64", n}};
    at = e.make_row(*newest_op("ai.onnx.ml", "LabelEncoder"), {e.in(0)}, std::move(attrs)).output();
  } else {
    const auto rank = e.rank(0);
    const Carrier carrier = carrier_of(keys.dtype());
    if (!rank) return "the rank of the input is not known";
    if ((carrier != Carrier::f64 && carrier != Carrier::i64) || e.dtype(0) != keys.dtype() || !distinct_numbers(keys)) return other_form;
    Ints from_behind;
    for (std::int64_t i = 0; i < n; ++i) from_behind.push_back(n - i);
    Value* hits = e.cast(e.op("Equal", {e.unsqueeze(e.in(0), {*rank}), e.tensor(keys.reshaped({n}), "keys")}), DType::int64);
    at = e.sub(e.index(n), e.reduce("ReduceSum", e.mul(hits, e.ints(from_behind, "places")), {*rank}, false));
  }
  e.result(0, e.op("Gather", {e.tensor(joined(values, otherwise), "values"), at}, {{"axis", std::int64_t{0}}}));
  return "";
}

}  // namespace onnxopt::expand_fn
