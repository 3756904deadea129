// onnxopt_cases [--update-cases] [--only=TITLE] FILE...: runs case files; 0 if all passed.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/case_runner/run_case.h"

namespace onnxopt::cases {
namespace {

struct Totals {
  std::size_t cases = 0, failed = 0, skipped_checks = 0, updated = 0;
};

template <class Case>
Outcome run_and_print(const CaseFile& file, const Case& c, Totals& totals) {
  Outcome outcome = run_case(file, c);
  ++totals.cases;
  totals.skipped_checks += outcome.skipped.size();
  totals.failed += !outcome.failures.empty();
  for (const std::string& f : outcome.failures) fmt::print("FAILED {}:{}: {}\n  {}\n", file.path.string(), c.line, c.title, f);
  for (const std::string& s : outcome.skipped) fmt::print("skipped {}:{}: {}\n", file.path.string(), c.line, s);
  return outcome;
}

void run_file(const std::string& path, bool update, const std::string& only, Totals& totals) {
  const CaseFile file = read_case_file(path);
  std::vector<std::string> after(file.passes.size());
  for (std::size_t i = 0; i < file.passes.size(); ++i) {
    if (!only.empty() && file.passes[i].title.find(only) == std::string::npos) continue;
    const Outcome outcome = run_and_print(file, file.passes[i], totals);
    after[i] = outcome.after;
    totals.updated += update && !outcome.after.empty();
  }
  for (const KernelCase& c : file.kernels)
    if (only.empty() || c.title.find(only) != std::string::npos) run_and_print(file, c, totals);
  if (update) update_after(file, after);
}

int run(int argc, char** argv) {
  bool update = false;
  std::string only;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--update-cases") update = true;
    else if (arg.starts_with("--only=")) only = arg.substr(7);
    else files.push_back(arg);
  }
  Totals totals;
  for (const std::string& f : files) {
    try {
      run_file(f, update, only, totals);
    } catch (const Error& e) {
      fmt::print("FAILED {}\n", e.what());
      ++totals.failed;
    }
  }
  fmt::print("{} cases, {} failed, {} checks skipped{}\n", totals.cases, totals.failed, totals.skipped_checks,
             update ? fmt::format(", {} AFTER sections rewritten: review the diff", totals.updated) : "");
  return totals.failed == 0 && totals.cases > 0 ? 0 : 1;
}

}  // namespace
}  // namespace onnxopt::cases

int main(int argc, char** argv) { return onnxopt::cases::run(argc, argv); }
