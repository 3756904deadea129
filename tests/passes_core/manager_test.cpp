#include "passes/core/manager.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ir/ops/op_table.h"
#include "passes/core/bisect.h"
#include "passes/core/graph_hash.h"
#include "passes/core/instruments.h"
#include "passes/core/reproducer.h"
#include "tests/passes_rewrite/rewriting.h"

namespace onnxopt {
namespace {

constexpr const char* kChain = "g (float[2] x) => (float[2] y) { a = Exp (x) b = Exp (a) c = Exp (b) y = Exp (c) }";

// Turns one Exp after the other into Log, as if each were a rewrite.
class ExpToLog : public Pass {
 public:
  bool run(Graph& g, PassContext& ctx) override {
    bool changed = false;
    for (Node& n : g.nodes()) {
      if (!n.is("Exp") || !ctx.take_fuel()) continue;
      ctx.events.push_back({.rule = "exp-to-log", .node = std::string(n.output()->name()), .from_nodes = {}});
      n.set_op(op("Log"));
      changed = true;
    }
    return changed;
  }
};
// Changes one way, then the other, for ever.
class Flip : public Pass {
 public:
  bool run(Graph& g, PassContext& ctx) override {
    if (!ctx.take_fuel()) return false;
    Node& n = *g.first();
    n.set_op(n.is("Exp") ? op("Log") : op("Exp"));
    return true;
  }
};
class Silent : public Pass {
 public:
  bool run(Graph& g, PassContext&) override {
    g.first()->set_op(op("Log"));
    return false;
  }
};
class Boaster : public Pass {
 public:
  bool run(Graph&, PassContext&) override { return true; }
};
class Crash : public Pass {
 public:
  bool run(Graph&, PassContext&) override { throw InternalError("as planned"); }
};
template <class P>
std::unique_ptr<Pass> make() {
  return std::make_unique<P>();
}

constexpr std::array<PassEntry, 5> kTestPasses = {{
    {"boaster", "", make<Boaster>},
    {"crash", "", make<Crash>},
    {"exp-to-log", "", make<ExpToLog>},
    {"flip", "", make<Flip>},
    {"silent", "", make<Silent>},
}};

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}
bool contains(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}
std::string ops(const Model& m) { return testing::Rewriting::ops(m.graph()); }

}  // namespace

TEST_SUITE("manager_test") {
  TEST_CASE("every rule of the table compiles, names are sorted and unique") {
    std::string last;
    for (const auto make_rule : all_rules()) {
      const CompiledRule compiled(make_rule());
      CHECK(last < std::string(compiled.rule().name));
      last = compiled.rule().name;
      CHECK_FALSE(compiled.rule().summary.empty());
    }
    RuleSet nodes;
    last.clear();
    for (const auto make_rule : all_node_rules()) {
      const NodeRule r = make_rule();
      CHECK(last < std::string(r.name));
      last = r.name;
      CHECK((r.visit != nullptr));
      nodes.add(r);
    }
    nodes.build();  // knows all the operators
    last.clear();
    for (const PassEntry& p : graph_passes()) {
      CHECK(last < std::string(p.name));
      last = p.name;
    }
    std::string previous;
    for (const CatalogEntry& e : pipeline_names(graph_passes())) {
      CHECK(previous != e.name);
      previous = e.name;
    }
  }

  TEST_CASE("the default pipelines parse") {
    for (const char* level : {"O1", "O2", "O3"}) CHECK_NOTHROW(PassManager(graph_passes()).add(level));
  }

  TEST_CASE("pipelines as text: lists, fixpoints, mistakes") {
    const auto fails = [](const char* text, std::string_view why) { return contains(message_of([&] { PassManager(kTestPasses).add(text); }), why); };
    CHECK_NOTHROW(PassManager(kTestPasses).add(" fixpoint( flip , fixpoint(exp-to-log) ), silent "));
    CHECK_NOTHROW(PassManager(kTestPasses).add(""));
    CHECK(fails("exp-to-lag", "there is no pass 'exp-to-lag'; nearest: exp-to-log"));
    CHECK(fails("flip,,silent", "a pass name was expected"));
    CHECK(fails("flip,", "a pass name was expected"));
    CHECK(fails("fixpoint(flip", "')' is missing"));
    CHECK(fails("flip)", "')' without '('"));
    CHECK(fails("flip(silent)", "takes no arguments"));
    CHECK(fails("flip silent", "unexpected"));
    CHECK(fails(std::string(100, 'x').c_str(), "there is no pass"));
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += "fixpoint(";
    CHECK(fails(deep.c_str(), "nested too deeply"));
  }

  TEST_CASE("a fixpoint ends, and one that runs in a circle is stopped with a note") {
    auto model = parse_model(kChain);
    PassContext ctx;
    const auto runs = PassManager(kTestPasses).add("fixpoint(exp-to-log)").run(*model, ctx);
    CHECK(ops(*model) == "Log Log Log Log");
    REQUIRE(runs.size() == 2);
    CHECK(runs[0].changed);
    CHECK(runs[0].rewrites == 4);
    CHECK_FALSE(runs[1].changed);
    CHECK(ctx.notes.empty());
    PassManager(kTestPasses).add("fixpoint(flip)").run(*model, ctx);
    REQUIRE(ctx.notes.size() == 1);
    CHECK(contains(ctx.notes[0], "runs in a circle"));
    CHECK(contains(ctx.notes[0], "flip"));
  }

  TEST_CASE("passes that lie about a change are found, with their name") {
    const auto run = [](const char* text) {
      return message_of([&] {
        auto model = parse_model(kChain);
        PassContext ctx;
        ManagerOptions options;
        options.verify_each = true;
        PassManager(kTestPasses).add(text).set(options).run(*model, ctx);
      });
    };
    CHECK(contains(run("silent"), "pass silent: changed the graph and does not say so"));
    CHECK(contains(run("boaster"), "pass boaster: says it changed the graph and did not"));
    CHECK(run("exp-to-log") == "");
  }

  TEST_CASE("--disable switches off a pass, or its n-th run") {
    const auto run = [](std::vector<std::string> disabled) {
      auto model = parse_model(kChain);
      PassContext ctx;
      ctx.disabled = std::move(disabled);
      PassManager(kTestPasses).add("flip,flip,flip").run(*model, ctx);
      return ops(*model).substr(0, 3);
    };
    CHECK(run({}) == "Log");
    CHECK(run({"flip"}) == "Exp");
    CHECK(run({"flip@2"}) == "Exp");
    CHECK(run({"flip@2", "flip@3"}) == "Log");
    CHECK(run({"flip@4"}) == "Log");
  }

  TEST_CASE("hashes see operators, attributes and constants, not inner names") {
    const auto hash = [](const char* text) { return graph_hash(parse_model(text)->graph()); };
    const auto h = hash("g (float[2] x) => (float[2] y) <float c = {1}> { a = Exp (x) y = Add (a, c) }");
    CHECK(h == hash("g (float[2] x) => (float[2] y) <float k = {1}> { other = Exp (x) y = Add (other, k) }"));
    CHECK(h != hash("g (float[2] x) => (float[2] y) <float c = {2}> { a = Exp (x) y = Add (a, c) }"));
    CHECK(h != hash("g (float[2] x) => (float[2] y) <float c = {1}> { a = Log (x) y = Add (a, c) }"));
    CHECK(h != hash("g (float[2] x) => (float[2] y) <float c = {1}> { a = Exp (x) y = Add (c, a) }"));
    CHECK(hash("g (float[2] x) => (float[2] y) { y = Softmax <axis = 0> (x) }") !=
          hash("g (float[2] x) => (float[2] y) { y = Softmax <axis = 1> (x) }"));
  }

  TEST_CASE("instruments print, dump and check") {
    auto model = parse_model(kChain);
    std::ostringstream out;
    const auto folder = std::filesystem::temp_directory_path() / "onnxopt-manager-test";
    std::filesystem::remove_all(folder);
    PassContext ctx;
    PassManager manager(kTestPasses);
    manager.add("fixpoint(exp-to-log)").observe(print_changed(out)).observe(dump_to(folder));
    const auto runs = manager.run(*model, ctx);
    CHECK(contains(out.str(), "# after exp-to-log\n"));
    CHECK(contains(out.str(), "Log (c)"));
    CHECK(std::filesystem::exists(folder / "000-input.onnxtxt"));
    CHECK(std::filesystem::exists(folder / "001-exp-to-log.onnxtxt"));
    CHECK_FALSE(std::filesystem::exists(folder / "002-exp-to-log.onnxtxt"));
    std::filesystem::remove_all(folder);
    CHECK(contains(time_table(runs, ctx), "exp-to-log"));

    auto again = parse_model(kChain);
    PassContext fresh;
    PassManager checked(kTestPasses);
    checked.add("exp-to-log").observe(check_each([](Model&) { return std::string("y differs"); }));
    CHECK(contains(message_of([&] { checked.run(*again, fresh); }), "pass exp-to-log changed what the model computes: y differs"));
  }

  TEST_CASE("an internal error names the pass, and the reproducer holds the graph before it") {
    PassContext ctx;
    PassManager manager(kTestPasses);
    manager.add("exp-to-log,crash");
    auto model = parse_model(kChain);
    const std::string error = message_of([&] { manager.run(*model, ctx); });
    CHECK(contains(error, "pass crash: as planned"));
    const auto file = std::filesystem::temp_directory_path() / "onnxopt-manager-test.onnxtxt";
    CHECK(write_reproducer({.load = [] { return parse_model(kChain); },
                            .passes = kTestPasses,
                            .failed = &manager,
                            .context = PassContext(),
                            .error = error,
                            .file = file}));
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    std::filesystem::remove(file);
    CHECK(contains(text.str(), "--passes=crash"));
    CHECK(ops(*parse_model(text.str())) == "Log Log Log Log");
  }

  TEST_CASE("bisection finds the first bad rewrite") {
    for (std::int64_t bad = 1; bad <= 9; ++bad) CHECK(first_bad_fuel(9, [&](std::int64_t fuel) { return fuel < bad; }) == bad);
    BisectTask task{.load = [] { return parse_model(kChain); },
                    .good = [](Model& m) { return !m.graph().first()->next()->next()->is("Log"); },
                    .passes = kTestPasses,
                    .pipeline = "exp-to-log",
                    .context = {}};
    const BisectResult r = bisect(task);
    CHECK(r.rewrites == 4);
    CHECK(r.first_bad == 3);
    CHECK(r.culprit.node == "c");
    CHECK(contains(r.verdict, "rewrite 3 of 4 is the first bad one: exp-to-log at c"));
    task.good = [](Model&) { return true; };
    CHECK(contains(bisect(task).verdict, "nothing to find"));
    task.good = [](Model&) { return false; };
    CHECK(contains(bisect(task).verdict, "without any rewrite"));
  }
}

}  // namespace onnxopt
