// Converts ONNX backend tests to every opset from 7 on and runs the result as it is, each node by the kernel of its own version: it must give the
// stored outputs. Prints what differs, what is refused by reason, and a line a test operator if asked.
//
//   onnxopt_convert_prover FOLDER... [--targets 7-28] [--chain SEED] [--refused] [--write DIR] [--cells FILE] [--gaps MATRIX]
//
// --chain SEED: instead of every target, a random walk of six opsets (up, down, up) that starts and ends at the test's own. --write DIR keeps the
// converted models, as DIR/<test>.<target>.onnx, for other runtimes. --cells FILE: what was shown of each operator version at each target, for
// onnxopt_conversion_matrix. Models of ai.onnx.ml go to every version of that domain too. --gaps MATRIX: only what the matrix lacks, with cases made
// from the tests: a test converted to the opset of an old version is a case of that version, if it still gives the stored outputs there. So is a test
// whose inputs but the first, or all of whose inputs, are constants: what older versions have as attributes may not be computed.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "conversion_cells.h"
#include "ir/core/check.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "node_tests.h"
#include "passes/opset/convert.h"
#include "passes/opset/ir_version.h"
#include "passes/opset/walk.h"
#include "verify/conformance/tests.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

struct Options {
  std::vector<std::string> paths;
  int first = 7, last = kNewestOpset;
  bool refused = false;
  std::string write, cells, gaps;
  unsigned chain = 0;
};

struct Tally {
  int equal = 0, differs = 0, refused = 0, unfit = 0;  // unfit: the original does not run here
  std::map<std::string, int> reasons;
};

// The model at `target`, written and read again; null: refused, with the reason.
std::unique_ptr<Model> converted(std::unique_ptr<Model> m, std::string_view domain, int target, std::string& why, Conversion& c) {
  OutputOpsets to = own_opsets(*m);
  const OutputOpsets from = to;
  bool found = false;
  for (OpsetImport& i : to.imports)
    if (canonical_domain(i.domain) == domain) {
      i.version = target;
      found = true;
    }
  if (!found) to.imports.push_back({std::string(domain), target});
  lift(*m);
  c = prepare_conversion(*m, to);
  if (c.blocked > 0) {
    for (const ConversionStep& s : c.steps)
      if (s.kind == ConversionStep::Kind::blocked) why = fmt::format("{}: {}", s.from, refusal_line(s));
    return nullptr;
  }
  lower(*m, to);
  set_ir_version(*m, lowest_ir_version(*m, to.version("")));
  const auto bytes = std::make_shared<const std::string>(serialize_model(*m));
  auto r = read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
  infer(*r, {.strict = false});
  return r;
}

std::map<std::string, std::set<int>> read_gaps(const std::string& file) {
  std::map<std::string, std::set<int>> gaps;
  const auto rows = matrix_rows();
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string name, cells;
    fields >> name >> cells;
    const int first = first_target(name.starts_with("ai.onnx.ml.") ? "ai.onnx.ml" : "");
    const auto row = std::ranges::find(rows, name, [](const OpSchema* r) { return cell_row_name(*r); });
    for (std::size_t i = 0; i < cells.size() && row != rows.end(); ++i) {
      const int target = first + static_cast<int>(i);
      const bool refused_so_far = cells[i] == '.' && table_outcome(**row, target) != '.';
      if (cells[i] == 'C' || cells[i] == 'L' || refused_so_far) gaps[name].insert(target);
    }
  }
  return gaps;
}

// The operator versions that a model has nodes of.
std::set<const OpSchema*> rows_of(Model& m) {
  std::set<const OpSchema*> rows;
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (const Node& n : g.nodes())
        if (!n.op().has(kOpaque)) rows.insert(&n.op());
    });
  return rows;
}

void write_bytes(const Model& m, const fs::path& file) { write_model(m, file); }

class Prover {
 public:
  explicit Prover(const Options& o) : o_(o) {
    if (!o.gaps.empty()) gaps_ = read_gaps(o.gaps);
  }

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
    if (!check(*original).empty()) {
      ++tally.unfit;
      return;
    }
    if (!o_.gaps.empty()) return fill_gaps(dir, *original);
    rows_ = rows_of(*original);
    for (int t = o_.first; t <= o_.last; ++t)
      if (t != own) one(dir, {t});
    const int ml = own_opsets(*original).version("ai.onnx.ml");
    for (int t = 1; ml > 0 && t <= newest_opset("ai.onnx.ml"); ++t) one(dir, {t}, "ai.onnx.ml");  // its own too: what is deprecated there stays
  }
  Tally tally;
  CellProofs cells;

 private:
  const Options& o_;
  std::set<const OpSchema*> rows_;  // of the test at hand

  std::map<std::string, std::set<int>> gaps_;

  static std::unique_ptr<Model> copy_of(const Model& m) {
    const auto bytes = std::make_shared<const std::string>(serialize_model(m));
    return read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
  }

  static constexpr std::size_t kNone = 1000;

  // Inputs from `first` on become constants, as the test's data has them. False: there is no such case.
  static bool bake(const fs::path& dir, Model& m, std::size_t first) {
    Graph& g = m.graph();
    if (g.inputs().size() <= first) return first == kNone;
    const auto sets = read_conformance_data({dir.filename().string(), dir / "model.onnx", dir}, m);
    if (sets.size() != 1 || sets[0].inputs.size() != g.inputs().size()) return false;
    for (std::size_t i = g.inputs().size(); i-- > first;) {
      const RtValue& value = sets[0].inputs[i];
      if (!value.is_tensor()) return false;
      g.set_constant(*g.inputs()[i], value.tensor());
      g.remove_input(i);
    }
    return true;
  }

  void fill_gaps(const fs::path& dir, Model& original) {
    for (const std::string_view domain : {std::string_view(), std::string_view("ai.onnx.ml")}) {
      const int own = own_opsets(original).version(domain);
      for (int v = 1; own > 0 && v <= newest_opset(domain); ++v)
        for (const std::size_t first : {kNone, std::size_t{1}, std::size_t{0}})
          if (may_fill(original, domain, v) && (v != own || first != kNone)) fill_gaps_from(dir, domain, v, first);
    }
  }

  // Is there something left to show of the operators of this model?
  bool may_fill(Model& original, std::string_view domain, int v) {
    for (const OpSchema* row : rows_of(original)) {
      const OpSchema* there = row->domain == domain ? destination(*row, v) : nullptr;
      const auto it = there ? gaps_.find(cell_row_name(*there)) : gaps_.end();
      if (it != gaps_.end() && !it->second.empty()) return true;
    }
    return false;
  }

  // A case of every operator version that the test has at opset `v`.
  void fill_gaps_from(const fs::path& dir, std::string_view domain, int v, std::size_t first_constant) {
    try {
      Conversion c;
      std::string why;
      auto original = read_model(dir / "model.onnx");
      if (!bake(dir, *original, first_constant)) return;
      const auto made = converted(std::move(original), domain, v, why, c);
      if (!made) return;
      rows_ = rows_of(*made);
      std::set<int> targets;
      for (const OpSchema* row : rows_)
        if (const auto it = gaps_.find(cell_row_name(*row)); it != gaps_.end() && row->domain == domain)
          targets.insert(it->second.begin(), it->second.end());
      if (targets.empty() || !check(*made).empty() || run_node_test(*copy_of(*made), dir).outcome != NodeTestResult::Outcome::passed) return;
      for (const int t : targets)
        if (t != v) fill_gap(dir, *made, domain, t);
    } catch (const std::exception&) {
      return;  // no case
    }
  }

  void fill_gap(const fs::path& dir, const Model& made, std::string_view domain, int t) {
    const std::string name =
        dir.parent_path().filename().string() + "/" + dir.filename().string() + fmt::format(" at {}", own_opsets(made).version(domain));
    const std::string path = fmt::format(" -> {}", t);
    Conversion c;
    std::string why;
    try {
      const auto m = converted(copy_of(made), domain, t, why, c);
      if (!m) {
        ++tally.refused;
        return note(domain, t, c, Shown::refused);
      }
      if (const auto problems = check(*m); !problems.empty()) return report(domain, t, c, name, path, "invalid: " + problems[0].what);
      const NodeTestResult r = run_node_test(*m, dir);
      if (r.outcome != NodeTestResult::Outcome::passed) return report(domain, t, c, name, path, r.why);
      ++tally.equal;
      note(domain, t, c, Shown::equal);
      for (const OpSchema* row : rows_)
        if (const auto it = gaps_.find(cell_row_name(*row)); it != gaps_.end() && row->domain == domain) it->second.erase(t);
    } catch (const std::exception& e) {
      report(domain, t, c, name, path, e.what());
    }
  }

  enum class Shown { equal, differs, refused };
  void note(std::string_view domain, int target, const Conversion& c, Shown shown) {
    std::map<std::string, const ConversionStep*> steps;  // the worst of a row's nodes
    for (const ConversionStep& s : c.steps) {
      const ConversionStep*& worst = steps[s.from];
      if (!worst || s.kind > worst->kind) worst = &s;
    }
    for (const OpSchema* row : rows_) {
      if (row->domain != domain) continue;
      const auto it = steps.find(row_name(*row));
      const ConversionStep* s = it == steps.end() ? nullptr : it->second;
      const bool blocked = s && s->kind == ConversionStep::Kind::blocked;
      if (shown == Shown::refused && !blocked) continue;
      CellProof& p = cells[{cell_row_name(*row), target}];
      if (shown == Shown::differs) ++p.differs;
      else if (blocked) ++p.refused[refusal_letter(s->refusal)];
      else ++(s && s->kind == ConversionStep::Kind::lowered ? p.lowered : p.converted);
    }
  }

  void chain(const fs::path& dir, int own) {
    std::mt19937 random(o_.chain ^ static_cast<unsigned>(std::hash<std::string>()(dir.filename().string())));
    std::vector<int> steps;
    for (int k = 0; k < 5; ++k) steps.push_back(o_.first + static_cast<int>(random() % static_cast<unsigned>(o_.last - o_.first + 1)));
    if (own >= o_.first) steps.push_back(own);
    one(dir, steps);
  }

  // Targets that refuse are left out of a chain.
  void one(const fs::path& dir, const std::vector<int>& targets, std::string_view domain = "") {
    const std::string name = dir.parent_path().filename().string() + "/" + dir.filename().string();
    std::string path;
    Conversion c;
    try {
      auto m = read_model(dir / "model.onnx");
      bool any = false;
      for (const int t : targets) {
        std::string why;
        const auto bytes = std::make_shared<const std::string>(serialize_model(*m));
        auto copy = read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, ".");
        auto next = converted(std::move(copy), domain, t, why, c);
        if (!next) {
          ++tally.refused;
          ++tally.reasons[why];
          if (!o_.chain) note(domain, t, c, Shown::refused);
          if (o_.refused) fmt::print("REFUSED {} -> {}: {}\n", name, t, why);
          continue;
        }
        path += fmt::format(" -> {}", t);
        m = std::move(next);
        any = true;
      }
      if (!any) return;
      if (const auto problems = check(*m); !problems.empty())
        return report(domain, targets.back(), c, name, path, "invalid: " + problems[0].where + ": " + problems[0].what);
      const NodeTestResult r = run_node_test(*m, dir);
      if (r.outcome != NodeTestResult::Outcome::passed) return report(domain, targets.back(), c, name, path, r.why);
      ++tally.equal;
      if (!o_.chain) note(domain, targets.back(), c, Shown::equal);
      if (!o_.write.empty()) write_bytes(*m, fs::path(o_.write) / fmt::format("{}.{}.onnx", dir.filename().string(), targets.back()));
    } catch (const std::exception& e) {
      report(domain, targets.back(), c, name, path, e.what());
    }
  }

  void report(std::string_view domain, int target, const Conversion& c, const std::string& name, const std::string& path, const std::string& why) {
    ++tally.differs;
    if (!o_.chain) note(domain, target, c, Shown::differs);
    fmt::print("DIFFERS {}{}: {}\n", name, path, why);
  }
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    if (a == "--refused") o.refused = true;
    else if (a == "--write") o.write = argv[++i];
    else if (a == "--cells") o.cells = argv[++i];
    else if (a == "--gaps") o.gaps = argv[++i];
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
  if (!o.cells.empty()) std::ofstream(o.cells, std::ios::binary) << write_proofs(prover.cells);
  for (const auto& [why, n] : t.reasons) fmt::print("{:6} {}\n", n, why);
  fmt::print("equal {}, differs {}, refused {}, tests that do not run here {}\n", t.equal, t.differs, t.refused, t.unfit);
  return t.differs == 0 && t.equal > 0 ? 0 : 1;
}
