// Runs ONNX backend test folders (model.onnx, tolerance.json, test_data_set_*/input_*.pb, output_*.pb) on the reference executor and prints passed,
// failed and refused by operator. Arguments: folders of tests, or single tests; --quiet prints failures only.
#include <fmt/format.h>

#include <array>
#include <map>

#include "ir/io/io.h"
#include "node_test.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

using Outcome = NodeTestResult::Outcome;

NodeTestResult run_test(const fs::path& dir, std::string& op) {
  try {
    auto model = read_model(dir / "model.onnx");
    const Node* first = model->graph().first();
    op = !first ? "(none)" : model->graph().node_count() == 1 ? std::string(first->op().name) : "(graphs)";
    return run_node_test(*model, dir);
  } catch (const std::exception& e) {
    return {Outcome::failed, e.what()};
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> paths;
  bool quiet = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--quiet") quiet = true;
    else paths.emplace_back(argv[i]);
  }
  std::map<std::string, std::array<int, 3>> by_op;
  std::array<int, 3> total{};
  for (const fs::path& t : node_tests_in(paths)) {
    std::string op = "(unreadable)";
    const NodeTestResult r = run_test(t, op);
    ++by_op[op][static_cast<std::size_t>(r.outcome)];
    ++total[static_cast<std::size_t>(r.outcome)];
    if (r.outcome != Outcome::passed)
      fmt::print("{} {} ({}): {}\n", r.outcome == Outcome::failed ? "FAILED " : "REFUSED", t.filename().string(), op, r.why);
  }
  if (!quiet)
    for (const auto& [op, n] : by_op) fmt::print("{:30} passed {:4}  failed {:4}  refused {:4}\n", op, n[0], n[1], n[2]);
  fmt::print("passed {}, failed {}, refused {}\n", total[0], total[1], total[2]);
  return total[1] + total[2] == 0 ? 0 : 1;
}
