#include "verify/conformance/conformance.h"

#include <fmt/format.h>

#include <chrono>

#include "passes/opset/opset.h"
#include "verify/conformance/disputed.h"

namespace onnxopt {
namespace {

constexpr std::size_t kDraws = 300;  // runs with different seeds, where outputs are random

// Operators of the nondeterminism trait forget the seed that they state: it selects a sequence of the generator of one implementation.
// True if there is such an operator.
bool free_random_nodes(Graph& g) {
  bool any = false;
  for (Node& n : g.nodes()) {
    for (Graph* inner : n.subgraphs()) any = free_random_nodes(*inner) || any;
    if (!n.op().has(kNondeterministic)) continue;
    any = true;
    n.mutable_attrs().remove("seed");
  }
  return any;
}

std::vector<RtValue> run_seeded(Model& model, const ConformanceOptions& o, const std::vector<RtValue>& inputs, std::uint64_t seed) {
  ExecOptions options;
  options.backends = o.backends;
  options.seed = seed;
  Executor executor(model, options);
  return executor.run(inputs);
}

struct Verdict {
  std::string why;
  std::size_t random = 0;
};

Verdict judge_random(Model& model, const ConformanceOptions& o, const ConformanceData& data, ConformanceTolerance tolerance) {
  Verdict v;
  std::vector<std::vector<RtValue>> draws(model.graph().outputs().size());
  const auto draw = [&](std::uint64_t seed) {
    std::vector<RtValue> outputs = run_seeded(model, o, data.inputs, seed);
    for (std::size_t i = 0; i < outputs.size(); ++i) draws[i].push_back(std::move(outputs[i]));
  };
  const auto settled = [&](std::size_t i) {  // the same for all seeds so far
    for (const RtValue& d : draws[i])
      if (!compare_output(d, draws[i][0], {0, 0}).empty()) return false;
    return true;
  };
  constexpr std::uint64_t kFirst = 8;
  for (std::uint64_t seed = 0; seed < kFirst; ++seed) draw(seed);
  bool random = false;
  for (const auto& [i, want] : data.expected) random = random || !settled(i);
  if (random)
    for (std::uint64_t seed = kFirst; seed < kDraws; ++seed) draw(seed);
  for (const auto& [i, want] : data.expected) {
    const bool fixed = settled(i);
    if (!fixed) ++v.random;
    const std::string why = fixed ? compare_output(draws[i][0], want, tolerance) : compare_random_output(draws[i], want);
    if (!why.empty() && v.why.empty()) v.why = fmt::format("output {}: {}", i, why);
  }
  return v;
}

Verdict judge(Executor& executor, const ConformanceData& data, ConformanceTolerance tolerance) {
  const std::vector<RtValue> got = executor.run(data.inputs);
  for (const auto& [i, want] : data.expected)
    if (std::string why = compare_output(got[i], want, tolerance); !why.empty()) return {fmt::format("output {}: {}", i, why), 0};
  return {};
}

void run_sets(const ConformanceTest& test, Model& model, Executor& executor, const ConformanceOptions& o, bool random, ConformanceResult& r) {
  const ConformanceTolerance tolerance = read_conformance_tolerance(test);
  std::size_t compared = 0;
  for (const ConformanceData& data : read_conformance_data(test, model)) {
    const Verdict v = random ? judge_random(model, o, data, tolerance) : judge(executor, data, tolerance);
    compared += data.expected.size();
    r.random += v.random;
    if (v.why.empty()) continue;
    r.outcome = ConformanceOutcome::failed;
    r.why = v.why;
    return;
  }
  if (compared > 0 || model.graph().outputs().empty()) return;
  r.outcome = ConformanceOutcome::failed;
  r.why = "the test has no stored output";
}

std::string operator_of(const Model& model) {
  const Node* first = model.graph().first();
  if (first == nullptr) return "(no nodes)";
  if (model.graph().node_count() > 1) return "(graphs)";
  const std::string domain(first->op().domain);
  return (domain.empty() ? "" : domain + ".") + std::string(first->op().name);
}

}  // namespace

void run_conformance_model(const ConformanceTest& test, Model& model, const ConformanceOptions& o, ConformanceResult& r) try {
  bool random = false;
  for (Graph* g : model.root_graphs()) random = free_random_nodes(*g) || random;
  ExecOptions options;
  options.backends = o.backends;
  Executor executor(model, options);
  if (const auto& missing = executor.unsupported(); !missing.empty()) {
    r.outcome = ConformanceOutcome::refused;
    r.why = fmt::format("{}: {}", missing[0].node->op().name, missing[0].reason);
  } else run_sets(test, model, executor, o, random, r);
} catch (const Error& e) {
  r.outcome = ConformanceOutcome::failed;
  r.why = e.what();
}

ConformanceResult run_conformance_test(const ConformanceTest& test, const ConformanceOptions& o) {
  ConformanceResult r;
  r.name = test.name;
  r.op = "(unreadable)";
  const auto start = std::chrono::steady_clock::now();
  try {
    const auto model = read_model(test.model);
    r.op = operator_of(*model);
    if (o.lift) lift(*model);
    run_conformance_model(test, *model, o, r);
  } catch (const Error& e) {
    r.outcome = ConformanceOutcome::failed;
    r.why = e.what();
  }
  if (r.outcome == ConformanceOutcome::failed)
    if (const DisputedTest* d = find_disputed(test)) {
      r.outcome = ConformanceOutcome::disputed;
      r.why = fmt::format("{}; onnx {}: {}", r.why, d->releases, d->evidence);
    }
  r.milliseconds = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return r;
}

void ConformanceSummary::Counts::add(const ConformanceResult& r) {
  std::size_t* const counts[] = {&passed, &failed, &refused, &disputed};
  ++*counts[static_cast<std::size_t>(r.outcome)];
  if (r.random > 0) ++random;
}

void ConformanceSummary::add(ConformanceResult r) {
  total.add(r);
  by_operator[r.op].add(r);
  results.push_back(std::move(r));
}

}  // namespace onnxopt
