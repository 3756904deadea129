// Converts ONNX backend tests to every opset from 7 on and runs the result as it is, each node by the kernel of its own version: it must give the
// stored outputs. Prints what differs, what is refused by reason, and a line a test operator if asked.
//
//   onnxopt_convert_prover FOLDER... [--targets 7-28] [--chain SEED] [--refused] [--write DIR]
//
// --chain SEED: instead of every target, a random walk of six opsets (up, down, up) that starts and ends at the test's own. --write DIR keeps the
// converted models, as DIR/<test>.<target>.onnx, for other runtimes.
#include <fmt/format.h>

#include <map>
#include <random>

#include "ir/core/check.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "node_tests.h"
#include "passes/opset/convert.h"
#include "passes/opset/ir_version.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

struct Options {
  std::vector<std::string> paths;
  int first = 7, last = kNewestOpset;
  bool refused = false;
  std::string write;
  unsigned chain = 0;
};

struct Tally {
  int equal = 0, differs = 0, refused = 0, unfit = 0;  // unfit: the original does not run here
  std::map<std::string, int> reasons;
};

// The model at `target`, written and read again; null: refused, with the reason.
std::unique_ptr<Model> converted(std::unique_ptr<Model> m, int target, std::string& why) {
  OutputOpsets to = own_opsets(*m);
  const OutputOpsets from = to;
  bool found = false;
  for (OpsetImport& i : to.imports)
    if (canonical_domain(i.domain).empty()) {
      i.version = target;
      found = true;
    }
  if (!found) to.imports.push_back({"", target});
  lift(*m);
  const Conversion c = prepare_conversion(*m, to);
  if (c.blocked > 0) {
    for (const ConversionStep& s : c.steps)
      if (s.kind == ConversionStep::Kind::blocked) why = fmt::format("{}: {}", s.from, refusal_line(s));
    return nullptr;
  }
  lower(*m, to);
  set_ir_version(*m, lowest_ir_version(*m, target));
  const auto bytes = std::make_shared<const std::string>(serialize_model(*m));
  auto r = read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
  infer(*r, {.strict = false});
  return r;
}

void write_bytes(const Model& m, const fs::path& file) { write_model(m, file); }

class Prover {
 public:
  explicit Prover(const Options& o) : o_(o) {}

  void test(const fs::path& dir) {
    std::unique_ptr<Model> original;
    try {
      original = read_model(dir / "model.onnx");
    } catch (const std::exception&) {
      ++tally.unfit;
      return;
    }
    const int own = own_opsets(*original).version("");
    if (own > kNewestOpset || run_node_test(*original, dir).outcome != NodeTestResult::Outcome::passed) {
      ++tally.unfit;
      return;
    }
    if (o_.chain) return chain(dir, own);
    for (int t = o_.first; t <= o_.last; ++t)
      if (t != own) one(dir, {t});
  }
  Tally tally;

 private:
  const Options& o_;

  void chain(const fs::path& dir, int own) {
    std::mt19937 random(o_.chain ^ static_cast<unsigned>(std::hash<std::string>()(dir.filename().string())));
    std::vector<int> steps;
    for (int k = 0; k < 5; ++k) steps.push_back(o_.first + static_cast<int>(random() % static_cast<unsigned>(o_.last - o_.first + 1)));
    if (own >= o_.first) steps.push_back(own);
    one(dir, steps);
  }

  // Targets that refuse are left out of a chain.
  void one(const fs::path& dir, const std::vector<int>& targets) {
    const std::string name = dir.parent_path().filename().string() + "/" + dir.filename().string();
    std::string path;
    try {
      auto m = read_model(dir / "model.onnx");
      bool any = false;
      for (const int t : targets) {
        std::string why;
        const auto bytes = std::make_shared<const std::string>(serialize_model(*m));
        auto copy = read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
        auto next = converted(std::move(copy), t, why);
        if (!next) {
          ++tally.refused;
          ++tally.reasons[why];
          if (o_.refused) fmt::print("REFUSED {} -> {}: {}\n", name, t, why);
          continue;
        }
        path += fmt::format(" -> {}", t);
        m = std::move(next);
        any = true;
      }
      if (!any) return;
      if (const auto problems = check(*m); !problems.empty()) return report(name, path, "invalid: " + problems[0].where + ": " + problems[0].what);
      const NodeTestResult r = run_node_test(*m, dir);
      if (r.outcome != NodeTestResult::Outcome::passed) return report(name, path, r.why);
      ++tally.equal;
      if (!o_.write.empty()) write_bytes(*m, fs::path(o_.write) / fmt::format("{}.{}.onnx", dir.filename().string(), targets.back()));
    } catch (const std::exception& e) {
      report(name, path, e.what());
    }
  }

  void report(const std::string& name, const std::string& path, const std::string& why) {
    ++tally.differs;
    fmt::print("DIFFERS {}{}: {}\n", name, path, why);
  }
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--refused") o.refused = true;
    else if (a == "--write") o.write = argv[++i];
    else if (a == "--chain") o.chain = static_cast<unsigned>(std::stoul(argv[++i]));
    else if (a == "--targets") {
      const std::string t = argv[++i];
      const auto dash = t.find('-');
      o.first = std::stoi(t);
      o.last = dash == std::string::npos ? o.first : std::stoi(t.substr(dash + 1));
    } else o.paths.push_back(a);
  }
  return o;
}

}  // namespace

int main(int argc, char** argv) {
  const Options o = parse(argc, argv);
  Prover prover(o);
  for (const fs::path& t : node_tests_in(o.paths)) prover.test(t);
  const Tally& t = prover.tally;
  for (const auto& [why, n] : t.reasons) fmt::print("{:6} {}\n", n, why);
  fmt::print("equal {}, differs {}, refused {}, tests that do not run here {}\n", t.equal, t.differs, t.refused, t.unfit);
  return t.differs == 0 && t.equal > 0 ? 0 : 1;
}
