// The report of `optimize` for people and as JSON.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands/optimize.h"
#include "cli/report/format.h"

namespace onnxopt {
namespace {

std::string change(double before, double after) { return before > 0 ? fmt::format("{:+.1f} %", (after - before) / before * 100) : ""; }

std::string ops_table(const OptimizeResult& r) {
  std::map<std::string, std::pair<std::size_t, std::size_t>> ops;
  for (const auto& [op, n] : r.before.ops) ops[op].first = n;
  for (const auto& [op, n] : r.after.ops) ops[op].second = n;
  std::vector<std::pair<std::string, std::pair<std::size_t, std::size_t>>> changed;
  for (const auto& x : ops)
    if (x.second.first != x.second.second) changed.push_back(x);
  std::stable_sort(changed.begin(), changed.end(), [](const auto& a, const auto& b) {
    const auto d = [](const auto& x) { return std::abs(static_cast<std::int64_t>(x.second.first) - static_cast<std::int64_t>(x.second.second)); };
    return d(a) > d(b);
  });
  Table t({"operator", "before", "after"});
  for (const auto& [op, n] : changed) t.add({op, std::to_string(n.first), std::to_string(n.second)});
  return t.empty() ? "" : t.text(2);
}

std::string no_rewrites(const OptimizeOptions& o, const OptimizeResult& r) {
  if (o.fuel == 0) return "  none were allowed\n";
  std::size_t spent = 0;
  for (const PassRun& p : r.passes) spent += p.rewrites;
  if (o.fuel > 0 && spent >= static_cast<std::size_t>(o.fuel)) return "  none before the fuel was spent\n";
  return r.pipeline.empty() ? "  none, the pipeline is empty\n" : "  nothing to improve\n";
}

std::string rules_table(const OptimizeOptions& o, const OptimizeResult& r) {
  std::vector<std::pair<std::string, RuleTotal>> list;
  for (const auto& x : r.totals) list.push_back(x);
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.second.removed_nodes - a.second.added_nodes > b.second.removed_nodes - b.second.added_nodes;
  });
  Table t({"rule", "times", "nodes"});
  for (const auto& [name, x] : list) t.add({name, std::to_string(x.hits), fmt::format("{:+}", x.added_nodes - x.removed_nodes)});
  return t.empty() ? no_rewrites(o, r) : t.text(2);
}

// "batch of a, b and 7 more"
std::string equal_dims_text(const OptimizeResult& r) {
  constexpr std::size_t kMost = 2;
  std::string s;
  for (const auto& [dim, inputs] : r.equal_dims) {
    const std::size_t shown = std::min(inputs.size(), kMost);
    s += fmt::format("{}{} in {}", s.empty() ? "" : "; ", dim, fmt::join(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (inputs.size() > shown) s += fmt::format(" and {} more", inputs.size() - shown);
  }
  return s;
}

nlohmann::json stats_json(const GraphStats& s, std::uint64_t bytes) {
  return {{"nodes", s.nodes}, {"bytes", bytes}, {"parameters", s.parameters}, {"weight_bytes", s.weight_bytes}, {"ops", s.ops}};
}

}  // namespace

std::string optimize_text(const OptimizeOptions& o, const OptimizeResult& r) {
  std::string s = fmt::format("{} -> {}\n\n", o.input, o.output);
  Table t({"", "before", "after", "change"});
  const auto count = [&](const char* name, double a, double b, const std::string& x, const std::string& y) { t.add({name, x, y, change(a, b)}); };
  count("nodes", static_cast<double>(r.before.nodes), static_cast<double>(r.after.nodes), std::to_string(r.before.nodes),
        std::to_string(r.after.nodes));
  count("bytes", static_cast<double>(r.bytes_before), static_cast<double>(r.bytes_after), human_bytes(r.bytes_before), human_bytes(r.bytes_after));
  count("parameters", static_cast<double>(r.before.parameters), static_cast<double>(r.after.parameters),
        human_count(static_cast<double>(r.before.parameters)), human_count(static_cast<double>(r.after.parameters)));
  s += t.text() + "\n";
  if (const std::string ops = ops_table(r); !ops.empty()) s += "Operators that changed:\n" + ops + "\n";
  s += "Rewrites:\n" + rules_table(o, r) + "\n";
  if (!r.lift.kept.empty()) s += fmt::format("{} nodes were kept as they are (onnxopt inspect --lifted says why)\n", r.lift.kept.size());
  if (!r.equal_dims.empty() && !r.totals.empty()) s += "note: sizes of one name are taken to be equal: " + printable(equal_dims_text(r)) + "\n";
  for (const std::string& n : r.notes) s += "note: " + printable(n) + "\n";
  for (const std::string& e : r.explanations) s += printable(e) + "\n";
  if (!r.time_table.empty()) s += r.time_table + "\n";
  s += "Verification: " + verification_text(o.verify, r.saved.verification);
  s += fmt::format("Time: {} (read {}, optimize {}, write {})\n", human_ms(r.total_ms), human_ms(r.load_ms), human_ms(r.passes_ms),
                   human_ms(r.saved.save_ms));
  if (!r.saved.written.external_file.empty())
    s += fmt::format("Weights: {} ({})\n", r.saved.written.external_file, human_bytes(r.saved.written.external_bytes));
  return s;
}

nlohmann::json optimize_json(const OptimizeOptions& o, const OptimizeResult& r) {
  nlohmann::json rules = nlohmann::json::array(), passes = nlohmann::json::array(), events = nlohmann::json::array();
  for (const auto& [name, x] : r.totals)
    rules.push_back(
        {{"rule", name}, {"times", x.hits}, {"removed_nodes", x.removed_nodes}, {"added_nodes", x.added_nodes}, {"grown_bytes", x.grown_bytes}});
  for (const PassRun& p : r.passes)
    passes.push_back({{"pass", p.name},
                      {"changed", p.changed},
                      {"rewrites", p.rewrites},
                      {"nodes_before", p.nodes_before},
                      {"nodes_after", p.nodes_after},
                      {"ms", p.ms}});
  nlohmann::json equal = nlohmann::json::array();
  for (const auto& [dim, inputs] : r.equal_dims) equal.push_back({{"dim", dim}, {"inputs", inputs}});
  for (const RewriteEvent& e : r.events) events.push_back({{"rule", e.rule}, {"node", e.node}, {"from", e.from_nodes}});
  nlohmann::json j = {{"pipeline", r.pipeline},
                      {"before", stats_json(r.before, r.bytes_before)},
                      {"after", stats_json(r.after, r.bytes_after)},
                      {"rules", rules},
                      {"rewrites", events},
                      {"passes", passes},
                      {"kept_nodes", r.lift.kept.size()},
                      {"notes", r.notes},
                      {"equal_dims", equal},
                      {"removed_inputs", r.removed_inputs},
                      {"explain", r.explanations},
                      {"ms", {{"total", r.total_ms}, {"read", r.load_ms}, {"optimize", r.passes_ms}, {"write", r.saved.save_ms}}}};
  add_files(j, o, r.saved);
  return j;
}

}  // namespace onnxopt
