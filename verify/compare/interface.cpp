#include "verify/compare/interface.h"

#include <fmt/format.h>

#include <unordered_map>

namespace onnxopt {

std::vector<Value*> fed_inputs(Model& m) {
  std::vector<Value*> r;
  for (Value* v : m.graph().inputs())
    if (!v->constant()) r.push_back(v);
  return r;
}

std::string narrower_input(Model& reference, Model& candidate) {
  std::unordered_map<std::string, const Value*> offered;
  for (const Value* v : candidate.graph().inputs()) offered[v->name()] = v;
  const auto declared = [](const Value& v) { return v.extra() && v.extra()->has_declared ? v.extra()->declared : v.type; };
  for (const Value* v : fed_inputs(reference)) {
    const auto it = offered.find(v->name());
    if (it == offered.end()) return fmt::format("input '{}' is gone", v->name());
    const Type a = declared(*v), b = declared(*it->second);
    if (!a.is_tensor() || !b.is_tensor()) continue;
    if (a.dtype != b.dtype && a.dtype != DType::undefined)
      return fmt::format("input '{}' is {} in the original, {} in the result", v->name(), dtype_name(a.dtype), dtype_name(b.dtype));
    if (!a.has_rank() || !b.has_rank()) continue;
    if (a.rank() != b.rank()) return fmt::format("input '{}' has rank {} in the original, {} in the result", v->name(), a.rank(), b.rank());
    for (std::size_t i = 0; i < a.shape->size(); ++i) {
      const Dim &x = (*a.shape)[i], &y = (*b.shape)[i];
      if (!y.is_value() || y.value() <= 0 || (x.is_value() && x.value() == y.value())) continue;
      return fmt::format("dimension {} of input '{}' is {} in the result only; --input-shape or --dim fixes it in the original too", i, v->name(),
                         y.value());
    }
  }
  return {};
}

}  // namespace onnxopt
