#include "passes/core/graph_hash.h"

#include <cstring>
#include <functional>
#include <unordered_map>

namespace onnxopt {
namespace {

// Constants above this are told apart by where they lie: hashing gigabytes of weights after each pass would cost more than the pass.
constexpr std::size_t kHashedBytes = 4096;

class Hasher {
 public:
  void graph(const Graph& g) {
    for (const Value* v : g.inputs()) {
      define(v);
      text(v->name());
      constant(v);
    }
    if (!g.parent() && !g.function()) add(g.model().functions.size());
    // Used or not, as initializer or as Constant node; in no order, since that one says nothing.
    std::uint64_t constants = 0;
    for (const Value* v : g.constants()) {
      Hasher one;
      one.constant(v);
      one.add(v->extra() && v->extra()->constant_node ? 1 : 0);
      constants += one.h_;
    }
    add(constants);
    for (Node& n : g.nodes()) node(n);
    for (const Value* v : g.outputs()) {
      use(v);
      text(v->name());
    }
    add(g.inputs().size());
    add(g.outputs().size());
  }
  std::uint64_t result() const { return h_; }

 private:
  void add(std::uint64_t x) {
    h_ ^= x + 0x9e3779b97f4a7c15ull + (h_ << 6) + (h_ >> 2);
    h_ *= 0xff51afd7ed558ccdull;
    h_ ^= h_ >> 32;
  }
  void text(std::string_view s) { add(std::hash<std::string_view>()(s)); }
  void define(const Value* v) { numbers_.try_emplace(v, numbers_.size() + 1); }
  void use(const Value* v) {
    if (!v) return add(0);
    const auto [it, first] = numbers_.try_emplace(v, numbers_.size() + 1);
    add(it->second);
    if (first) constant(v);
  }
  void constant(const Value* v) {
    if (const Tensor* t = v->constant()) tensor(*t);
  }
  void tensor(const Tensor& t) {
    if (!t) return add(1);
    add(static_cast<std::uint64_t>(t.dtype()));
    for (const std::int64_t d : t.dims()) add(static_cast<std::uint64_t>(d));
    if (t.dtype() == DType::string || t.byte_size() <= kHashedBytes) return add(t.content_hash());
    add(reinterpret_cast<std::uintptr_t>(t.bytes().data()));
  }
  void node(const Node& n) {
    text(n.op().domain);
    text(n.op().name);
    add(static_cast<std::uint64_t>(n.op().since));
    add(n.inputs().size());
    for (const Value* v : n.inputs()) use(v);
    for (const Attribute& a : n.attrs()) attribute(a);
    for (const Value* v : n.outputs()) {
      if (v) define(v);
      add(v ? 1 : 0);
    }
  }
  void attribute(const Attribute& a) {
    text(a.name);
    add(a.value.index());
    if (a.is_ref()) text(a.extra->ref_attr_name);
    std::visit([&](const auto& v) { value(v); }, a.value);
  }
  void value(std::monostate) {}
  void value(float f) {
    std::uint32_t bits;
    std::memcpy(&bits, &f, sizeof bits);
    add(bits);
  }
  void value(std::int64_t i) { add(static_cast<std::uint64_t>(i)); }
  void value(const std::string& s) { text(s); }
  void value(const Tensor& t) { tensor(t); }
  void value(const std::shared_ptr<Graph>& g) {
    if (g) graph(*g);
  }
  void value(const SparseTensor& t) { tensor(t.values), tensor(t.indices); }
  void value(const Type& t) { add(static_cast<std::uint64_t>(t.kind) * 64 + static_cast<std::uint64_t>(t.dtype)); }
  template <class T>
  void value(const std::vector<T>& list) {
    add(list.size());
    for (const T& v : list) value(v);
  }

  std::uint64_t h_ = 0;
  std::unordered_map<const Value*, std::uint64_t> numbers_;
};

}  // namespace

std::uint64_t graph_hash(const Graph& g) {
  Hasher h;
  h.graph(g);
  return h.result();
}

std::uint64_t model_hash(Model& model) {
  std::uint64_t h = 0;
  for (const Graph* g : model.root_graphs()) h = h * 1099511628211ull + graph_hash(*g);
  return h;
}

}  // namespace onnxopt
