#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands/cli.h"
#include "cli/commands/optimize.h"
#include "cli/report/file_hashes.h"
#include "cli/report/format.h"
#include "cli/report/model_stats.h"

namespace onnxopt {
namespace {

struct Options {
  std::vector<std::string> files;
  ModelOptions model;
  bool lifted = false;
};

struct Inspection {
  std::string file, producer;
  std::int64_t ir_version = 0;
  std::vector<OpsetImport> opsets;
  std::vector<std::pair<std::string, std::string>> inputs, outputs;  // name, type
  std::size_t functions = 0;
  std::uint64_t bytes = 0;
  GraphStats graph;
  CostStats cost;
  LiftReport lift;
};

std::vector<std::pair<std::string, std::string>> interface(std::span<Value* const> values, SymbolTable& symbols) {
  std::vector<std::pair<std::string, std::string>> r;
  for (const Value* v : values) {
    if (v->constant() && v->is_graph_input()) continue;  // a weight that is also listed as an input
    const bool declared = v->extra() && v->extra()->has_declared && v->extra()->declared.kind != Type::Kind::unknown;
    r.emplace_back(v->name(), type_text(declared ? v->extra()->declared : v->type, symbols));
  }
  return r;
}

Inspection inspect(const std::string& file, const ModelOptions& options) {
  Inspection r;
  r.file = file;
  const auto lifted = load_with_options(file, options, &r.lift, [&](Model& m) {
    r.ir_version = m.ir_version;
    r.opsets = m.file_opsets;
    r.producer = printable(m.producer_name + (m.producer_version.empty() ? "" : " " + m.producer_version));
    r.functions = m.functions.size();
    r.bytes = model_bytes(m, file);
    r.graph = graph_stats(m);
    r.inputs = interface(m.graph().inputs(), m.symbols());
    r.outputs = interface(m.graph().outputs(), m.symbols());
  });
  if (options.edits()) {  // as they are in force
    r.inputs = interface(lifted->graph().inputs(), lifted->symbols());
    r.outputs = interface(lifted->graph().outputs(), lifted->symbols());
  }
  r.cost = cost_stats(*lifted);
  return r;
}

std::string opsets_text(const std::vector<OpsetImport>& opsets) {
  std::string s;
  for (const OpsetImport& o : opsets) s += fmt::format("{}{} {}", s.empty() ? "" : ", ", o.domain.empty() ? "ai.onnx" : o.domain, o.version);
  return s.empty() ? "none (read as opset 1)" : s;
}

std::string macs_text(const CostStats& c) {
  std::string s = human_count(c.macs);
  if (c.unknown_nodes > 0) s += fmt::format(" (+ {} nodes of dynamic shape)", c.unknown_nodes);
  return s;
}
std::string peak_text(const CostStats& c) { return human_bytes(c.peak_activation_bytes) + (c.activations_static ? "" : " (static shapes only)"); }

std::vector<std::pair<std::string, std::string>> facts(const Inspection& r) {
  return {{"producer", r.producer},
          {"IR version", std::to_string(r.ir_version)},
          {"opsets", opsets_text(r.opsets)},
          {"nodes", std::to_string(r.graph.nodes)},
          {"functions", std::to_string(r.functions)},
          {"parameters", human_count(static_cast<double>(r.graph.parameters))},
          {"size", human_bytes(r.bytes)},
          {"MACs", macs_text(r.cost)},
          {"peak activations", peak_text(r.cost)}};
}

void print_interface(const Inspection& r) {
  Table t({"", "name", "type"});
  for (const auto& [name, type] : r.inputs) t.add({"input", name, type});
  for (const auto& [name, type] : r.outputs) t.add({"output", name, type});
  fmt::print("{}\n", t.text());
}

void print_lifted(const Inspection& r) {
  fmt::print("{} nodes lifted to the newest opset, {} as they are, {} kept at their own version\n", r.lift.lifted, r.lift.untouched,
             r.lift.kept.size());
  std::map<std::string, std::size_t> reasons;
  for (const KeptNode& k : r.lift.kept) ++reasons[fmt::format("{}-{}: {}", k.op, k.since, k.reason)];
  for (const auto& [reason, n] : reasons) fmt::print("  {} x {}\n", n, reason);
}

void print_one(const Inspection& r, bool lifted) {
  fmt::print("{}\n\n", r.file);
  for (const auto& [name, value] : facts(r))
    if (!value.empty()) fmt::print("  {:<17} {}\n", name, value);
  fmt::print("\n");
  print_interface(r);
  std::vector<std::pair<std::string, std::size_t>> ops(r.graph.ops.begin(), r.graph.ops.end());
  std::stable_sort(ops.begin(), ops.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Table t({"operator", "count"});
  for (const auto& [op, n] : ops) t.add({op, std::to_string(n)});
  fmt::print("{}\n", t.text());
  Table w({"largest tensors", "type", "bytes"});
  for (const TensorStat& s : r.graph.largest) w.add({s.name, s.type, human_bytes(s.bytes)});
  if (!w.empty()) fmt::print("{}\n", w.text());
  if (lifted) print_lifted(r);
}

void print_two(const Inspection& a, const Inspection& b, bool lifted) {
  Table t({"", a.file, b.file});
  const auto fa = facts(a), fb = facts(b);
  for (std::size_t i = 0; i < fa.size(); ++i) t.add({fa[i].first, fa[i].second, fb[i].second});
  fmt::print("{}\n", t.text());
  std::map<std::string, std::pair<std::size_t, std::size_t>> ops;
  for (const auto& [op, n] : a.graph.ops) ops[op].first = n;
  for (const auto& [op, n] : b.graph.ops) ops[op].second = n;
  Table o({"operator", "before", "after"});
  for (const auto& [op, n] : ops) o.add({op, std::to_string(n.first), std::to_string(n.second)});
  fmt::print("{}", o.text());
  if (!lifted) return;
  for (const Inspection* r : {&a, &b}) {
    fmt::print("\n{}\n", r->file);
    print_lifted(*r);
  }
}

nlohmann::json to_json(const Inspection& r) {
  const auto values = [](const auto& list) {
    nlohmann::json j = nlohmann::json::array();
    for (const auto& [name, type] : list) j.push_back({{"name", name}, {"type", type}});
    return j;
  };
  nlohmann::json opsets = nlohmann::json::array(), largest = nlohmann::json::array(), kept = nlohmann::json::array();
  for (const OpsetImport& o : r.opsets) opsets.push_back({{"domain", o.domain}, {"version", o.version}});
  for (const TensorStat& t : r.graph.largest) largest.push_back({{"name", t.name}, {"type", t.type}, {"bytes", t.bytes}});
  for (const KeptNode& k : r.lift.kept)
    kept.push_back({{"graph", k.graph}, {"node", k.node}, {"op", k.op}, {"since", k.since}, {"reason", k.reason}});
  return {{"model", r.file},
          {"files", {{"model", hashes_json(r.file)}}},
          {"producer", r.producer},
          {"ir_version", r.ir_version},
          {"opsets", opsets},
          {"inputs", values(r.inputs)},
          {"outputs", values(r.outputs)},
          {"nodes", r.graph.nodes},
          {"functions", r.functions},
          {"parameters", r.graph.parameters},
          {"bytes", r.bytes},
          {"ops", r.graph.ops},
          {"macs", r.cost.macs},
          {"macs_unknown_nodes", r.cost.unknown_nodes},
          {"peak_activation_bytes", r.cost.peak_activation_bytes},
          {"activations_static", r.cost.activations_static},
          {"largest_tensors", largest},
          {"lifted", {{"lifted", r.lift.lifted}, {"untouched", r.lift.untouched}, {"kept", kept}}}};
}

int run(const Options& o, const Invocation& invocation) {
  std::vector<Inspection> all;
  for (const std::string& f : o.files) all.push_back(inspect(f, o.model));
  if (invocation.json) {
    nlohmann::json j = nlohmann::json::array();
    for (const Inspection& r : all) j.push_back(to_json(r));
    print_json(invocation, all.size() == 1 ? j[0] : nlohmann::json{{"models", j}});
  } else if (all.size() == 2) {
    print_two(all[0], all[1], o.lifted);
  } else {
    print_one(all[0], o.lifted);
  }
  return 0;
}

}  // namespace

void setup_inspect(Command app, Action& chosen) {
  auto o = std::make_shared<Options>();
  Command c = app.add_subcommand("inspect", "Show inputs, outputs, operators, parameters, size and cost of a model, or of two side by side");
  c.add_option("models", o->files, "One .onnx file, or two: before and after").required().expected(1, 2);
  c.add_flag("--lifted", o->lifted, "Count the nodes that were lifted to the newest opset, and those kept at their own version, by reason");
  add_model_options(c, o->model);
  c.footer("Example: onnxopt inspect model.onnx --lifted");
  c.on_chosen([o, &chosen] { chosen = [o](const Invocation& invocation) { return run(*o, invocation); }; });
}

}  // namespace onnxopt
