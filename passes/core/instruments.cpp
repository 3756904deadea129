#include "passes/core/instruments.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "ir/io/write_file.h"
#include "ir/text/text.h"

namespace onnxopt {
namespace {

class PrintAfter : public Instrument {
 public:
  PrintAfter(std::vector<std::string> names, bool only_changed, std::ostream& out, HitCount hits)
      : names_(std::move(names)), only_changed_(only_changed), out_(out), hits_(std::move(hits)), hits_before_(names_.size()) {}
  void before(std::string_view, Graph&) override {
    for (std::size_t i = 0; hits_ && i < names_.size(); ++i) hits_before_[i] = hits_(names_[i]);
  }
  void after(std::string_view pass, Graph& graph, bool changed) override {
    if (only_changed_ && !changed) return;
    const auto listed = [&](std::string_view name) { return std::find(names_.begin(), names_.end(), name) != names_.end(); };
    std::string title(pass);
    if (!only_changed_ && !listed("all") && !listed(pass)) {
      const std::string fired = fired_rules();
      if (fired.empty()) return;
      title = fmt::format("{} in {}", fired, pass);
    }
    out_ << fmt::format("# after {}{}\n{}\n", title, changed ? "" : " (unchanged)", print_graph(graph));
  }

 private:
  std::string fired_rules() const {
    std::string fired;
    for (std::size_t i = 0; hits_ && i < names_.size(); ++i)
      if (hits_(names_[i]) > hits_before_[i]) fired += (fired.empty() ? "" : ", ") + names_[i];
    return fired;
  }

  std::vector<std::string> names_;
  bool only_changed_;
  std::ostream& out_;
  HitCount hits_;
  std::vector<std::size_t> hits_before_;
};

class DumpTo : public Instrument {
 public:
  explicit DumpTo(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) bad_input(fmt::format("cannot make the folder {}: {}", folder_.string(), error.message()));
  }
  void before(std::string_view, Graph& graph) override {
    if (number_ == 0) write("input", graph.model());
  }
  void after(std::string_view pass, Graph& graph, bool changed) override {
    if (changed) write(pass, graph.model());
  }

 private:
  void write(std::string_view pass, const Model& model) {
    write_file(folder_ / fmt::format("{:03}-{}.onnxtxt", number_++, pass), print_model(model) + "\n");
  }
  std::filesystem::path folder_;
  int number_ = 0;
};

class CheckEach : public Instrument {
 public:
  explicit CheckEach(ModelCheck differs) : differs_(std::move(differs)) {}
  void after(std::string_view pass, Graph& graph, bool changed) override {
    if (!changed) return;
    const std::string why = differs_(graph.model());
    if (!why.empty())
      throw Error(
          ExitCode::gate_failed,
          fmt::format("pass {} changed what the model computes: {}. Next: `onnxopt bisect` finds the rewrite, `--disable={}` leaves the pass out",
                      pass, why, pass));
  }

 private:
  ModelCheck differs_;
};

}  // namespace

std::unique_ptr<Instrument> print_after(std::vector<std::string> names, std::ostream& out, HitCount hits) {
  return std::make_unique<PrintAfter>(std::move(names), false, out, std::move(hits));
}
std::unique_ptr<Instrument> print_changed(std::ostream& out) {
  return std::make_unique<PrintAfter>(std::vector<std::string>(), true, out, HitCount());
}
std::unique_ptr<Instrument> dump_to(std::filesystem::path folder) { return std::make_unique<DumpTo>(std::move(folder)); }
std::unique_ptr<Instrument> check_each(ModelCheck differs) { return std::make_unique<CheckEach>(std::move(differs)); }

std::string time_table(const std::vector<PassRun>& runs, const PassContext& ctx) {
  struct Row {
    std::string name;
    std::size_t runs = 0, rewrites = 0;
    double ms = 0;
  };
  std::map<std::string, Row> by_name;
  double total = 0;
  for (const PassRun& r : runs) {
    Row& row = by_name[r.name];
    row.name = r.name;
    ++row.runs;
    row.rewrites += r.rewrites;
    row.ms += r.ms;
    total += r.ms;
  }
  std::vector<Row> rows;
  for (auto& [name, row] : by_name) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.ms > b.ms; });
  std::string text = fmt::format("{:<36} {:>8} {:>10} {:>10}\n", "pass", "runs", "rewrites", "ms");
  for (const Row& r : rows) text += fmt::format("{:<36} {:>8} {:>10} {:>10.2f}\n", r.name, r.runs, r.rewrites, r.ms);
  text += fmt::format("{:<36} {:>8} {:>10} {:>10.2f}\n", "total", "", ctx.rewrites, total);

  std::vector<std::pair<std::string, RuleStats>> rules(ctx.rule_stats.begin(), ctx.rule_stats.end());
  if (rules.empty() || !ctx.time_rules) return text;
  std::stable_sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) { return a.second.ms > b.second.ms; });
  text += fmt::format("\n{:<36} {:>8} {:>10} {:>10}\n", "rule", "tries", "hits", "ms");
  for (const auto& [name, s] : rules) text += fmt::format("{:<36} {:>8} {:>10} {:>10.2f}\n", name, s.tries, s.hits, s.ms);
  return text;
}

}  // namespace onnxopt
