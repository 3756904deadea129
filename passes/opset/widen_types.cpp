#include "passes/opset/widen_types.h"

#include <algorithm>
#include <array>

#include "ir/core/element.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

DType wider(DType t) {
  if (is_integer(t)) return is_signed_integer(t) ? DType::int8 : DType::uint8;
  return DType::float32;
}

constexpr std::array kNarrow{DType::bfloat16,   DType::float8e4m3fn, DType::float8e4m3fnuz, DType::float8e5m2, DType::float8e5m2fnuz,
                             DType::float8e8m0, DType::float4e2m1,   DType::float6e2m3,     DType::float6e3m2, DType::int4,
                             DType::uint4,      DType::int2,         DType::uint2};

class Widening {
 public:
  Widening(Model& model, int opset, std::uint64_t also) : model_(model) {
    const OpSchema* cast = find_op("", "Cast", opset);
    for (const DType t : kNarrow) missing_[static_cast<std::size_t>(t)] = !cast || !takes(*cast, t) || ((also >> static_cast<unsigned>(t)) & 1u);
  }

  WidenReport run() {
    for (Graph* root : model_.root_graphs())
      for_each_graph(*root, [&](Graph& g) {
        for (Value* v : g.constants()) constant(*v);
      });
    for (Graph* root : model_.root_graphs()) for_each_graph(*root, [&](Graph& g) { graph(g, root == &model_.graph() && &g == root); });
    if (report_.constants + report_.values > 0) infer(model_, {.strict = false});
    return std::move(report_);
  }

 private:
  Model& model_;
  WidenReport report_;
  std::array<bool, 64> missing_{};

  static bool takes(const OpSchema& row, DType t) {
    return std::ranges::any_of(row.types, [&](const TypeConstraint& c) { return ((c.tensor_dtypes >> static_cast<unsigned>(t)) & 1u) != 0; });
  }
  bool missing(DType t) const { return missing_[static_cast<std::size_t>(t)]; }

  Tensor widened(const Tensor& from) {
    const DType to = wider(from.dtype());
    std::vector<double> values(static_cast<std::size_t>(from.size()));
    load_block<double>(from.dtype(), from.bytes().data(), 0, from.size(), values.data());
    std::vector<std::byte> bytes(raw_byte_size(to, from.dims()));
    store_block<double>(to, bytes.data(), 0, from.size(), values.data());
    return Tensor::from_bytes(to, from.dims(), std::move(bytes));
  }

  void constant(Value& v) {
    if (!missing(v.constant()->dtype()) || (v.extra() && v.extra()->sparse)) return;
    v.graph()->set_constant(v, widened(*v.constant()));
    type(v.type);
    if (v.extra() && v.extra()->has_declared) type(v.make_extra().declared);
    ++report_.constants;
  }

  bool type(Type& t) {
    if (t.elem) {
      Type inner = *t.elem;
      if (!type(inner)) return false;
      t.elem = std::make_shared<const Type>(std::move(inner));
      return true;
    }
    if (!t.is_tensor() || t.dtype == DType::undefined || !missing(t.dtype)) return false;
    t.dtype = wider(t.dtype);
    return true;
  }

  // What a node rounds to stays what it is, and blocks; bfloat16 is only less exact than float32.
  static bool rounds(const Value& v) {
    const Node* n = v.producer();
    const bool made = n && (n->is("Cast") || n->is("CastLike") || n->is("QuantizeLinear") || n->is("BitCast"));
    return made && v.type.is_tensor() && v.type.dtype != DType::bfloat16;
  }

  void graph(Graph& g, bool top) {
    g.for_each_value([&](Value& v) {
      if (v.erased() || v.constant() || rounds(v)) return;
      const bool half = v.type.is_tensor() && v.type.dtype == DType::bfloat16;
      const bool changed = type(v.type);
      if (v.extra() && v.extra()->has_declared) type(v.make_extra().declared);
      if (!changed) return;
      ++report_.values;
      report_.arithmetic = report_.arithmetic || (half && v.producer());
      if (top && (v.is_graph_input() || v.is_graph_output())) report_.interface.push_back(v.name());
    });
    for (Node& n : g.nodes()) attributes(n);
  }

  void attributes(Node& n) {
    for (const char* name : {"to", "dtype", "output_dtype", "softmax_precision", "stash_type"}) {
      const auto* v = n.attrs().get<std::int64_t>(name);
      if (v && *v == static_cast<std::int64_t>(DType::bfloat16) && missing(DType::bfloat16))
        n.mutable_attrs().set(name, static_cast<std::int64_t>(DType::float32));
    }
    const auto* t = n.attrs().get<Tensor>("value");
    if (t && *t && missing(t->dtype())) n.mutable_attrs().set("value", widened(*t));
  }
};

}  // namespace

WidenReport widen_types(Model& model, const OutputOpsets& target, std::uint64_t also) { return Widening(model, target.version(""), also).run(); }

}  // namespace onnxopt
