// OpSchema: one row = everything known about one version of an operator except its kernels. Rows are static data (ir/ops/op_table.h),
// or opaque rows that a Model makes for operators that the table does not know.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "ir/core/attribute.h"
#include "ir/core/dtype.h"

namespace onnxopt {

enum class ParamOption : std::uint8_t { single, optional, variadic };

// One formal input or output. `types`: name of a type constraint ("T") or a literal type ("tensor(int64)", "seq(tensor(float))").
struct ParamSpec {
  std::string_view name, types;
  ParamOption option = ParamOption::single;
  bool homogeneous = true;
  int min_arity = 1;
};

struct AttrSpec {
  std::string_view name;
  AttrType type = AttrType::undefined;
  bool required = false;
  bool has_default = false;
  std::int64_t i = 0;  // defaults, by type
  float f = 0;
  std::string_view s{};
  std::span<const std::int64_t> ints{};
  std::span<const float> floats{};
  std::span<const std::string_view> strings{};
};

struct TypeConstraint {
  std::string_view name;                     // "T"
  std::uint64_t tensor_dtypes = 0;           // bit (1 << DType) for each allowed tensor(X)
  std::span<const std::string_view> others;  // other allowed types: "seq(tensor(float))", "optional(...)", "map(...)", "sparse_tensor(...)"
};

enum OpTrait : std::uint32_t {
  kElementwise = 1u << 0,       // output[i] depends only on input[i], numpy broadcasting
  kCommutative = 1u << 1,       // the first two inputs may be swapped
  kNondeterministic = 1u << 2,  // Random*, Bernoulli, Multinomial, Dropout in training mode
  kControlFlow = 1u << 3,       // has subgraphs: If, Loop, Scan, SequenceMap
  kDataMovement = 1u << 4,      // output elements are input elements, any type, exactly: Reshape, Transpose, Slice, Gather, Concat, ...
  kShapeOnly = 1u << 5,         // output depends only on the input's shape: Shape, Size
  kQuantize = 1u << 6,          // QuantizeLinear, DequantizeLinear and integer compute ops
  kDeprecated = 1u << 7,
  kOpaque = 1u << 8,  // not in the table (custom operator) or a call of a model-local function: never folded, no rule matches
  kHasFunctionBody = 1u << 9,
};

struct OpSchema {
  std::string_view domain;  // "" for ai.onnx
  std::string_view name;
  int since = 1;  // first opset version of the domain that has this row
  std::span<const ParamSpec> inputs, outputs;
  std::span<const AttrSpec> attrs;
  std::span<const TypeConstraint> types;
  int min_inputs = 0, max_inputs = 0, min_outputs = 0, max_outputs = 0;  // INT_MAX for variadic
  std::uint32_t traits = 0;

  bool has(OpTrait t) const { return (traits & t) != 0; }
  bool is(std::string_view op) const { return domain.empty() && name == op && !has(kOpaque); }  // an ai.onnx op of that name
  const AttrSpec* find_attr(std::string_view attr) const {
    for (const AttrSpec& a : attrs)
      if (a.name == attr) return &a;
    return nullptr;
  }
};

}  // namespace onnxopt
