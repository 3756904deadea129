// Mutates the graphs of the case files and small models, optimizes each mutant at every level, and compares what it computes with what it computed.
//   onnxopt_fuzz_passes [--seed S] [--mutants N | --per-case N] [--only I] [--filter TEXT] [--each K] [--trace] [--fired] [--non-finite]
//   FOLDER|FILE...
// Case files (.onnxtxt with a PASS) and models (.onnx). --per-case: so many of each case. --only I: mutant I of this seed alone. --filter: origins
// whose name holds TEXT. --each: failures printed for each rule, default 2. --trace: the number of each mutant to stderr, for one that crashes.
// --fired: how many mutants each rule rewrote. Exit 1 if something failed.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "ir/io/io.h"
#include "ir/ops/infer.h"
#include "ir/text/text.h"
#include "tests/case_runner/case_file.h"
#include "tests/tools/fuzz_mutations.h"
#include "tests/tools/fuzz_trial.h"

namespace fs = std::filesystem;
using namespace onnxopt;
using namespace onnxopt::fuzz;

namespace {

struct Origin {
  std::string name, pipeline, text, file;  // text of a case, or file of a model
  int opset = 28;
  bool positive = false;  // the rule of the case rewrites it
};

struct Mutation {
  const MutationKind* kind;
  std::uint64_t seed;
};

struct Options {
  std::uint64_t seed = 1;
  std::int64_t mutants = 2000, only = -1, per_case = 0;
  std::string filter;
  int each = 2;
  bool trace = false, fired = false, non_finite = false;
  std::vector<std::string> paths;
};

std::unique_ptr<Model> open(const Origin& o) {
  auto m = o.file.empty() ? parse_model(o.text, {.default_opset = o.opset, .file = o.name}) : read_model(o.file);
  infer(*m, {.strict = false});
  return m;
}

void add_case_file(const fs::path& path, std::vector<Origin>& all) {
  const cases::CaseFile file = cases::read_case_file(path);
  for (const cases::PassCase& c : file.passes)
    for (const cases::Section& s : c.before) {
      Origin o{path.stem().string() + ": " + c.title, file.pipeline, s.text, "", c.settings.opset, !c.unchanged};
      try {
        if (total_nodes(open(o)->graph()) <= 80) all.push_back(o);
      } catch (const std::exception&) {
      }
    }
}

std::vector<Origin> origins(const Options& options) {
  std::vector<fs::path> files;
  for (const std::string& p : options.paths) {
    if (!fs::is_directory(p)) files.emplace_back(p);
    else
      for (const auto& e : fs::directory_iterator(p)) files.push_back(e.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Origin> all;
  for (const fs::path& f : files) {
    if (f.stem().string().starts_with("lower-")) continue;  // what is asked for by name may fail to be saved
    if (f.extension() == ".onnxtxt") add_case_file(f, all);
    if (f.extension() == ".onnx") all.push_back({f.stem().string(), "", "", f.string(), 0, true});
  }
  std::erase_if(all, [&](const Origin& o) { return o.name.find(options.filter) == std::string::npos; });
  return all;
}

std::uint64_t name_hash(const std::string& name) {  // FNV-1a
  std::uint64_t h = 0xCBF29CE484222325ull;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return h;
}

const MutationKind& random_kind(Random& random) {
  static constexpr std::size_t kLists = 3;
  const std::span<const MutationKind> lists[kLists] = {constant_mutations(), node_mutations(), structure_mutations()};
  std::int64_t total = 0;
  for (const auto& list : lists)
    for (const MutationKind& k : list) total += k.weight;
  std::int64_t at = random.below(total);
  for (const auto& list : lists)
    for (const MutationKind& k : list)
      if ((at -= k.weight) < 0) return k;
  return lists[0][0];
}

bool is_o1(const std::string& name) {
  for (const CatalogEntry& e : pipeline_names(graph_passes()))
    if (e.name == name) return e.level == Level::o1;
  return false;
}

// What the pipelines promise, and the rule's own.
std::vector<Variant> variants(const std::string& pipeline) {
  std::vector<Variant> r = {{"load and save", "", Level::o1, false},
                            {"O1", default_pipeline(Level::o1), Level::o1, true},
                            {"O2", default_pipeline(Level::o2), Level::o2, false},
                            {"O3", default_pipeline(Level::o3), Level::o3, false}};
  if (pipeline.empty()) return r;
  const bool exact = is_o1(pipeline);
  r.push_back({"alone", pipeline, exact ? Level::o1 : Level::o3, exact});
  return r;
}

struct Counts {
  std::int64_t mutants = 0, refused = 0, input_sets = 0, failures = 0;
  std::map<std::string, int> by_rule, fired;
};

class Fuzzer {
 public:
  explicit Fuzzer(const Options& o) : options_(o), origins_(origins(o)) {
    std::map<std::string, std::vector<Origin>> files;
    for (const Origin& origin : origins_) files[origin.name.substr(0, origin.name.find(':'))].push_back(origin);
    for (auto& [name, list] : files) by_file_.push_back(std::move(list));
  }

  int run() {
    if (origins_.empty()) return fmt::print("no cases\n"), 2;
    if (options_.per_case > 0) options_.mutants = options_.per_case * static_cast<std::int64_t>(origins_.size());
    const auto start = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < options_.mutants; ++i)
      if (options_.only < 0 || options_.only == i) mutant(i);
    const double s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const std::int64_t kept = counts_.mutants - counts_.refused;
    fmt::print("{} cases, {} mutants, {} of them ran ({} %), {} input sets, {} failures, {:.1f} s\n", origins_.size(), counts_.mutants, kept,
               100 * kept / std::max<std::int64_t>(counts_.mutants, 1), counts_.input_sets, counts_.failures, s);
    if (options_.fired)
      for (const auto& [rule, n] : counts_.fired) fmt::print("  {} in {} mutants\n", rule, n);
    for (const auto& [rule, n] : counts_.by_rule) fmt::print("  {:5} {}\n", n, rule);
    return counts_.failures != 0 || (kept < counts_.mutants / 3 && options_.only < 0);
  }

 private:
  // "": no mutation applied, or the result cannot be written.
  std::string build(const Origin& o, const std::vector<Mutation>& mutations) {
    const auto m = open(o);
    bool changed = false;
    for (const Mutation& mutation : mutations) {
      Random random(mutation.seed);
      const std::function<std::unique_ptr<Model>()> other = [&]() -> std::unique_ptr<Model> { return open(pick(origins_, random)); };
      MutationContext ctx{random, other};
      changed |= mutation.kind->apply(*m, ctx);
      infer(*m, {.strict = false});
    }
    for (Value* v : m->graph().outputs())  // what the file says of its outputs does not follow the mutations
      if (v->extra() && !v->is_graph_input() && (mutations.empty() || mutations.back().seed % 8 != 0)) v->make_extra().has_declared = false;
    return changed || mutations.empty() ? serialize_model(*m) : "";
  }

  void mutant(std::int64_t number) {
    Random random(options_.seed * 1000003 + static_cast<std::uint64_t>(number));
    const Origin* chosen = nullptr;
    if (options_.per_case > 0) {  // what a case gets does not hang on which others there are
      chosen = &origins_[static_cast<std::size_t>(number / options_.per_case)];
      random = Random(name_hash(chosen->name) + options_.seed + static_cast<std::uint64_t>(number % options_.per_case));
    } else {
      const std::vector<Origin>& file = pick(by_file_, random);  // every file as often as any other
      chosen = &pick(file, random);
      for (int i = 0; i < 3 && !chosen->positive; ++i) chosen = &pick(file, random);
    }
    const Origin& o = *chosen;
    std::vector<Mutation> mutations;
    static constexpr std::int64_t kHowMany[] = {1, 1, 1, 1, 2, 2, 2, 3, 3, 4};
    for (std::int64_t n = kHowMany[random.below(std::size(kHowMany))]; n > 0; --n) {
      const MutationKind& kind = random_kind(random);
      mutations.push_back({&kind, random.next()});
    }
    ++counts_.mutants;
    if (options_.trace) fmt::print(stderr, "mutant {}\n", number);
    const std::uint64_t seed = random.next();
    const std::unique_ptr<Trial> trial = start(o, mutations, seed);
    if (!trial) {
      ++counts_.refused;
      return;
    }
    counts_.input_sets += trial->input_sets();
    std::vector<Variant> all = variants(o.pipeline);
    for (Variant& v : all) {
      v.non_finite = options_.non_finite;
      if (const auto f = tried(*trial, v)) return report(number, o, mutations, seed, v, *f);
    }
    for (const std::string& rule : trial->fired()) ++counts_.fired[rule];
  }

  std::unique_ptr<Trial> start(const Origin& o, const std::vector<Mutation>& mutations, std::uint64_t seed) {
    try {
      std::string bytes = build(o, mutations);
      if (bytes.empty()) return nullptr;
      return std::make_unique<Trial>(std::move(bytes), seed);
    } catch (const std::exception& e) {
      if (options_.only >= 0) fmt::print("refused: {}\n", e.what());
      return nullptr;
    }
  }

  static std::optional<Failure> tried(Trial& trial, const Variant& v) {
    try {
      return trial.run(v);
    } catch (const Error&) {
      return std::nullopt;  // too slow
    }
  }

  void report(std::int64_t number, const Origin& o, std::vector<Mutation> mutations, std::uint64_t seed, const Variant& v, Failure f) {
    ++counts_.failures;
    for (std::size_t i = 0; i < mutations.size();) {  // those that are not needed for it
      std::vector<Mutation> fewer;
      for (std::size_t k = 0; k < mutations.size(); ++k)
        if (k != i) fewer.push_back(mutations[k]);
      const auto trial = start(o, fewer, seed);
      const auto again = trial ? tried(*trial, v) : std::nullopt;
      if (again && again->what == f.what) {
        mutations = fewer;
        f = *again;
      } else {
        ++i;
      }
    }
    const auto trial = start(o, mutations, seed);
    try {
      f.rule = trial ? trial->find_rule(v) : "?";
    } catch (const Error&) {
      f.rule = "too slow to find";
    }
    const std::string group = fmt::format("{} ({}, {})", f.rule, f.what, v.exact ? "exact" : "rounding");
    if (++counts_.by_rule[group] > options_.each) return;
    fmt::print("---- {} at {}: {}\n     seed {} mutant {}, case {}\n", f.rule, v.name, f.what, options_.seed, number, o.name);
    for (const Mutation& m : mutations) fmt::print("     mutation: {}\n", m.kind->name);
    fmt::print("     {}\n{}", f.detail, f.inputs);
    const std::string bytes = build(o, mutations);
    const auto m = read_model(std::as_bytes(std::span(bytes.data(), bytes.size())), nullptr, ".");
    fmt::print("{}\n", print_model(*m, {.full = m->graph().node_count() < 60}));
    std::fflush(stdout);
  }

  Options options_;
  std::vector<Origin> origins_;
  std::vector<std::vector<Origin>> by_file_;
  Counts counts_;
};

Options parse(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const auto next = [&]() -> std::string { return i + 1 < argc ? argv[++i] : throw std::runtime_error(arg + " needs a value"); };
    if (arg == "--seed") o.seed = std::stoull(next());
    else if (arg == "--mutants") o.mutants = std::stoll(next());
    else if (arg == "--per-case") o.per_case = std::stoll(next());
    else if (arg == "--only") o.only = std::stoll(next());
    else if (arg == "--filter") o.filter = next();
    else if (arg == "--trace") o.trace = true;
    else if (arg == "--non-finite") o.non_finite = true;
    else if (arg == "--fired") o.fired = true;
    else if (arg == "--each") o.each = std::stoi(next());
    else o.paths.push_back(arg);
  }
  if (o.only >= 0) o.mutants = std::max(o.mutants, o.only + 1);
  return o;
}

}  // namespace

int main(int argc, char** argv) {
#ifndef __SANITIZE_ADDRESS__                                          // its shadow memory is larger than any machine's
  const rlimit most{std::uint64_t{3} << 30, std::uint64_t{3} << 30};  // a mutant that asks for more is refused, not the machine
  setrlimit(RLIMIT_AS, &most);
#endif
  try {
    return Fuzzer(parse(argc, argv)).run();
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 2;
  }
}
