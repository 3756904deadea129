#include "ir/ops/infer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ir/core/check.h"
#include "ir/ops/infer_driver.h"
#include "ir/ops/infer_state.h"
#include "ir/ops/infer_util.h"

namespace onnxopt {
namespace {

// A model whose bodies are nested to multiply work (calls in calls, loops in loops) must not hang a load.
constexpr int kMaxDepth = 64;
constexpr std::int64_t kMaxInnerNodes = 4'000'000;
// What a single infer(Node) may spend on bodies.
constexpr std::int64_t kMaxCallDepth = 12;

bool is_small_integers(const Type& t) { return t.is_tensor() && (is_integer(t.dtype) || t.dtype == DType::boolean) && t.has_rank() && t.rank() <= 1; }

std::optional<std::vector<Dim>> constant_elements(const Tensor& t) {
  if (t.rank() > 1 || t.size() > static_cast<std::int64_t>(kMaxKnown)) return std::nullopt;
  std::vector<Dim> r;
  r.reserve(static_cast<std::size_t>(t.size()));
  const auto copy = [&](auto data) {
    for (const auto v : data) r.push_back(Dim(static_cast<std::int64_t>(v)));
  };
  switch (t.dtype()) {
    case DType::int64: copy(t.data<std::int64_t>()); return r;
    case DType::int32: copy(t.data<std::int32_t>()); return r;
    case DType::int16: copy(t.data<std::int16_t>()); return r;
    case DType::int8: copy(t.data<std::int8_t>()); return r;
    case DType::uint32: copy(t.data<std::uint32_t>()); return r;
    case DType::uint16: copy(t.data<std::uint16_t>()); return r;
    case DType::uint8: copy(t.data<std::uint8_t>()); return r;
    case DType::boolean:
      for (const std::byte b : t.bytes()) r.push_back(Dim(b != std::byte{0} ? 1 : 0));
      return r;
    default: return std::nullopt;
  }
}

}  // namespace

// ----------------------------------------------------------------------------------------------------------------- InferCtx

const Type& InferCtx::input(std::size_t i) const {
  static const Type kUnknown;
  const Value* v = node_.input(i);
  return v ? v->type : kUnknown;
}

const Shape* InferCtx::input_shape(std::size_t i) const {
  const Type& t = input(i);
  return t.has_rank() ? &*t.shape : nullptr;
}

const Tensor* InferCtx::constant(std::size_t i) const {
  const Value* v = node_.input(i);
  return v ? infer_util::constant_tensor(*v) : nullptr;
}

bool InferCtx::has_known(std::size_t i) const {
  const Value* v = node_.input(i);
  if (!v) return false;
  if (v->known) return true;
  return v->constant() != nullptr && is_small_integers(v->type) && v->constant()->size() <= static_cast<std::int64_t>(kMaxKnown);
}

std::optional<std::vector<Dim>> InferCtx::known(std::size_t i) const {
  const Value* v = node_.input(i);
  if (!v) return std::nullopt;
  if (v->known) return *v->known;
  return v->constant() ? constant_elements(*v->constant()) : std::nullopt;
}

std::optional<Ints> InferCtx::known_ints(std::size_t i) const {
  const std::optional<std::vector<Dim>> dims = known(i);
  if (!dims) return std::nullopt;
  Ints r;
  r.reserve(dims->size());
  for (const Dim& d : *dims) {
    if (!d.is_value()) return std::nullopt;
    r.push_back(d.value());
  }
  return r;
}

void InferCtx::set(std::size_t i, Type t) {
  if (i == 0) {
    set0_ = true;
  } else {
    if (set_.empty()) set_.resize(std::max(num_outputs(), i + 1));
    if (i >= set_.size()) return;
    set_[i] = true;
  }
  Value* v = node_.output(i);
  if (!v) return;
  if (t.is_tensor() && t.shape) {
    for (std::size_t axis = 0; axis < t.shape->size(); ++axis) {
      Dim& d = (*t.shape)[axis];
      if (d.is_unknown() || (d.is_value() && d.value() < 0)) d = symbols_.stable(v->id(), static_cast<std::uint32_t>(axis));
    }
  }
  if (v->type == t) return;
  v->type = std::move(t);
  changed_ = true;
}

void InferCtx::set_tensor(std::size_t i, DType t, std::optional<Shape> s) {
  Type type = Type::tensor(t);
  type.shape = std::move(s);
  set(i, std::move(type));
}

void InferCtx::set_known(std::size_t i, std::vector<Dim> elements) {
  Value* v = node_.output(i);
  if (!v || elements.size() > kMaxKnown || !is_small_integers(v->type)) return;
  if (std::all_of(elements.begin(), elements.end(), [](const Dim& d) { return d.is_unknown(); })) return;
  // A number of elements that is a symbol is not the number of those at hand, whoever computed them.
  if (v->type.rank() == 0 ? elements.size() != 1 : !(*v->type.shape)[0].is(static_cast<std::int64_t>(elements.size()))) return;
  v->known = std::make_unique<std::vector<Dim>>(std::move(elements));
}

void InferCtx::fail(const std::string& why) const {
  bad_input(fmt::format("node '{}' ({}{}{}): {}", node_.name, node_.op().domain, node_.op().domain.empty() ? "" : ".", node_.op().name, why));
}

// --------------------------------------------------------------------------------------------------------------- InferDriver

// Runs the function of the node's row and makes everything that it did not set unknown.
bool InferDriver::node(Node& n) {
  InferCtx ctx(n, model_.symbols(), this);
  std::vector<std::unique_ptr<std::vector<Dim>>> old_known;
  bool had_known = false;
  for (Value* v : n.outputs()) had_known = had_known || (v && v->known);
  if (had_known)
    for (Value* v : n.outputs()) old_known.push_back(v ? std::move(v->known) : nullptr);
  const bool always_runs = depth_ == 0 && cases_ == 0 && !n.graph()->parent() && !n.graph()->function();  // not in a branch that may be dead
  bool failed = false;
  if (!impossible_.empty())
    for (const Value* v : n.outputs())
      if (v) set_impossible(*v, false);
  if (options_.strict && always_runs) {
    run(ctx);
  } else {
    try {
      run(ctx);
    } catch (const Error&) {
      failed = true;
      ctx.set0_ = false;
      ctx.set_.clear();
      for (Value* v : n.outputs())
        if (v) v->known.reset();
    }
  }
  finish(ctx);
  if (failed || (cases_ > 0 && dead_ > 0) || needs_impossible(n))
    for (const Value* v : n.outputs())
      if (v) set_impossible(*v, true);
  for (std::size_t i = 0; i < n.outputs().size() && !ctx.changed_; ++i) {
    const Value* v = n.output(i);
    if (!v) continue;
    const std::vector<Dim>* before = had_known ? old_known[i].get() : nullptr;
    ctx.changed_ = (before != nullptr) != (v->known != nullptr) || (before && *before != *v->known);
  }
  return ctx.changed_;
}

void InferDriver::finish(InferCtx& ctx) {
  const std::size_t count = ctx.num_outputs();
  for (std::size_t i = 0; i < count; ++i) {
    const bool was_set = i == 0 ? ctx.set0_ : i < ctx.set_.size() && ctx.set_[i];
    Value* v = ctx.node_.output(i);
    if (was_set || !v || v->type == Type()) continue;
    v->type = Type();
    ctx.changed_ = true;
  }
}

void InferDriver::run(InferCtx& ctx) {
  const OpSchema& op = ctx.node().op();
  if (op.has(kOpaque)) {
    if (Function* f = model_.function_of(ctx.node())) return call(ctx, *f);
    for (std::size_t i = 0; i < ctx.num_outputs(); ++i) {
      const Value* v = ctx.node().output(i);
      if (v && v->extra() && v->extra()->has_declared && v->extra()->declared.is_tensor())
        ctx.set_tensor(i, v->extra()->declared.dtype, std::nullopt);
    }
    return;
  }
  const InferFn fn = ctx.node().has_ref_attrs() ? nullptr : infer_function(op);
  if (fn != nullptr) return fn(ctx);
  infer_util::infer_from_schema(ctx);
}

void InferDriver::graph(Graph& g) {
  for (Node& n : g.nodes()) node(n);
  if (g.has_subgraphs()) split_cases(g.first());
}

bool InferDriver::body(Graph& g, bool dead) {
  if (depth_ >= kMaxDepth || inner_nodes_ > kMaxInnerNodes) return false;
  ++depth_;
  dead_ += dead ? 1 : 0;
  for (Node& n : g.nodes()) {
    ++inner_nodes_;
    node(n);
  }
  if (g.has_subgraphs()) split_cases(g.first());
  dead_ -= dead ? 1 : 0;
  --depth_;
  return inner_nodes_ <= kMaxInnerNodes;
}

bool InferDriver::needs_impossible(const Node& n) const {
  if (impossible_.empty()) return false;
  return std::any_of(n.inputs().begin(), n.inputs().end(), [&](const Value* v) { return v && is_impossible(*v); });
}

void InferDriver::set_impossible(const Value& v, bool impossible) {
  if (impossible) impossible_.insert(v.id());
  else impossible_.erase(v.id());
}

Type InferDriver::outside(const SymbolTable& symbols, const Type& t, const std::vector<Dim>& keep) {
  Type r = t;
  if (r.shape)
    for (Dim& d : *r.shape)
      if (symbols.is_anonymous(d) && std::find(keep.begin(), keep.end(), d) == keep.end()) d = Dim();
  if (r.elem) r.elem = std::make_shared<const Type>(outside(symbols, *r.elem, keep));
  return r;
}

// ------------------------------------------------------------------------------------------------------------- function calls

namespace {

// The attributes of a function's body while a call is inferred: references to the function's attributes are replaced by the values of this call, and
// put back afterwards, since the body belongs to all calls.
class BodyAttrs {
 public:
  BodyAttrs(Graph& body, const Attrs& call, const Attrs& defaults) { resolve(body, call, defaults); }
  ~BodyAttrs() {
    for (auto& [node, attrs] : attrs_) node->mutable_attrs() = std::move(attrs);
  }
  BodyAttrs(const BodyAttrs&) = delete;
  BodyAttrs& operator=(const BodyAttrs&) = delete;

 private:
  void resolve(Graph& g, const Attrs& call, const Attrs& defaults) {
    for (Node& n : g.nodes()) {
      for (Graph* sub : n.subgraphs()) resolve(*sub, call, defaults);
      if (!n.has_ref_attrs()) continue;
      Attrs resolved;
      for (const Attribute& a : n.attrs()) {
        if (!a.is_ref()) {
          resolved.add(a);
          continue;
        }
        const Attribute* value = call.find(a.extra->ref_attr_name);
        if (!value) value = defaults.find(a.extra->ref_attr_name);
        if (!value) continue;  // not given: the operator's own default
        Attribute copy = *value;
        copy.name = a.name;
        resolved.add(std::move(copy));
      }
      attrs_.emplace_back(&n, std::move(n.mutable_attrs()));
      n.mutable_attrs() = std::move(resolved);
    }
  }
  std::vector<std::pair<Node*, Attrs>> attrs_;
};

}  // namespace

void InferDriver::call(InferCtx& ctx, Function& f) {
  if (!f.body || depth_ >= kMaxCallDepth) return;
  const auto inputs = f.body->inputs();
  std::vector<Dim> keep;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (const Shape* s = ctx.input_shape(i)) keep.insert(keep.end(), s->begin(), s->end());
  const KeptTypes types(*this, *f.body);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i]->type = ctx.input(i);
    std::optional<std::vector<Dim>> known = ctx.known(i);
    inputs[i]->known = known ? std::make_unique<std::vector<Dim>>(std::move(*known)) : nullptr;
  }
  const BodyAttrs attrs(*f.body, ctx.node().attrs(), f.attribute_defaults);
  if (!body(*f.body)) return;
  for (std::size_t i = 0; i < ctx.num_outputs() && i < f.body->outputs().size(); ++i) {
    const Value* out = f.body->outputs()[i];
    ctx.set(i, outside(ctx.symbols(), out->type, keep));
    if (Value* v = ctx.node().output(i); v && is_impossible(*out)) set_impossible(*v, true);
    if (!out->known) continue;
    std::vector<Dim> known = *out->known;
    for (Dim& d : known)
      if (ctx.symbols().is_anonymous(d) && std::find(keep.begin(), keep.end(), d) == keep.end()) d = Dim();
    ctx.set_known(i, std::move(known));
  }
}

// -------------------------------------------------------------------------------------------------------------- public entries

bool infer(Node& node, const InferOptions& options) { return InferDriver(node.graph()->model(), options).node(node); }

void infer(Graph& graph, const InferOptions& options) { InferDriver(graph.model(), options).graph(graph); }

void infer(Model& model, const InferOptions& options) {
  InferDriver driver(model, options);
  for (Value* v : model.graph().inputs()) {
    if (v->constant()) continue;
    if (v->extra() && v->extra()->has_declared) v->type = v->extra()->declared;
    if (!v->type.is_tensor() || !v->type.shape) continue;
    for (std::size_t axis = 0; axis < v->type.shape->size(); ++axis) {
      Dim& d = (*v->type.shape)[axis];
      if (d.is_unknown() || (d.is_value() && d.value() < 0)) d = model.symbols().stable(v->id(), static_cast<std::uint32_t>(axis));
    }
  }
  driver.graph(model.graph());
  InferOptions lenient = options;
  lenient.strict = false;
  for (const auto& f : model.functions)
    if (f->body) InferDriver(model, lenient).graph(*f->body);
}

}  // namespace onnxopt
