// The report of `convert`, and the table of --plan, for people and as JSON.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands/convert.h"
#include "cli/report/format.h"

namespace onnxopt {
namespace {

using Kind = ConversionStep::Kind;

std::string_view kind_text(Kind k) { return k == Kind::adapted ? "adapted" : k == Kind::lowered ? "lowered" : "blocked"; }

std::string opsets_text(const OutputOpsets& o) {
  std::string s;
  for (const OpsetImport& i : o.imports) s += fmt::format("{}{}{}", s.empty() ? "" : ", ", i.domain.empty() ? "" : i.domain + " ", i.version);
  return s;
}

// A line a node.
std::string plan_table(const Conversion& c) {
  Table t({"node", "operator", "what", "how"});
  for (const ConversionStep& s : c.steps) {
    const std::string how = s.kind == Kind::blocked ? refusal_line(s) : s.to;
    t.add({s.graph.empty() ? s.node : fmt::format("{} (in {})", s.node, s.graph), s.from, std::string(kind_text(s.kind)), how});
  }
  return t.empty() ? "" : t.text(2);
}

// A line a kind of change.
std::string summary_table(const Conversion& c) {
  std::map<std::pair<std::string, std::string>, std::size_t> groups;
  for (const ConversionStep& s : c.steps) ++groups[{s.from, s.to}];
  Table t({"operator", "became", "times"});
  for (const auto& [k, n] : groups) t.add({k.first, k.second, std::to_string(n)});
  return t.empty() ? "" : t.text(2);
}

nlohmann::json opsets_json(const OutputOpsets& o) {
  nlohmann::json j = nlohmann::json::object();
  for (const OpsetImport& i : o.imports) j[i.domain] = i.version;
  return j;
}

}  // namespace

std::string convert_text(const ConvertCommandOptions& o, const ConvertResult& r) {
  const Conversion& c = r.conversion;
  std::string s = o.plan ? o.input + "\n\n" : fmt::format("{} -> {}\n\n", o.input, o.output);
  s += fmt::format("opset {} -> {}, IR version {} -> {}\n", opsets_text(r.from), opsets_text(r.to), r.ir_from, r.ir_to);
  s += fmt::format("{} nodes stay as they are, {} adapted, {} lowered into {}, {} blocked\n", c.untouched, c.adapted, c.lowered, c.made_nodes,
                   c.blocked);
  if (const std::string table = o.plan ? plan_table(c) : summary_table(c); !table.empty()) s += "\n" + table;
  s += "\n";
  for (const std::string& n : r.notes) s += "note: " + n + "\n";
  if (o.plan) return s;
  s += "Verification: " + (r.comparable ? verification_text(o.verify, r.saved.verification) : "not checked (--widen-types)\n");
  s += fmt::format("Time: {}\n", human_ms(r.total_ms));
  if (!r.saved.written.external_file.empty())
    s += fmt::format("Weights: {} ({})\n", r.saved.written.external_file, human_bytes(r.saved.written.external_bytes));
  return s;
}

nlohmann::json convert_json(const ConvertCommandOptions& o, const ConvertResult& r) {
  nlohmann::json steps = nlohmann::json::array();
  for (const ConversionStep& s : r.conversion.steps) {
    nlohmann::json j = {{"graph", s.graph}, {"node", s.node}, {"operator", s.from}, {"what", kind_text(s.kind)}};
    if (s.kind == Kind::blocked) {
      j["refusal"] = refusal_text(s.refusal);
      j["reason"] = s.reason;
    } else {
      j["to"] = s.to;
    }
    steps.push_back(std::move(j));
  }
  const Conversion& c = r.conversion;
  nlohmann::json j = {
      {"opset", {{"from", opsets_json(r.from)}, {"to", opsets_json(r.to)}}},
      {"ir_version", {{"from", r.ir_from}, {"to", r.ir_to}}},
      {"nodes", {{"untouched", c.untouched}, {"adapted", c.adapted}, {"lowered", c.lowered}, {"made", c.made_nodes}, {"blocked", c.blocked}}},
      {"steps", steps},
      {"notes", r.notes},
      {"ms", r.total_ms}};
  if (o.plan || !r.blocked.empty()) j["input"] = o.input;
  else add_files(j, o, r.saved);
  if (!r.blocked.empty()) j["error"] = r.blocked;
  return j;
}

}  // namespace onnxopt
