#include "verify/compare/computed_type.h"

#include <algorithm>
#include <unordered_map>

#include "verify/compare/inner_values.h"
#include "verify/compare/tolerance.h"

namespace onnxopt {
namespace {

using Rounded = std::unordered_map<const Value*, DType>;  // looked up only

DType coarser(DType a, DType b) {
  const auto limit = [](DType t) { return t == DType::undefined ? 0 : relative_limit(t, Tolerance::rounding); };
  return limit(a) < limit(b) ? b : a;
}

bool is_precision(DType t) { return t == DType::float64 || t == DType::float32 || t == DType::float16 || t == DType::bfloat16; }

DType rounded_by(const Node& n) {
  DType r = DType::undefined;
  if (n.op().has(kDataMovement)) return r;
  for (const Value* v : n.outputs())
    if (v && v->type.is_tensor() && is_precision(v->type.dtype)) r = coarser(r, v->type.dtype);
  return r;
}

DType rounded_inside(const Node& n) {
  DType r = DType::undefined;
  for (Graph* sub : n.subgraphs())
    for_each_graph(*sub, [&](Graph& g) {
      for (const Node& inner : g.nodes()) r = coarser(r, rounded_by(inner));
    });
  return r;
}

DType of(const Rounded& rounded, const Value* v) {
  const auto it = rounded.find(v);
  return it == rounded.end() ? DType::undefined : it->second;
}

}  // namespace

std::vector<DType> computed_types(const Model& m) {
  Rounded rounded;
  for (const Node& n : m.graph().nodes()) {
    DType t = coarser(rounded_by(n), rounded_inside(n));
    for (const Value* v : read_values(n)) t = coarser(t, of(rounded, v));
    for (const Value* v : n.outputs())
      if (v) rounded[v] = t;
  }
  std::vector<DType> r;
  for (const Value* v : m.graph().outputs()) r.push_back(of(rounded, v));
  return r;
}

}  // namespace onnxopt
