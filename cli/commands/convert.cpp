#include "cli/commands/convert.h"

#include <fmt/format.h>

#include <chrono>
#include <unordered_set>

#include "cli/commands/optimize.h"
#include "cli/commands/target_option.h"
#include "cli/commands/verified_save.h"
#include "cli/report/progress.h"
#include "ir/core/check.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "passes/core/manager.h"
#include "passes/opset/ir_version.h"
#include "passes/opset/profile_types.h"
#include "passes/opset/widen_types.h"
#include "passes/rewrite/origin.h"

namespace onnxopt {
namespace {

constexpr int kOldestTarget = 7;  // before, attributes did the work of broadcasting, and no runtime of today reads it

void check_target(const OutputOpsets& from, const OutputOpsets& to) {
  const int version = to.version("");
  if (version != from.version("") && version < kOldestTarget)
    throw Error(ExitCode::usage, fmt::format("--opset {}: conversion goes to opset {} and newer", version, kOldestTarget));
}

void remove_uncalled_functions(Model& model) {
  std::unordered_set<const Function*> called;
  std::vector<Graph*> reached{&model.graph()};
  while (!reached.empty()) {
    Graph* root = reached.back();
    reached.pop_back();
    for_each_graph(*root, [&](Graph& g) {
      for (const Node& n : g.nodes())
        if (Function* f = model.function_of(n); f && called.insert(f).second) reached.push_back(f->body.get());
    });
  }
  std::erase_if(model.functions, [&](const auto& f) { return !called.contains(f.get()); });
}

// The bodies of functions have no types. What cannot be expressed there is tried again in the graph that calls them.
void inline_functions(Model& model) {
  PassContext ctx;
  const auto evaluator = reference_evaluator();
  ctx.model = &model;
  ctx.evaluator = evaluator.get();
  ctx.output = own_opsets(model);
  ctx.growth.left_bytes = INT64_MAX;
  PassManager manager(graph_passes());
  manager.add("inline-functions");
  manager.run(model, ctx);
  strip_origins(model);
  remove_uncalled_functions(model);
  infer(model, {.strict = false});
}

// Whether the result can still be compared with the original.
bool widen(Model& m, const ConvertCommandOptions& o, TypeSet avoid, ConvertResult& r) {
  if (!o.widen_types) return true;
  const WidenReport w = widen_types(m, r.to, avoid);
  r.notes.clear();
  if (w.constants + w.values == 0) return true;
  r.notes.push_back(fmt::format("types that the target cannot hold were widened: {} constants, {} values", w.constants, w.values));
  if (!w.interface.empty())
    r.notes.push_back(fmt::format("{} input{} or output{} of the model changed type, the first is '{}'", w.interface.size(),
                                  w.interface.size() == 1 ? "" : "s", w.interface.size() == 1 ? "" : "s", w.interface[0]));
  if (w.arithmetic) r.notes.push_back("what was computed in bfloat16 is computed in float32 now");
  const bool comparable = w.interface.empty() && !w.arithmetic;
  if (!comparable && o.verify) r.notes.push_back("not compared with the original, which rounds differently");
  return comparable;
}

std::unique_ptr<Model> prepare(const ConvertCommandOptions& o, ConvertResult& r) {
  TypeSet avoid = 0;
  const auto read = [&] {
    auto m = load_with_options(o.input, o.model, nullptr, [&](Model& raw) { refuse_newer(raw, o.model); });
    r.from = own_opsets(*m);
    r.to = parse_opsets(*m, o.opsets);
    fit_to_target(r.to, o.target, !o.opsets.empty());
    r.ir_from = m->ir_version;
    check_target(r.from, r.to);
    avoid = o.target.empty() ? 0 : types_to_avoid(*m, types_of(o.target));
    r.comparable = widen(*m, o, avoid, r);
    return m;
  };
  auto m = read();
  r.conversion = prepare_conversion(*m, r.to);
  if (r.conversion.blocked_in_function) {
    m = read();
    inline_functions(*m);
    r.conversion = prepare_conversion(*m, r.to);
    r.notes.push_back("the local functions were inlined: their bodies cannot be expressed without knowing the types");
  }
  refuse_types(*m, avoid, o.target, r.conversion);
  if (r.conversion.blocked > 0) r.blocked = blocked_text(r.conversion, r.to);
  return m;
}

// Down as far as the content allows; never up without need.
std::int64_t wanted_ir_version(Model& m, const ConvertCommandOptions& o, const ConvertResult& r) {
  if (o.ir_version != 0) return check_ir_request(m, o.ir_version), o.ir_version;
  const std::int64_t lowest = lowest_ir_version(m, r.to.version(""));
  if (!o.target.empty()) return std::min(std::max<std::int64_t>(m.ir_version, 3), lowest);
  return r.to.version("") > r.from.version("") || m.ir_version == 0 ? lowest : std::min(m.ir_version, lowest);
}

void note_inputs(const std::vector<std::string>& dropped, ConvertResult& r) {
  if (dropped.empty()) return;
  r.notes.push_back(fmt::format("{} weight{} left the list of inputs, where IR version 3 had to have {}; the first is '{}'", dropped.size(),
                                dropped.size() == 1 ? "" : "s", dropped.size() == 1 ? "it" : "them", dropped[0]));
}

}  // namespace

ConvertResult convert(const ConvertCommandOptions& o) {
  const auto start = std::chrono::steady_clock::now();
  const auto finish = [&](ConvertResult& r) {
    r.total_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    return std::move(r);
  };
  check_output_options(o);
  if (!o.plan) check_output_file(o.input, o.output, o.in_place);
  Progress progress(!o.quiet);
  progress.stage("reading");
  ConvertResult r;
  const auto m = prepare(o, r);
  r.ir_to = r.ir_from;
  if (!r.blocked.empty()) return finish(r);
  lower(*m, r.to);
  r.ir_to = wanted_ir_version(*m, o, r);
  check_ir_version(r.ir_to, o.target);
  note_inputs(set_ir_version(*m, r.ir_to), r);
  if (o.plan) return finish(r);

  SaveOptions save_options;
  save_options.target = r.to;
  save_options.ir_version = r.ir_to;
  save_options.write = write_options(o);
  if (!r.comparable && o.require_verified)
    throw Error(ExitCode::gate_failed, "--require-verified: not verified: widened types are not compared; nothing was written");
  VerifiedSaveOptions v = verified_save_options(o);
  v.verify = o.verify && r.comparable;
  v.as_filed = true;
  r.saved = save_verified(*m, save_options, v, progress);
  return finish(r);
}

}  // namespace onnxopt
