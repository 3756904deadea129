#include "cli/commands/optimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <unordered_set>

#include "cli/commands/target_option.h"
#include "cli/commands/verified_save.h"
#include "cli/report/progress.h"
#include "ir/core/check.h"
#include "ir/core/nearest.h"
#include "ir/io/mapped_file.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/core/instruments.h"
#include "passes/core/reproducer.h"
#include "passes/opset/ir_version.h"
#include "passes/opset/profile.h"
#include "passes/rewrite/origin.h"

namespace onnxopt {
namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point t) { return std::chrono::duration<double, std::milli>(Clock::now() - t).count(); }

std::int64_t growth_budget(const std::string& text, std::uint64_t bytes) {
  if (text.empty()) return std::max<std::int64_t>(1 << 20, static_cast<std::int64_t>(bytes / 10));
  const bool percent = text.back() == '%';
  const char* end = text.data() + text.size() - (percent ? 1 : 0);
  std::int64_t n = 0;
  const auto [at, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc() || at != end || n < 0) throw Error(ExitCode::usage, fmt::format("--max-growth {}: expected bytes or a percentage", text));
  return percent ? static_cast<std::int64_t>(static_cast<double>(bytes) * static_cast<double>(n) / 100) : n;
}

// Duplicate names of nodes that --keep lists must exist, or the user is misled.
void check_kept_names(const Model& m, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::unordered_set<std::string> present;
  for (Graph* root : const_cast<Model&>(m).root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Node& n : g.nodes()) present.insert(n.name);
    });
  for (const std::string& n : names)
    if (!present.count(n)) throw Error(ExitCode::usage, fmt::format("--keep: the model has no node named '{}'", n));
}

std::vector<std::string> split_names(const std::string& text) {
  std::vector<std::string> r;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    r.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return r;
}

// Nothing is rewritten, lowered or run: that needs no knowledge of the model's opset.
bool only_copies(const OptimizeOptions& o) {
  return o.passes && o.passes->empty() && !o.inline_functions && !o.verify && o.restore && o.opsets.empty() && o.target.empty() && !o.model.edits();
}

// A copy is what was read: wrong or missing types of outputs too, which would be put right else.
void restore_declared_outputs(Model& m) {
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [](Graph& g) {
      for (Value* v : g.outputs())
        if (const bool said = v->extra() && v->extra()->has_declared; said || !v->constant()) v->type = said ? v->extra()->declared : Type();
    });
}

// "rule", "pass", "group", ...; "": there is none of this name.
std::string kind_of(const std::string& name) {
  for (const CatalogEntry& e : pipeline_names(graph_passes()))
    if (e.name == name) return e.kind;
  return {};
}

void check_rule_names(const OptimizeOptions& o) {
  if (o.disable.empty() && o.explain.empty() && o.print_after.empty()) return;  // the list takes longer than some models
  std::vector<std::string> names;
  for (const CatalogEntry& e : pipeline_names(graph_passes())) names.push_back(e.name);
  const std::unordered_set<std::string> known(names.begin(), names.end());
  const auto check = [&](const char* option, const std::string& name) {
    const std::string stem = name.substr(0, name.find('@'));
    if (const std::string run = name.substr(std::min(name.find('@'), name.size() - 1) + 1);
        option == std::string_view("--disable") && stem != name && (not_count(run) != "" || run[0] == '0'))
      throw Error(ExitCode::usage, fmt::format("--disable {}: after the @ stands which run, 1 for the first", name));
    if (!known.count(stem))
      throw Error(ExitCode::usage, fmt::format("{} {}: there is no rule or pass '{}'; nearest: {}. `onnxopt passes` lists all", option, name, stem,
                                               fmt::join(nearest_names(stem, names, 3), ", ")));
  };
  for (const std::string& name : o.disable) check("--disable", name);
  if (!o.explain.empty()) check("--explain", o.explain);
  if (const std::string stem = o.explain.substr(0, o.explain.find('@')); kind_of(stem) == "group" || kind_of(stem) == "level")
    throw Error(ExitCode::usage, fmt::format("--explain {}: a {} of many; name a rule, onnxopt passes lists them", stem, kind_of(stem)));
  for (const std::string& name : split_names(o.print_after))
    if (name != "all") check("--print-after", name);
}

// --keep-overridable: an input with a default value may be fed another one, so passes must not see the default. It comes back before writing.
using Defaults = std::vector<std::pair<Value*, Tensor>>;
Defaults hide_defaults(Model& m) {
  Defaults hidden;
  if (m.ir_version < 4) return hidden;  // there every weight is listed as an input
  for (Value* v : m.graph().inputs()) {
    if (!v->constant()) continue;
    hidden.emplace_back(v, *v->constant());
    m.graph().clear_constant(*v);
    if (v->extra() && v->extra()->has_declared) v->type = v->extra()->declared;
  }
  if (!hidden.empty()) infer(m.graph());
  return hidden;
}

std::string pipeline_text(const OptimizeOptions& o) {
  std::string text = o.passes ? *o.passes : default_pipeline(static_cast<Level>(o.level));
  if (o.inline_functions) text = text.empty() ? "inline-functions" : "inline-functions," + text;
  return text;
}

// The model after a pass against the original, both as fresh copies: verification may cut what it gets.
std::string differs_from_original(const OptimizeOptions& o, Model& now) {
  const auto reference = load_with_options(o.input, o.model);
  const auto held = std::make_shared<const std::string>(serialize_model(now));
  const auto copy = read_model(std::as_bytes(std::span(held->data(), held->size())), held, std::filesystem::path(o.input).parent_path());
  lift(*copy);
  VerifyOptions v;
  v.seeds = 1;
  v.budget_s = o.verify_budget_s;
  const VerifyReport r = verify_models(*reference, *copy, v);
  return r.verdict == Verdict::differs ? r.reason : std::string();
}

void add_instruments(PassManager& manager, const OptimizeOptions& o, const PassContext& ctx) {
  std::ostream& out = o.json || report_file(o) == stderr ? std::cerr : std::cout;  // not between the report's lines, nor the model's bytes
  if (!o.print_after.empty()) {
    const auto hits = [&ctx](std::string_view rule) {
      const auto total = ctx.totals.find(rule);
      return total == ctx.totals.end() ? std::size_t{0} : total->second.hits;
    };
    manager.observe(print_after(split_names(o.print_after), out, hits));
  }
  if (o.print_changed) manager.observe(print_changed(out));
  if (!o.dump_dir.empty()) manager.observe(dump_to(o.dump_dir));
  if (o.check_each) manager.observe(check_each([o](Model& now) { return differs_from_original(o, now); }));
  ManagerOptions options;
  options.verify_each |= o.verify_each;
  manager.set(options);
}

struct Prepared {
  std::unique_ptr<Model> model;
  PassContext ctx;
  std::unique_ptr<Evaluator> evaluator;
  ExplainRequest explain;
};

void prepare_context(Prepared& p, const OptimizeOptions& o, std::uint64_t bytes) {
  p.evaluator = reference_evaluator();
  PassContext& ctx = p.ctx;
  ctx.model = p.model.get();
  ctx.evaluator = p.evaluator.get();
  ctx.output = parse_opsets(*p.model, o.opsets);
  fit_to_target(ctx.output, o.target, !o.opsets.empty());
  ctx.level = static_cast<Level>(o.level);
  ctx.growth.left_bytes = growth_budget(o.max_growth, bytes);
  ctx.fuel = o.fuel;
  ctx.disabled = o.disable;
  ctx.keep_nodes = o.keep_nodes;
  ctx.keep_overridable = o.keep_overridable;
  ctx.time_rules = o.time_passes;
  if (!o.explain.empty()) {
    const auto at = o.explain.find('@');
    p.explain = {o.explain.substr(0, at), at == std::string::npos ? "" : o.explain.substr(at + 1)};
    ctx.explain = &p.explain;
  }
}

// An internal error leaves a reproducer beside the output.
void run_passes(PassManager& manager, const OptimizeOptions& o, Prepared& p, OptimizeResult& r) {
  PassContext at_start = p.ctx;
  try {
    r.passes = manager.run(*p.model, p.ctx);
  } catch (const InternalError& e) {
    ReproducerRequest request{[&o] { return load_with_options(o.input, o.model); },
                              graph_passes(),
                              &manager,
                              std::move(at_start),
                              e.what(),
                              o.output + ".reproducer.onnxtxt"};
    const bool written = write_reproducer(request);
    throw InternalError(fmt::format("{}{}", e.what(), written ? fmt::format("; reproducer written to {}", request.file.string()) : ""));
  }
}

// What the rules themselves do not say: --explain of a pass, or of what never ran.
void explain_silence(const OptimizeOptions& o, OptimizeResult& r) {
  if (o.explain.empty() || !r.explanations.empty()) return;
  const std::string name = o.explain.substr(0, o.explain.find('@'));
  const auto of_this = [&](const PassRun& p) { return p.name == name; };
  const auto runs = std::count_if(r.passes.begin(), r.passes.end(), of_this);
  const auto changes = std::count_if(r.passes.begin(), r.passes.end(), [&](const PassRun& p) { return of_this(p) && p.changed; });
  r.explanations.push_back(
      runs == 0 ? fmt::format("{}: never ran; the pipeline was {}", name, r.pipeline.empty() ? "empty" : r.pipeline)
                : fmt::format("{}: changed the model in {} of {} runs; it looks at whole graphs and has no nearest miss", name, changes, runs));
}

void note_changes_of_interface(const Model& m, const std::vector<std::string>& inputs_before, OptimizeResult& r) {
  std::unordered_set<std::string> left;
  for (Value* v : m.graph().inputs()) left.insert(v->name());
  std::vector<std::string> gone;
  for (const std::string& name : inputs_before)
    if (!left.count(name)) gone.push_back(name);
  if (gone.empty()) return;
  r.notes.push_back(fmt::format("{} input{} with a default value {} rewritten away, the first is '{}'; --keep-overridable keeps such inputs",
                                gone.size(), gone.size() == 1 ? "" : "s", gone.size() == 1 ? "was" : "were", gone[0]));
  r.removed_inputs = std::move(gone);
}

// Names of dims that stand in several places of the inputs: that the sizes fed there are equal is taken for granted.
void find_equal_dims(Model& m, OptimizeResult& r) {
  std::map<std::string, std::vector<std::string>> places;
  for (const Value* v : m.graph().inputs()) {
    if (v->constant() || !v->type.shape) continue;
    for (const Dim& d : *v->type.shape)
      if (d.is_symbolic()) places[m.symbols().to_string(d)].push_back(v->name());
  }
  for (auto& [dim, inputs] : places)
    if (inputs.size() > 1) r.equal_dims.emplace_back(dim, std::move(inputs));
}

// For a runtime that does not read the model's IR version: the lowest that the content needs.
std::int64_t output_ir_version(const OptimizeOptions& o, Prepared& p) {
  if (o.ir_version != 0 || o.target.empty()) return o.ir_version;
  const std::int64_t own = p.model->ir_version, most = find_profile(o.target).ir_version;
  if (own <= most) return 0;
  if (most < 10) strip_origins(*p.model);  // nodes carry no metadata there
  const std::int64_t lowest = std::max<std::int64_t>(lowest_ir_version(*p.model, p.ctx.output.version("")), 4);
  check_ir_version(lowest, o.target);
  return lowest;
}

void write_result(const OptimizeOptions& o, Prepared& p, OptimizeResult& r, Progress& progress) {
  check_element_types(*p.model, o.target);
  SaveOptions save_options;
  save_options.target = p.ctx.output;
  save_options.lower.restore = o.restore;
  save_options.ir_version = output_ir_version(o, p);
  save_options.write = write_options(o);
  const std::int64_t ir_version = save_options.ir_version != 0 ? save_options.ir_version : p.model->ir_version;
  if (ir_version < 10) strip_origins(*p.model);  // nodes carry no metadata there: the origin is in the report only
  if (o.ir_version != 0) {
    check_ir_request(*p.model, o.ir_version);
    set_ir_version(*p.model, o.ir_version);
  }
  VerifiedSaveOptions v = verified_save_options(o);
  v.hint = fmt::format("onnxopt bisect {} finds the rewrite", o.input);
  r.saved = save_verified(*p.model, save_options, v, progress);
}

}  // namespace

OutputOpsets parse_opsets(const Model& m, const std::vector<std::string>& texts) {
  OutputOpsets r = own_opsets(m);
  for (const std::string& text : texts) {
    if (text.empty()) throw Error(ExitCode::usage, "--opset: expected a number, or DOMAIN:NUMBER");
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size());
      const std::string item = text.substr(at, end - at);
      at = end + 1;
      const auto colon = item.rfind(':');
      const std::string domain(canonical_domain(colon == std::string::npos ? "" : item.substr(0, colon)));
      const std::string number = colon == std::string::npos ? item : item.substr(colon + 1);
      std::int64_t version = 0;
      const auto [p, error] = std::from_chars(number.data(), number.data() + number.size(), version);
      if (error != std::errc() || p != number.data() + number.size() || version < 1)
        throw Error(ExitCode::usage, fmt::format("--opset {}: expected a number, or DOMAIN:NUMBER", item));
      if (const int newest = newest_opset(domain); newest > 0 && version > newest)
        throw Error(ExitCode::usage, fmt::format("--opset {}: the newest opset of {} that this program knows is {}", item,
                                                 domain.empty() ? "ai.onnx" : domain, newest));
      auto it = std::find_if(r.imports.begin(), r.imports.end(), [&](const OpsetImport& i) { return canonical_domain(i.domain) == domain; });
      if (it == r.imports.end() && newest_opset(domain) == 0)
        throw Error(ExitCode::usage, fmt::format("--opset {}: the model does not use the domain '{}'", item, domain));
      if (it == r.imports.end()) r.imports.push_back({domain, version});
      else it->version = version;
    }
  }
  return r;
}

std::uint64_t model_bytes(const Model& m, const std::string& file) {
  std::error_code ignored;
  std::uint64_t total = std::filesystem::file_size(file, ignored);
  std::uint64_t weights = 0;
  for (Graph* root : const_cast<Model&>(m).root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Value* v : g.constants()) weights += v->constant()->byte_size();
    });
  return std::max(total, weights);  // with external data the weights are not in the file
}

OptimizeResult optimize(const OptimizeOptions& o) {
  const auto start = Clock::now();
  check_output_options(o);
  check_output_file(o.input, o.output, o.in_place);
  check_rule_names(o);
  Progress progress(!o.quiet);
  progress.stage("reading");
  OptimizeResult r;
  Prepared p;
  p.model = load_with_options(o.input, o.model, &r.lift, [&](Model& raw) {
    if (!only_copies(o)) refuse_newer(raw, o.model);
    r.before = graph_stats(raw);
    r.bytes_before = model_bytes(raw, o.input);
  });
  check_kept_names(*p.model, o.keep_nodes);
  const Defaults hidden = o.keep_overridable ? hide_defaults(*p.model) : Defaults();
  prepare_context(p, o, r.bytes_before);
  std::vector<std::string> inputs_before;
  for (Value* v : p.model->graph().inputs()) inputs_before.push_back(v->name());
  find_equal_dims(*p.model, r);
  r.load_ms = ms_since(start);

  progress.stage("optimizing");
  const auto passes_start = Clock::now();
  PassManager manager(graph_passes());
  manager.add(pipeline_text(o));
  r.pipeline = manager.text();
  add_instruments(manager, o, p.ctx);
  run_passes(manager, o, p, r);
  r.passes_ms = ms_since(passes_start);

  for (const auto& [value, tensor] : hidden)
    if (!value->erased()) p.model->graph().set_constant(*value, tensor);
  if (only_copies(o) && !o.infer_types) restore_declared_outputs(*p.model);
  write_result(o, p, r, progress);
  r.after = graph_stats(*p.model);
  r.bytes_after = r.saved.written.model_bytes + r.saved.written.external_bytes;
  r.events = std::move(p.ctx.events);
  r.totals = std::move(p.ctx.totals);
  r.notes = std::move(p.ctx.notes);
  r.explanations = std::move(p.ctx.explanations);
  explain_silence(o, r);
  if (o.fuel >= 0 && p.ctx.fuel == 0) r.notes.push_back(fmt::format("the fuel is spent, --fuel {}: what would have come next was not tried", o.fuel));
  if (o.time_passes) r.time_table = time_table(r.passes, p.ctx);
  note_changes_of_interface(*p.model, inputs_before, r);
  r.model = std::move(p.model);
  r.total_ms = ms_since(start);
  return r;
}

}  // namespace onnxopt
