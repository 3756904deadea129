// A node between Casts: the target's version of the operator lacks a type, a wider one does the same exactly.
#include <algorithm>
#include <array>

#include "ir/core/element.h"
#include "ir/ops/op_table.h"
#include "passes/opset/expand.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

// What an operator does to elements says which wider types give the same result.
//   moves   copies elements: any wider type
//   orders  compares, or picks one of its inputs' elements: any wider type, integers as floating point too
//   wraps   sums and products: wider integers (the low bits are the same), 16-bit floats as float32
struct Behaviour {
  std::string_view op;
  char kind;
};
constexpr std::array<Behaviour, 56> kBehaviours{{
    {"Abs", 'o'},
    {"Add", 'w'},
    {"ArgMax", 'o'},
    {"ArgMin", 'o'},
    {"Clip", 'o'},
    {"Compress", 'm'},
    {"Concat", 'm'},
    {"CumSum", 'w'},
    {"DepthToSpace", 'm'},
    {"Div", 'w'},
    {"Equal", 'o'},
    {"Expand", 'm'},
    {"Flatten", 'm'},
    {"Gather", 'm'},
    {"GatherElements", 'm'},
    {"GatherND", 'm'},
    {"Gemm", 'w'},
    {"Greater", 'o'},
    {"GreaterOrEqual", 'o'},
    {"Identity", 'm'},
    {"Less", 'o'},
    {"LessOrEqual", 'o'},
    {"MatMul", 'w'},
    {"Max", 'o'},
    {"MaxPool", 'o'},
    {"Min", 'o'},
    {"Mul", 'w'},
    {"Neg", 'w'},
    {"NonZero", 'm'},
    {"OneHot", 'm'},
    {"Pad", 'm'},
    {"ReduceMax", 'o'},
    {"ReduceMin", 'o'},
    {"ReduceProd", 'w'},
    {"ReduceSum", 'w'},
    {"Relu", 'o'},
    {"Reshape", 'm'},
    {"ReverseSequence", 'm'},
    {"ScatterElements", 'm'},
    {"ScatterND", 'm'},
    {"Shape", 'm'},
    {"Sign", 'o'},
    {"Size", 'm'},
    {"Slice", 'm'},
    {"SpaceToDepth", 'm'},
    {"Split", 'm'},
    {"Squeeze", 'm'},
    {"Sub", 'w'},
    {"Sum", 'w'},
    {"Tile", 'm'},
    {"TopK", 'o'},
    {"Transpose", 'm'},
    {"Trilu", 'm'},
    {"Unique", 'o'},
    {"Unsqueeze", 'm'},
    {"Where", 'm'},
}};

char behaviour_of(const Node& n) {
  const auto it =
      std::lower_bound(kBehaviours.begin(), kBehaviours.end(), n.op().name, [](const Behaviour& b, std::string_view op) { return b.op < op; });
  return it != kBehaviours.end() && it->op == n.op().name ? it->kind : ' ';
}

// Wider types, nearest first. Floating point holds integers of 8 and 16 bits (float32) and of 32 bits (float64).
std::vector<DType> wider(DType t, bool integers_too, bool floats_too) {
  std::vector<DType> r;
  const auto integers = [&](std::initializer_list<DType> list) {
    if (integers_too) r.insert(r.end(), list);
  };
  switch (t) {
    case DType::boolean: integers({DType::uint8, DType::int32, DType::int64}); break;
    case DType::uint8: integers({DType::int16, DType::int32, DType::int64}); break;
    case DType::int8: integers({DType::int16, DType::int32, DType::int64}); break;
    case DType::uint16:
    case DType::int16: integers({DType::int32, DType::int64}); break;
    case DType::int32:
    case DType::uint32: integers({DType::int64}); break;
    case DType::float16:
    case DType::bfloat16: return {DType::float32};
    default: return {};
  }
  if (floats_too && t != DType::int32 && t != DType::uint32) r.push_back(DType::float32);
  if (floats_too) r.push_back(DType::float64);
  return r;
}

bool takes(const OpSchema& row, std::string_view types, DType t) {
  for (const TypeConstraint& c : row.types)
    if (c.name == types) return (c.tensor_dtypes >> static_cast<unsigned>(t)) & 1u;
  return types == std::string("tensor(") + std::string(dtype_name(t)) + ")";
}

const ParamSpec* param(std::span<const ParamSpec> params, std::size_t i) {
  if (i < params.size()) return &params[i];
  return !params.empty() && params.back().option == ParamOption::variadic ? &params.back() : nullptr;
}

// The type variable that the target's row cannot bind, and its type.
std::pair<std::string_view, DType> offender(const Expansion& e, const OpSchema& row) {
  for (std::size_t i = 0; i < e.node().inputs().size(); ++i) {
    const ParamSpec* p = param(row.inputs, i);
    const DType t = e.dtype(i);
    if (p && t != DType::undefined && !takes(row, p->types, t)) return {p->types, t};
  }
  return {{}, DType::undefined};
}

}  // namespace

std::string expand_by_widening(Expansion& e) {
  const Node& n = e.node();
  const OpSchema* row = row_at(n.op(), e.opset());
  if (!row || n.op().has(kControlFlow)) return "not at the target";
  const auto [variable, t] = offender(e, *row);
  if (t == DType::undefined) return "no input is to blame";
  const char kind = behaviour_of(n);
  const bool half = t == DType::float16 || t == DType::bfloat16;
  if (kind == ' ' && !half) return "not exact";
  if (n.op().has(kNondeterministic) || n.op().has(kQuantize) || n.is("Cast") || n.is("BitCast")) return "not exact";
  for (const DType to : wider(t, true, kind != 'w' || half)) {
    if (!takes(*row, variable, to)) continue;
    std::vector<Value*> inputs;
    for (std::size_t i = 0; i < n.inputs().size(); ++i) {
      const ParamSpec* p = param(row->inputs, i);
      inputs.push_back(e.in(i) && p && p->types == variable ? e.cast(e.in(i), to) : e.in(i));
    }
    Node& wide = e.make(n.op().name, std::move(inputs), n.attrs(), n.outputs().size());
    for (std::size_t i = 0; i < n.outputs().size(); ++i) {
      if (!n.output(i)) continue;
      const ParamSpec* p = param(row->outputs, i);
      e.result(i, p && p->types == variable ? e.op("Cast", {wide.output(i)}, {{"to", static_cast<std::int64_t>(t)}}) : wide.output(i));
    }
    return "";
  }
  return "no wider type";
}

}  // namespace onnxopt
