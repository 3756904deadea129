#include "cli/report/conformance_report.h"

#include <fmt/format.h>

#include "cli/report/format.h"

namespace onnxopt {
namespace {

const char* outcome_name(ConformanceOutcome o) {
  constexpr const char* kNames[] = {"passed", "failed", "refused", "disputed"};
  return kNames[static_cast<std::size_t>(o)];
}

std::string xml_text(const std::string& text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

nlohmann::json counts_json(const ConformanceSummary::Counts& c) {
  return {{"passed", c.passed}, {"failed", c.failed}, {"refused", c.refused}, {"disputed", c.disputed}, {"random", c.random}};
}

void append_case(const ConformanceResult& r, std::string& out) {
  out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"", xml_text(r.op), xml_text(r.name), r.milliseconds / 1e3);
  if (r.outcome == ConformanceOutcome::passed) out += "/>\n";
  else out += fmt::format("><{} message=\"{}\"/></testcase>\n", r.outcome == ConformanceOutcome::failed ? "failure" : "skipped", xml_text(r.why));
}

}  // namespace

std::string conformance_text(const ConformanceSummary& s, bool only_problems) {
  std::string out;
  Table t({"operator", "passed", "failed", "refused", "disputed", "random"});
  for (const auto& [op, c] : s.by_operator)
    if (!only_problems || c.failed + c.refused + c.disputed > 0)
      t.add(
          {op, std::to_string(c.passed), std::to_string(c.failed), std::to_string(c.refused), std::to_string(c.disputed), std::to_string(c.random)});
  if (!t.empty()) out += t.text() + "\n";
  for (const ConformanceResult& r : s.results)
    if (r.outcome != ConformanceOutcome::passed) out += fmt::format("{} {} ({}): {}\n", outcome_name(r.outcome), r.name, r.op, r.why);
  out += fmt::format("passed {}, failed {}, refused {}", s.total.passed, s.total.failed, s.total.refused);
  if (s.total.disputed > 0) out += fmt::format(", disputed {} (another release of ONNX contradicts what they store)", s.total.disputed);
  if (s.total.random > 0) out += fmt::format("; {} of them with random values, judged by shape, type and statistics", s.total.random);
  return out + "\n";
}

nlohmann::json conformance_json(const ConformanceSummary& s, const std::string& backend) {
  nlohmann::json j = counts_json(s.total);
  j["backend"] = backend;
  j["by_operator"] = nlohmann::json::object();
  for (const auto& [op, c] : s.by_operator) j["by_operator"][op] = counts_json(c);
  j["problems"] = nlohmann::json::array();
  for (const ConformanceResult& r : s.results)
    if (r.outcome != ConformanceOutcome::passed)
      j["problems"].push_back({{"test", r.name}, {"operator", r.op}, {"outcome", outcome_name(r.outcome)}, {"reason", r.why}});
  return j;
}

std::string conformance_junit(const ConformanceSummary& s) {
  std::map<std::string, std::string> cases;
  for (const ConformanceResult& r : s.results) append_case(r, cases[r.op]);
  const auto counts = [](const ConformanceSummary::Counts& c) {
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\"", c.passed + c.failed + c.refused + c.disputed, c.failed,
                       c.refused + c.disputed);
  };
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites name=\"onnxopt conformance\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n", s.results.size(), s.total.failed);
  for (const auto& [op, c] : s.by_operator)
    out += fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", xml_text(op), counts(c), cases[op]);
  return out + "</testsuites>\n";
}

}  // namespace onnxopt
