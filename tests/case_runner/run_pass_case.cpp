#include <fmt/format.h>

#include <algorithm>

#include "ir/core/check.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "passes/rewrite/node_rule.h"
#include "tests/case_runner/run_case.h"
#include "tests/case_runner/special_values.h"
#include "verify/compare/verify_models.h"
#include "verify/exec/executor.h"

namespace onnxopt::cases {
namespace {

class PassCaseRun {
 public:
  PassCaseRun(const CaseFile& file, const PassCase& c, Outcome& outcome)
      : file_(file), case_(c), outcome_(outcome), evaluator_(reference_evaluator()) {}

  void run(std::size_t which) {
    prefix_ = case_.before.size() > 1 ? fmt::format("graph {}: ", which + 1) : "";
    const Section& section = case_.before[which];
    std::unique_ptr<Model> model = load(section, false);
    valid(*model, "BEFORE");
    declarations(*model);
    const std::unique_ptr<Model> original = load(section, false);
    std::vector<std::string> explanations;
    const bool changed = apply(*model, &explanations);
    outcome_.fired = outcome_.fired || changed;
    valid(*model, "result");
    const std::string moved = difference(*original, *model, {.metadata = false, .normalize_defaults = false});
    if (changed && moved.empty() && print_model(*original) == print_model(*model))
      fail("the pass says that it changed the graph, and the graph is the same");
    if (!changed && !moved.empty()) fail("the pass says that it changed nothing, but:\n" + moved);
    if (case_.unchanged) unchanged(changed, moved, explanations);
    else compare_after(*model);
    if (changed) idempotent(*model);
    round_trip(*model);
    if (changed) numeric(section);
    if (changed) special_values(section);
  }

 private:
  void fail(const std::string& message) { outcome_.failures.push_back(prefix_ + message); }

  std::unique_ptr<Model> load(const Section& s, bool expected) const {
    auto model = parse_model(
        s.text, {.default_opset = case_.settings.opset, .file = file_.path.filename().string(), .first_line = s.line, .placeholders = expected});
    lift(*model);
    infer(*model);
    return model;
  }

  void valid(Model& model, const std::string& what) {
    for (const Finding& f : check(model)) fail(fmt::format("{} is not valid: {}: {}", what, f.where, f.what));
  }

  // A text whose declared output types contradict inference tests something that cannot be.
  void declarations(Model& model) {
    for (const Value* v : model.graph().outputs()) {
      if (!v->extra() || !v->extra()->has_declared || !v->extra()->declared.is_tensor() || !v->type.is_tensor()) continue;
      const Type &said = v->extra()->declared, &known = v->type;
      bool wrong = said.dtype != known.dtype || (said.shape && known.shape && said.shape->size() != known.shape->size());
      for (std::size_t i = 0; !wrong && said.shape && known.shape && i < said.shape->size(); ++i)
        wrong = (*said.shape)[i].is_value() && (*known.shape)[i].is_value() && !same((*said.shape)[i], (*known.shape)[i]);
      if (wrong) fail(fmt::format("the declared type of output '{}' is not the inferred one", v->name()));
    }
  }

  // `explanations`: filled with what --explain PASS@node says; node "": any.
  bool apply(Model& model, std::vector<std::string>* explanations = nullptr, const std::string& node = "") {
    return apply(model, case_.settings.level, explanations, node);
  }
  bool apply(Model& model, Level level, std::vector<std::string>* explanations = nullptr, const std::string& node = "") {
    PassContext ctx;
    ctx.model = &model;
    ctx.evaluator = evaluator_.get();
    ctx.output = own_opsets(model);
    ctx.level = level;
    ctx.growth.left_bytes = case_.settings.max_growth >= 0 ? case_.settings.max_growth : std::int64_t{1} << 20;
    ctx.fuel = case_.settings.fuel;
    ctx.keep_nodes = case_.settings.keep_nodes;
    ctx.keep_overridable = case_.settings.keep_overridable;
    const ExplainRequest request{file_.pipeline, node};
    if (explanations) ctx.explain = &request;
    ManagerOptions options;
    options.verify_each = true;
    PassManager manager(graph_passes());
    manager.add(file_.pipeline).set(options);
    const std::vector<PassRun> runs = manager.run(model, ctx);
    if (explanations) *explanations = ctx.explanations;
    return std::any_of(runs.begin(), runs.end(), [](const PassRun& r) { return r.changed; });
  }

  void unchanged(bool changed, const std::string& moved, const std::vector<std::string>& explanations) {
    if (changed) fail("must stay as it is, but:\n" + moved);
    if (case_.reason.empty() || explanations.empty()) {  // whole-graph passes do not explain themselves
      if (!case_.reason.empty()) outcome_.skipped.push_back("the pass explains nothing");
      return;
    }
    const auto says = [&](const std::vector<std::string>& list) {
      return std::any_of(list.begin(), list.end(), [&](const std::string& e) { return e.find(case_.reason) != std::string::npos; });
    };
    if (says(explanations)) return;
    std::string all;
    for (const std::string& e : explanations) all += "\n  " + e;
    for (const std::string& name : node_names()) {  // the nearest miss of the whole graph may be another node
      const std::unique_ptr<Model> model = load_named();
      std::vector<std::string> of_node;
      apply(*model, &of_node, name);
      if (says(of_node)) return;
      for (const std::string& e : of_node) all += "\n  " + e;
    }
    fail(fmt::format("--explain does not say '{}' but:{}", case_.reason, all));
  }

  // BEFORE with a name for every node, so that --explain can ask for each.
  std::unique_ptr<Model> load_named() const {
    auto model = load(case_.before[0], false);
    for (Graph* root : model->root_graphs())
      for_each_graph(*root, [](Graph& g) {
        for (Node& n : g.nodes())
          if (n.name.empty()) n.name = fmt::format("node{}", n.id());
      });
    return model;
  }
  std::vector<std::string> node_names() const {
    std::vector<std::string> names;
    const std::unique_ptr<Model> model = load_named();
    for (Graph* root : model->root_graphs())
      for_each_graph(*root, [&](Graph& g) {
        for (Node& n : g.nodes()) names.push_back(n.name);
      });
    return names;
  }

  void erase_unused(Model& model) const {
    if (case_.settings.exact) return;  // what removes unused constants is remove-dead
    for (Graph* root : model.root_graphs()) for_each_graph(*root, [](Graph& g) { g.erase_unused_constants(); });
  }

  std::string text_of_result(Model& model) const {
    const bool plain = model.functions.empty() && case_.after.text.find("opset_import") == std::string::npos;
    return plain ? print_graph(model.graph()) : print_model(model);
  }

  void compare_after(Model& model) {
    if (case_.after.text.find_first_not_of(" \n") == std::string::npos) {  // a new case
      erase_unused(model);
      outcome_.after = text_of_result(model);
      return fail("AFTER is empty; --update-cases writes it. The result is\n" + outcome_.after);
    }
    const std::unique_ptr<Model> after = load(case_.after, true);
    valid(*after, "AFTER");
    erase_unused(model);
    erase_unused(*after);
    const std::string d = difference(model, *after);
    if (d.empty()) return;
    const std::string text = text_of_result(model);
    fail("the result (first) is not AFTER (second):\n" + d + "The result is\n" + text);
    outcome_.after = text;
  }

  void idempotent(Model& model) {
    const std::string first = print_model(model);
    if (apply(model)) fail(fmt::format("run again, the pass changes its own result:\n{}became\n{}", first, print_model(model)));
  }

  // Lowered to the opset of the case, written, read.
  void round_trip(Model& model) {
    lower(model, own_opsets(model));
    const std::string bytes = serialize_model(model);
    const auto read = read_model({reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()}, nullptr, ".");
    if (!model.functions.empty()) infer(*read, {.strict = false});  // a file says nothing of the types in function bodies
    if (const std::string d = difference(model, *read, {.constant_nodes = true}); !d.empty())
      fail("written and read again it is another graph:\n" + d);
  }

  static std::string without_kernel(Model& m) {
    ExecOptions options;
    options.backends = {reference_kernels()};
    const Executor executor(m, options);
    return executor.unsupported().empty() ? "" : executor.unsupported()[0].reason;
  }

  void numeric(const Section& section) {
    if (case_.settings.no_numeric) return outcome_.skipped.push_back("numeric check (switched off by the case)");
    std::unique_ptr<Model> reference = load(section, false), candidate = load(section, false);
    apply(*candidate);
    if (const std::string missing = without_kernel(*reference) + without_kernel(*candidate); !missing.empty())
      return outcome_.skipped.push_back("numeric check: " + missing);
    VerifyOptions options;
    options.budget_s = 10;
    options.seeds = 2;
    const VerifyReport report = verify_models(*reference, *candidate, options);
    if (report.verdict == Verdict::differs) fail("computes something else: " + report.reason);
    if (report.verdict == Verdict::not_verified || report.verdict == Verdict::partly_verified)
      outcome_.skipped.push_back(fmt::format("numeric check {}: {}", verdict_text(report.verdict), report.reason));
    if (!case_.settings.untrusted)
      for (const ValueDiff& d : report.outputs)
        if (d.vacuous) fail(fmt::format("the numeric check proves nothing of '{}': {} (change the case, or # OPTIONS untrusted)", d.name, d.reason));
  }

  // The promise of level O1: the same bits for every input, NaN, infinities and -0 included.
  void special_values(const Section& section) {
    if (case_.settings.no_numeric || !is_o1_rule(file_.pipeline)) return;
    std::unique_ptr<Model> reference = load(section, false), candidate = load(section, false);
    if (!apply(*candidate, Level::o1) || !without_kernel(*reference).empty() || !without_kernel(*candidate).empty()) return;
    if (const std::string d = special_value_difference(*reference, *candidate); !d.empty()) fail("not bit-equal: " + d);
  }

  static bool is_o1_rule(std::string_view name) {
    for (NodeRule (*make)() : all_node_rules())
      if (const NodeRule r = make(); r.name == name) return r.level == Level::o1;
    for (Rule (*make)() : all_rules())
      if (const Rule r = make(); r.name == name) return r.level == Level::o1;
    for (const PassEntry& p : graph_passes())
      if (p.name == name) return p.level == Level::o1;
    return false;
  }

  const CaseFile& file_;
  const PassCase& case_;
  Outcome& outcome_;
  std::unique_ptr<Evaluator> evaluator_;
  std::string prefix_;
};

}  // namespace

Outcome run_case(const CaseFile& file, const PassCase& c) {
  Outcome outcome;
  for (std::size_t i = 0; i < c.before.size(); ++i) {
    try {
      PassCaseRun(file, c, outcome).run(i);
    } catch (const std::exception& e) {  // Error and InternalError alike: the case fails, the others go on
      outcome.failures.push_back(e.what());
    }
  }
  return outcome;
}

}  // namespace onnxopt::cases
