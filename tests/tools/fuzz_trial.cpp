#include "tests/tools/fuzz_trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "ir/core/check.h"
#include "ir/core/element.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "passes/core/bisect.h"
#include "tests/tools/inferred_types.h"
#include "verify/compare/verify_models.h"

namespace onnxopt::fuzz {
namespace {

constexpr double kMostSeconds = 0.3;             // a run
constexpr std::int64_t kMostElements = 1 << 20;  // of a value
ExecOptions quick() {
  ExecOptions o;
  o.deadline_s = kMostSeconds;
  return o;
}

// Do the element types of a node's inputs obey its schema?
bool types_fit(const Node& n) {
  std::map<std::string_view, DType> bound;
  for (std::size_t i = 0; i < n.inputs().size() && !n.op().inputs.empty(); ++i) {
    const ParamSpec& p = n.op().inputs[std::min(i, n.op().inputs.size() - 1)];
    if (!n.input(i) || !n.input(i)->type.is_tensor()) continue;
    const DType t = n.input(i)->type.dtype;
    if (t == DType::undefined) continue;
    if (p.types.starts_with("tensor(") && p.types != fmt::format("tensor({})", dtype_name(t))) return false;
    for (const TypeConstraint& c : n.op().types) {
      if (c.name != p.types) continue;
      if ((c.tensor_dtypes >> static_cast<unsigned>(t) & 1) == 0) return false;
      if (p.homogeneous && bound.emplace(c.name, t).first->second != t) return false;
    }
  }
  return true;
}

// Random operators, and inputs of types that the schema does not allow.
bool is_unfit(Model& m) {
  bool found = false;
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes()) found |= (n.op().has(kNondeterministic) && !n.is("Dropout")) || !types_fit(n);
    });
  return found;
}

double magnitude(const RtValue& v) {
  double most = 0;
  if (v.is_tensor() && is_float(v.tensor().dtype()))
    for (std::int64_t i = 0; i < v.tensor().size(); ++i)
      most = std::max(most, std::abs(load_element<double>(v.tensor().dtype(), v.tensor().bytes().data(), i)));
  return most;
}

// NaN, infinities and what comes near the largest number of its type.
bool is_tame(const RtValue& v) {
  if (!v.is_tensor() || !is_float(v.tensor().dtype())) return true;
  const Tensor& t = v.tensor();
  const double most = std::min(highest_value(t.dtype()) / 1e4, 1e15);
  for (std::int64_t i = 0; i < t.size(); ++i)
    if (!(std::abs(load_element<double>(t.dtype(), t.bytes().data(), i)) < most)) return false;
  return true;
}

// What the specification leaves open: -1 of a Reshape for an empty tensor, the shape of what a loop without turns collects.
bool is_undefined(const Value& value, const RtValue& v) {
  const Node* n = value.producer();
  if (!n || !v.is_tensor() || v.tensor().size() != 0) return false;
  if (n->is("Loop") || n->is("Scan")) return true;
  if (!n->is("Reshape") || n->inputs().size() < 2) return false;
  const Tensor* shape = n->input(1)->constant();
  if (!shape || shape->dtype() != DType::int64) return true;
  const auto dims = shape->data<std::int64_t>();
  return std::find(dims.begin(), dims.end(), -1) != dims.end();
}

std::string bit_difference(const RtValue& a, const RtValue& b) {
  if (!a.is_tensor() || !b.is_tensor() || !is_float(a.tensor().dtype())) {
    const ValueDiff d = compare_values("", a, b, Tolerance::exact);
    return d.equal ? "" : d.reason;
  }
  const Tensor &s = a.tensor(), &t = b.tensor();
  if (s.dtype() != t.dtype()) return fmt::format("type {} against {}", dtype_name(s.dtype()), dtype_name(t.dtype()));
  if (s.dims() != t.dims()) return fmt::format("shape [{}] against [{}]", fmt::join(s.dims(), ","), fmt::join(t.dims(), ","));
  if (s.same_content(t)) return "";
  for (std::int64_t i = 0; i < s.size(); ++i) {
    const auto x = load_element<double>(s.dtype(), s.bytes().data(), i), y = load_element<double>(t.dtype(), t.bytes().data(), i);
    if (!(std::isnan(x) && std::isnan(y)) && (x != y || std::signbit(x) != std::signbit(y)))
      return fmt::format("element {}: {:.9g} against {:.9g}", i, x, y);
  }
  return "";
}

std::string finite_elsewhere(const RtValue& a, const RtValue& b) {
  if (!a.is_tensor() || !b.is_tensor() || !is_float(a.tensor().dtype()) || a.tensor().dtype() != b.tensor().dtype() ||
      a.tensor().dims() != b.tensor().dims())
    return "";
  const Tensor &s = a.tensor(), &t = b.tensor();
  for (std::int64_t i = 0; i < s.size(); ++i) {
    const auto x = load_element<double>(s.dtype(), s.bytes().data(), i), y = load_element<double>(t.dtype(), t.bytes().data(), i);
    if (std::isfinite(x) != std::isfinite(y)) return fmt::format("element {}: {:.9g} against {:.9g}", i, x, y);
  }
  return "";
}

std::vector<std::string> names(std::span<Value* const> values) {
  std::vector<std::string> r;
  for (const Value* v : values)
    if (!v->constant() || !v->is_graph_input()) r.push_back(v->name());
  return r;
}

}  // namespace

struct Trial::Reference {
  std::unique_ptr<Model> model;
  std::vector<std::string> inputs, outputs;
  bool clean = false;  // the lifted model has no findings
  struct Set {
    InputSet given;
    std::vector<RtValue> as_filed, lifted;  // results
    bool tame = true;
    double magnitude = 0;  // of all that is computed on the way
  };
  std::vector<Set> sets;
};

std::unique_ptr<Model> Trial::read() const { return read_model(std::as_bytes(std::span(bytes_->data(), bytes_->size())), bytes_, "."); }

Trial::Trial(std::string bytes, std::uint64_t seed)
    : bytes_(std::make_shared<const std::string>(std::move(bytes))), reference_(std::make_unique<Reference>()) {
  Reference& r = *reference_;
  r.model = read();
  infer(*r.model, {.strict = true});
  if (!check(*r.model).empty()) bad_input("the mutant is not valid");
  if (is_unfit(*r.model)) bad_input("random operators or wrong types");
  r.inputs = names(r.model->graph().inputs());
  r.outputs = names(r.model->graph().outputs());
  const auto lifted = read();
  lift(*lifted);
  infer(*lifted);
  r.clean = check(*lifted).empty();
  Executor executor(*r.model, quick()), executor_of_lifted(*lifted, quick());
  if (!executor.unsupported().empty() || !executor_of_lifted.unsupported().empty()) bad_input("no kernel");
  for (int which = 0; which < kInputSets; ++which) try {
      Reference::Set s;
      bool undefined = false;
      s.given = make_inputs(*r.model, which, seed);
      s.tame = s.given.finite;
      InferredTypes types(*r.model);
      s.as_filed = executor.run(s.given.values, [&](const Value& value, RtValue& v) {
        if (v.is_tensor() && v.tensor().size() > kMostElements) throw Error(ExitCode::gate_failed, "too large");
        types.value(value, v);
        s.tame = s.tame && is_tame(v);
        s.magnitude = std::max(s.magnitude, magnitude(v));
        undefined = undefined || is_undefined(value, v);
      });
      if (!types.wrong.empty()) throw Error(ExitCode::gate_failed, types.wrong[0]);  // not valid by its own opset; fuzz_ops.py looks after inference
      if (undefined) continue;
      r.sets.push_back(std::move(s));
      r.sets.back().lifted = executor_of_lifted.run(r.sets.back().given.values);  // what fails here fails "load and save", which comes first
    } catch (const Error& e) {
      if (e.code() == ExitCode::gate_failed) throw;  // too slow
    }
  if (r.sets.empty()) bad_input("does not run");
}

Trial::~Trial() = default;
int Trial::input_sets() const { return static_cast<int>(reference_->sets.size()); }

std::optional<Failure> Trial::run(const Variant& v) {
  PassContext ctx;
  return run(v, -1, ctx);
}

std::optional<Failure> Trial::run(const Variant& v, std::int64_t fuel, PassContext& ctx) {
  const auto evaluator = reference_evaluator();
  try {
    const auto m = read();
    lift(*m);
    ctx.model = m.get();
    ctx.evaluator = evaluator.get();
    ctx.output = own_opsets(*m);
    ctx.level = v.level;
    ctx.growth.left_bytes = 1 << 20;
    ctx.fuel = fuel;
    if (!v.pipeline.empty()) {
      PassManager manager(graph_passes());
      manager.add(v.pipeline);
      manager.run(*m, ctx);
      if (fuel < 0)
        for (const auto& [rule, total] : ctx.totals) fired_.insert(rule);
      if (ctx.rewrites == 0) return std::nullopt;  // as loaded and saved
    }
    if (reference_->clean)
      for (const Finding& f : check(*m)) return Failure{"invalid", f.where + ": " + f.what, "", ""};
    if (auto f = compare(*m, v, "")) return f;
    return saved(*m, v);
  } catch (const InternalError& e) {
    return Failure{"internal", e.what(), "", ""};
  } catch (const Error& e) {
    return Failure{"fails", e.what(), "", ""};
  }
}

// Written at its own opset and read again.
std::optional<Failure> Trial::saved(Model& m, const Variant& v) {
  lower(m, own_opsets(m));
  const auto bytes = std::make_shared<const std::string>(serialize_model(m));
  const auto again = read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
  infer(*again);
  if (reference_->clean)
    for (const Finding& f : check(*again)) return Failure{"invalid", "saved: " + f.where + ": " + f.what, "", ""};
  if (names(again->graph().outputs()) != reference_->outputs || names(again->graph().inputs()) != reference_->inputs)
    return Failure{
        "interface",
        fmt::format("inputs ({}) => ({}), were ({}) => ({})", fmt::join(names(again->graph().inputs()), ", "),
                    fmt::join(names(again->graph().outputs()), ", "), fmt::join(reference_->inputs, ", "), fmt::join(reference_->outputs, ", ")),
        "", ""};
  return compare(*again, v, "saved: ");
}

std::optional<Failure> Trial::compare(Model& m, const Variant& v, const char* where) {
  Executor executor(m, quick());
  const std::string at = where;
  if (!executor.unsupported().empty()) return Failure{"fails", at + executor.unsupported()[0].reason, "", ""};
  for (std::size_t i = 0; i < reference_->sets.size(); ++i) {
    const Reference::Set& s = reference_->sets[i];
    InferredTypes types(m);
    std::vector<RtValue> got;
    try {
      std::size_t k = 0;
      for (const Value* in : m.graph().inputs())
        if (!in->constant()) types.value(*in, s.given.values[k++]);
      got = executor.run(s.given.values, [&](const Value& value, RtValue& actual) { types.value(value, actual); });
    } catch (const Error& e) {
      if (e.code() == ExitCode::gate_failed) throw;
      return Failure{"fails", at + e.what(), s.given.text, ""};
    }
    const std::vector<RtValue>& wanted = v.pipeline.empty() ? s.as_filed : s.lifted;
    if (got.size() != wanted.size()) return Failure{"interface", at + "another number of outputs", "", ""};
    for (std::size_t k = 0; k < got.size(); ++k) types.value(*m.graph().outputs()[k], got[k]);
    if (!types.wrong.empty()) return Failure{"type", at + types.wrong[0], s.given.text, ""};
    if (!v.exact && !s.tame && !(v.non_finite && s.given.special)) continue;
    for (std::size_t k = 0; k < got.size(); ++k) {
      std::string d = bit_difference(wanted[k], got[k]);
      // What older versions make of infinities (Clip-6) the lifted model may not say; saved at its own opset it does.
      if (!d.empty() && bit_difference(s.as_filed[k], got[k]).empty()) continue;
      if (!d.empty() && !v.exact) d = s.tame ? far_apart(i, m) : finite_elsewhere(wanted[k], got[k]);
      if (!d.empty()) return Failure{"differs", fmt::format("{}output {} '{}': {}", at, k, m.graph().outputs()[k]->name(), d), s.given.text, ""};
    }
  }
  return std::nullopt;
}

// More than the rounding of the original explains.
std::string Trial::far_apart(std::size_t set, Model& candidate) const {
  const auto reference = read();
  infer(*reference);
  VerifyOptions options;
  options.budget_s = 1;
  options.given_inputs = {reference_->sets[set].given.values};
  const VerifyReport r = verify_models(*reference, candidate, options);
  if (r.verdict != Verdict::differs) return "";
  constexpr double kFew = 8;  // units in the last place of what is computed on the way: terms that cancel leave no less
  double worst = 0;
  for (const ValueDiff& d : r.outputs)
    if (!(is_float(d.dtype) && d.max_abs <= kFew * unit_in_last_place(d.dtype) * reference_->sets[set].magnitude)) worst = std::max(worst, d.max_abs);
  return worst == 0 ? "" : r.reason;
}

std::string Trial::find_rule(const Variant& v) {
  PassContext whole;
  if (!run(v, -1, whole)) return "";
  PassContext none;
  if (v.pipeline.empty() || run(v, 0, none)) return "no rewrite";
  std::int64_t at = first_bad_fuel(static_cast<std::int64_t>(whole.rewrites), [&](std::int64_t fuel) {
    PassContext ctx;
    return !run(v, fuel, ctx);
  });
  PassContext last;
  run(v, at, last);
  return last.events.empty() ? "?" : last.events.back().rule;
}

}  // namespace onnxopt::fuzz
