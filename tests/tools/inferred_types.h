// Holds what inference says of a model's values against what they are: element type, rank, sizes and known elements, with one size for each symbol.
#pragma once

#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "ir/core/element.h"
#include "verify/exec/executor.h"

namespace onnxopt {

class InferredTypes {
 public:
  explicit InferredTypes(Model& m) : model_(m), symbols_(m.symbols()) {}

  void value(const Value& v, const RtValue& actual) {
    if (v.graph() != &model_.graph()) return;  // a symbol of a body means something else each time
    ++checked;
    typed(v, v.type, actual);
    if (v.known && actual.is_tensor()) known(v, actual.tensor());
  }
  std::vector<std::string> wrong;
  std::size_t checked = 0, unknown = 0;

 private:
  void say(const Value& v, const std::string& what) {
    const std::string op = v.producer() ? std::string(v.producer()->op().name) : "input";
    wrong.push_back(fmt::format("{} '{}': {}", op, v.name(), what));
  }
  void typed(const Value& v, const Type& t, const RtValue& actual) {
    if (actual.empty()) return;
    if (const auto* s = std::get_if<std::shared_ptr<const RtSequence>>(&actual.v)) {
      if (t.kind != Type::Kind::unknown && t.kind != Type::Kind::sequence && t.kind != Type::Kind::optional) say(v, "a sequence was computed");
      if (t.kind == Type::Kind::sequence && t.elem)
        for (const RtValue& e : **s) element(v, *t.elem, e);
      return;
    }
    if (!actual.is_tensor()) return;
    if (t.kind == Type::Kind::optional) return t.elem ? typed(v, *t.elem, actual) : void();
    if (t.kind == Type::Kind::unknown) {
      ++unknown;
      return;
    }
    if (t.kind != Type::Kind::tensor) return say(v, "a tensor was computed");
    tensor(v, t, actual.tensor(), true);
  }
  // Elements of a sequence have sizes of their own: a symbol there is not one size.
  void element(const Value& v, const Type& t, const RtValue& e) {
    if (e.is_tensor() && t.kind == Type::Kind::tensor) tensor(v, t, e.tensor(), false);
  }
  void tensor(const Value& v, const Type& t, const Tensor& actual, bool bind) {
    if (t.dtype != DType::undefined && t.dtype != actual.dtype())
      say(v, fmt::format("inferred {}, computed {}", dtype_name(t.dtype), dtype_name(actual.dtype())));
    if (!t.shape) {
      ++unknown;
      return;
    }
    bool fits = t.shape->size() == actual.dims().size();
    for (std::size_t d = 0; fits && d < t.shape->size(); ++d) fits = size_is((*t.shape)[d], actual.dims()[d], bind);
    if (!fits) say(v, fmt::format("inferred [{}], computed [{}]", text(*t.shape), fmt::join(actual.dims(), ", ")));
  }
  void known(const Value& v, const Tensor& actual) {
    std::vector<std::int64_t> got(static_cast<std::size_t>(actual.size()));
    if (carrier_of(actual.dtype()) != Carrier::i64 && carrier_of(actual.dtype()) != Carrier::u64) return;
    for (std::size_t i = 0; i < got.size(); ++i)
      got[i] = load_element<std::int64_t>(actual.dtype(), actual.bytes().data(), static_cast<std::int64_t>(i));
    bool fits = v.known->size() == got.size();
    for (std::size_t i = 0; fits && i < got.size(); ++i) fits = size_is((*v.known)[i], got[i], false);
    if (!fits) say(v, fmt::format("known to be {{{}}}, computed {{{}}}", text(*v.known), fmt::join(got, ", ")));
  }
  bool size_is(Dim d, std::int64_t n, bool bind) {
    if (d.is_value()) return d.value() == n;
    if (d.is_unknown()) return true;
    const Dim now = symbols_.substitute(d, sizes_);
    if (now.is_value()) return now.value() == n;
    const std::string name = symbols_.to_string(d);
    if (bind && !sizes_.contains(name) && same(symbols_.substitute(d, {{name, Dim(7)}}), Dim(7))) sizes_[name] = Dim(n);
    return true;
  }
  std::string text(const std::vector<Dim>& dims) const {
    std::string r;
    for (const Dim& d : dims) r += (r.empty() ? "" : ", ") + symbols_.to_string(d);
    return r;
  }

  Model& model_;
  SymbolTable& symbols_;
  std::unordered_map<std::string, Dim> sizes_;
};

}  // namespace onnxopt
