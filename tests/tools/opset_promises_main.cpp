// Two promises of "one opset inside", tested on many models.
//
//   onnxopt_opset_promises own PATH...      .onnx files, folders: read, lifted, lowered to their own opset and written, they are what they were
//   onnxopt_opset_promises rules FOLDER     case files of rules: converted to every opset from 7 on, the rule rewrites as often, wherever the result
//                                           can be said without decomposing it
#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "ir/core/check.h"
#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "ir/text/text.h"
#include "passes/core/manager.h"
#include "passes/opset/convert.h"
#include "tests/case_runner/case_file.h"
#include "verify/exec/executor.h"

namespace fs = std::filesystem;
using namespace onnxopt;

namespace {

std::unique_ptr<Model> through_bytes(const Model& m, const fs::path& folder) {
  const auto bytes = std::make_shared<const std::string>(serialize_model(m));
  return read_model(std::as_bytes(std::span(bytes->data(), bytes->size())), bytes, folder);
}

// ---- own

std::vector<fs::path> models_in(const std::vector<std::string>& paths) {
  std::vector<fs::path> r;
  for (const std::string& p : paths) {
    if (!fs::is_directory(p)) r.emplace_back(p);
    else
      for (const auto& e : fs::recursive_directory_iterator(p))
        if (e.path().extension() == ".onnx") r.push_back(e.path());
  }
  std::sort(r.begin(), r.end());
  return r;
}

bool only_types(const std::string& difference) {
  std::istringstream lines(difference);
  for (std::string line; std::getline(lines, line);)
    if (!line.empty() && line.find("type of output") == std::string::npos && line.find("type of input") == std::string::npos) return false;
  return true;
}

int own(const std::vector<std::string>& paths) {
  int same = 0, unreadable = 0, corrected = 0, differ = 0;
  for (const fs::path& file : models_in(paths)) {
    std::unique_ptr<Model> before;
    try {
      before = read_model(file);
      if (own_opsets(*before).version("") > kNewestOpset) throw Error(ExitCode::bad_input, "newer than the table");
    } catch (const std::exception&) {
      ++unreadable;
      continue;
    }
    std::string why;
    try {
      const auto m = read_model(file);
      lift(*m);
      lower(*m, own_opsets(*m));
      why = difference(*before, *through_bytes(*m, file.parent_path()), {.inner_names = true, .normalize_defaults = false});
    } catch (const std::exception& e) {
      why = e.what();
    }
    // A type of an output that contradicts inference, or that a subgraph leaves open, is written as inference has it; nothing else may change.
    const bool type_only = !why.empty() && only_types(why);
    ++(why.empty() ? same : type_only ? corrected : differ);
    if (!why.empty()) fmt::print("{} {}: {}\n", type_only ? "CORRECTED" : "DIFFERS", file.string(), why.substr(0, 500));
  }
  fmt::print("isomorphic {}, only with types of outputs stated or corrected {}, differ {}, not readable {}\n", same, corrected, differ, unreadable);
  return differ == 0 && same > 0 ? 0 : 1;
}

// ---- rules

struct Tally {
  int same = 0, fewer = 0, not_sayable = 0;
};

class RuleAtOpsets {
 public:
  RuleAtOpsets(const cases::CaseFile& file, const cases::PassCase& c) : file_(file), case_(c), evaluator_(reference_evaluator()) {}

  void run(Tally& tally) {
    for (const cases::Section& section : case_.before) {
      const int own = case_.settings.opset;
      const auto newest = load(section);
      if (own_opsets(*newest).version("") != own) continue;  // the case names its opset: it is about that one
      const std::size_t expected = rewrites(*newest, own_opsets(*newest));
      if (expected == 0) continue;
      for (int v = 7; v <= kNewestOpset; ++v)
        if (v != own) at(section, v, expected, tally);
    }
  }

 private:
  const cases::CaseFile& file_;
  const cases::PassCase& case_;
  std::unique_ptr<Evaluator> evaluator_;

  std::unique_ptr<Model> load(const cases::Section& s) const {
    auto m = parse_model(s.text,
                         {.default_opset = case_.settings.opset, .file = file_.path.filename().string(), .first_line = s.line, .placeholders = true});
    lift(*m);
    infer(*m);
    return m;
  }

  static std::size_t outputs(const Model& m) {
    std::size_t n = 0;
    for (const Node& node : m.graph().nodes()) n += node.outputs().size();
    return n;
  }

  // Null: the section cannot be said at `v` without decompositions.
  std::unique_ptr<Model> converted(const cases::Section& s, int v) const {
    auto m = load(s);
    OutputOpsets to = own_opsets(*m);
    for (OpsetImport& i : to.imports)
      if (canonical_domain(i.domain).empty()) i.version = v;
    const Conversion c = prepare_conversion(*m, to);
    if (c.blocked + c.lowered > 0) return nullptr;
    lower(*m, to);
    return m;
  }

  std::size_t rewrites(Model& m, const OutputOpsets& output) const {
    PassContext ctx;
    ctx.model = &m;
    ctx.evaluator = evaluator_.get();
    ctx.output = output;
    ctx.level = case_.settings.level;
    ctx.growth.left_bytes = case_.settings.max_growth >= 0 ? case_.settings.max_growth : std::int64_t{1} << 20;
    ctx.fuel = case_.settings.fuel;
    ctx.keep_nodes = case_.settings.keep_nodes;
    ctx.keep_overridable = case_.settings.keep_overridable;
    PassManager manager(graph_passes());
    manager.add(file_.pipeline);
    std::size_t n = 0;
    for (const PassRun& r : manager.run(m, ctx)) n += r.rewrites;
    return n;
  }

  void at(const cases::Section& section, int v, std::size_t expected, Tally& tally) {
    std::string why;
    try {
      const auto lowered = converted(section, v);
      if (!lowered || !converted(case_.after, v) || outputs(*lowered) != outputs(*load(section))) {
        ++tally.not_sayable;
        return;
      }
      const auto m = through_bytes(*lowered, ".");
      lift(*m);
      infer(*m, {.strict = false});
      const std::size_t n = rewrites(*m, own_opsets(*m));
      if (n == expected) {
        ++tally.same;
        return;
      }
      why = fmt::format("{} rewrites, not {}", n, expected);
    } catch (const std::exception& e) {
      why = e.what();
    }
    ++tally.fewer;
    fmt::print("DIFFERS {} '{}' at opset {}: {}\n", file_.path.stem().string(), case_.title, v, why);
  }
};

int rules(const std::string& folder) {
  Tally tally;
  std::vector<fs::path> files;
  for (const auto& e : fs::directory_iterator(folder))
    if (e.path().extension() == ".onnxtxt") files.push_back(e.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& path : files) {
    const cases::CaseFile file = cases::read_case_file(path);
    for (const cases::PassCase& c : file.passes) {
      if (c.unchanged || c.after.text.empty()) continue;
      try {
        RuleAtOpsets(file, c).run(tally);
      } catch (const std::exception& e) {
        fmt::print("cannot run {} '{}': {}\n", path.stem().string(), c.title, e.what());
      }
    }
  }
  fmt::print("same number of rewrites {}, another {}, without that form at the opset {}\n", tally.same, tally.fewer, tally.not_sayable);
  return tally.fewer == 0 && tally.same > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() >= 2 && args[0] == "own") return own({args.begin() + 1, args.end()});
  if (args.size() == 2 && args[0] == "rules") return rules(args[1]);
  fmt::print(stderr, "onnxopt_opset_promises own PATH... | rules FOLDER\n");
  return 2;
}
