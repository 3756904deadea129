#include "cli/report/model_stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "ir/io/constant_of.h"

namespace onnxopt {
namespace {

constexpr std::size_t kLargest = 10;

void add_tensor(GraphStats& s, const std::string& name, const Tensor& t) {
  s.parameters += static_cast<std::uint64_t>(t.size());
  s.weight_bytes += t.byte_size();
  const auto smaller = std::find_if(s.largest.begin(), s.largest.end(), [&](const auto& x) { return x.bytes < t.byte_size(); });
  if (smaller == s.largest.end() && s.largest.size() >= kLargest) return;
  s.largest.insert(smaller, {name, fmt::format("{}[{}]", dtype_name(t.dtype()), fmt::join(t.dims(), ",")), t.byte_size()});
  if (s.largest.size() > kLargest) s.largest.pop_back();
}

std::string label_of(const OpSchema& op) { return op.domain.empty() ? std::string(op.name) : fmt::format("{}.{}", op.domain, op.name); }

double product(const Shape& s, std::size_t from, std::size_t to, bool& known) {
  double p = 1;
  for (std::size_t i = from; i < to; ++i) {
    if (!s[i].is_value()) known = false;
    p *= s[i].is_value() ? static_cast<double>(s[i].value()) : 0;
  }
  return p;
}

const Shape* shape_of(const Value* v) { return v && v->type.has_rank() ? &*v->type.shape : nullptr; }

// Multiply-accumulates of one node; nullopt: not an operator that is counted.
std::optional<double> macs(const Node& n, bool& known) {
  const Shape *a = shape_of(n.input(0)), *b = shape_of(n.input(1)), *y = shape_of(n.output());
  const std::string_view op = n.op().name;
  const bool conv = op == "Conv" || op == "FusedConv" || op == "ConvInteger" || op == "NhwcConv";
  const bool counted = conv || op == "QLinearConv" || op == "ConvTranspose" || op == "MatMul" || op == "Gemm" || op == "MatMulInteger" ||
                       op == "QLinearMatMul" || op == "FusedMatMul";
  if (!counted) return std::nullopt;
  const Shape* w = op == "QLinearConv" || op == "QLinearMatMul" ? shape_of(n.input(3)) : b;
  known = a && w && y;
  if (!known) return 0;
  if (op == "ConvTranspose") return product(*a, 0, a->size(), known) * product(*w, 1, w->size(), known);
  if (conv || op == "QLinearConv") return product(*y, 0, y->size(), known) * product(*w, 1, w->size(), known);
  if (op == "Gemm") {
    const bool trans = n.attr_or<std::int64_t>("transA", 0) != 0;
    return a->size() == 2 ? product(*y, 0, y->size(), known) * product(*a, trans ? 0 : 1, trans ? 1 : 2, known) : 0;
  }
  return a->empty() ? 0 : product(*y, 0, y->size(), known) * product(*a, a->size() - 1, a->size(), known);
}

std::uint64_t activation_bytes(const Value& v, bool& all_static) {
  if (!v.type.is_static()) {
    all_static = all_static && v.type.kind != Type::Kind::tensor && v.type.kind != Type::Kind::unknown;
    return 0;
  }
  constexpr double kMost = 1e15;  // beyond it the sum of a graph could overflow
  double bits = bit_width(v.type.dtype);
  for (const Dim& d : *v.type.shape) bits *= static_cast<double>(d.value());
  return bits > 8 * kMost ? static_cast<std::uint64_t>(kMost) : raw_byte_size(v.type.dtype, v.type.static_dims());
}

void peak(Graph& g, CostStats& s) {
  std::unordered_map<const Value*, const Node*> last_use;
  for (Node& n : g.nodes()) {
    for (Value* v : n.inputs())
      if (v && !v->constant()) last_use[v] = &n;
    for (Graph* sub : n.subgraphs())
      for_each_graph(*sub, [&](Graph& inner) {
        for (Node& m : inner.nodes())
          for (Value* v : m.inputs())
            if (v && v->graph() == &g && !v->constant()) last_use[v] = &n;
      });
  }
  std::uint64_t live = 0;
  for (Value* v : g.inputs())
    if (!v->constant()) live += activation_bytes(*v, s.activations_static);
  s.peak_activation_bytes = live;
  for (Node& n : g.nodes()) {
    for (Value* v : n.outputs())
      if (v) live += activation_bytes(*v, s.activations_static);
    s.peak_activation_bytes = std::max(s.peak_activation_bytes, live);
    bool ignored = true;
    for (std::size_t i = 0; i < n.inputs().size(); ++i) {
      Value* v = n.input(i);
      const bool repeated = std::find(n.inputs().begin(), n.inputs().begin() + static_cast<std::ptrdiff_t>(i), v) !=
                            n.inputs().begin() + static_cast<std::ptrdiff_t>(i);
      if (v && !repeated && !v->is_graph_output()) {
        const auto it = last_use.find(v);
        if (it != last_use.end() && it->second == &n) live -= activation_bytes(*v, ignored);
      }
    }
    for (Value* v : n.outputs())
      if (v && v->unused()) live -= activation_bytes(*v, ignored);
  }
}

}  // namespace

std::string op_label(const Node& n) { return label_of(n.op()); }

std::string type_text(const Type& t, SymbolTable& symbols) {
  switch (t.kind) {
    case Type::Kind::unknown: return "?";
    case Type::Kind::opaque: return "opaque";
    case Type::Kind::sequence: return fmt::format("seq({})", t.elem ? type_text(*t.elem, symbols) : "?");
    case Type::Kind::optional: return fmt::format("optional({})", t.elem ? type_text(*t.elem, symbols) : "?");
    case Type::Kind::map: return fmt::format("map({}, {})", dtype_name(t.dtype), t.elem ? type_text(*t.elem, symbols) : "?");
    default: break;
  }
  std::string r = t.kind == Type::Kind::sparse_tensor ? fmt::format("sparse {}", dtype_name(t.dtype)) : std::string(dtype_name(t.dtype));
  if (!t.shape) return r + "[...]";
  r += "[";
  for (std::size_t i = 0; i < t.shape->size(); ++i) {
    const Dim& d = (*t.shape)[i];
    r += (i ? "," : "") + (d.is_symbolic() && symbols.is_anonymous(d) ? std::string("?") : symbols.to_string(d));
  }
  return r + "]";
}

GraphStats graph_stats(Model& model) {
  GraphStats s;
  std::unordered_map<const OpSchema*, std::size_t> ops;  // iterated, but only into a sorted map
  for (Graph* root : model.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Value* v : g.constants()) add_tensor(s, v->name(), *v->constant());
      for (Node& n : g.nodes()) {
        if (n.is("Constant")) {
          if (const Tensor t = constant_of(n.attrs())) add_tensor(s, n.output() ? n.output()->name() : n.name, t);
          continue;
        }
        ++s.nodes;
        ++ops[&n.op()];
      }
    });
  for (const auto& [op, count] : ops) s.ops[label_of(*op)] += count;
  return s;
}

CostStats cost_stats(Model& lifted) {
  CostStats s;
  for_each_graph(lifted.graph(), [&](Graph& g) {
    for (Node& n : g.nodes()) {
      bool known = true;
      if (const auto m = macs(n, known)) {
        s.macs += *m;
        s.unknown_nodes += !known;
      }
    }
  });
  peak(lifted.graph(), s);
  return s;
}

}  // namespace onnxopt
