#include "verify/compare/verify_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <unordered_map>

#include "verify/compare/cut.h"
#include "verify/compare/seeded_inputs.h"

namespace onnxopt {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

std::vector<Value*> fed_inputs(Model& m) {
  std::vector<Value*> r;
  for (Value* v : m.graph().inputs())
    if (!v->constant()) r.push_back(v);
  return r;
}

bool is_random(const Node& n) {
  if (!n.op().has(kNondeterministic)) return false;
  if (!n.is("Dropout")) return true;
  const Tensor* training = n.input(2) ? n.input(2)->constant() : nullptr;
  return n.input(2) && !(training && training->size() == 1 && training->bytes()[0] == std::byte{0});
}

std::vector<Node*> random_nodes(Model& m) {
  std::vector<Node*> r;
  for_each_graph(m.graph(), [&](Graph& g) {
    for (Node& n : g.nodes())
      if (is_random(n) && (r.empty() || r.back() != top_level(n))) r.push_back(top_level(n));
  });
  return r;
}

// One comparison in progress.
class Session {
 public:
  Session(Model& reference, Model& candidate, const VerifyOptions& options) : reference_(reference), candidate_(candidate), options_(options) {}

  VerifyReport run() {
    report_.total_outputs = reference_.graph().outputs().size();
    if (!same_interface()) return finish(Verdict::differs);
    if (!cut()) return finish(Verdict::not_verified);
    if (!run_all()) return finish(report_.verdict);
    for (const ValueDiff& d : report_.outputs)
      if (!d.equal) {
        report_.reason = fmt::format("output '{}' differs: {}", d.name, d.reason);
        return finish(Verdict::differs);
      }
    warn_of_vacuous();
    if (!cut_ops_.empty()) {
      report_.reason = fmt::format("{} cannot be run or repeated here: its inputs were compared and its outputs made up", fmt::join(cut_ops_, ", "));
      return finish(Verdict::partly_verified);
    }
    return finish(Verdict::verified);
  }

 private:
  VerifyReport finish(Verdict v) {
    report_.verdict = v;
    report_.ms = seconds_since(start_) * 1000;
    return std::move(report_);
  }
  double left() const { return options_.budget_s - seconds_since(start_); }

  bool same_interface() {
    const auto a = reference_.graph().outputs(), b = candidate_.graph().outputs();
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i)
      if (i >= a.size() || i >= b.size() || a[i]->name() != b[i]->name()) {
        report_.reason = "the names or the number of outputs changed";
        return false;
      }
    return true;
  }

  bool cut() {
    std::vector<Node*> nodes = random_nodes(reference_);
    const Executor planned(reference_);
    for (const auto& u : planned.unsupported())
      if (std::find(nodes.begin(), nodes.end(), top_level(const_cast<Node&>(*u.node))) == nodes.end())
        nodes.push_back(top_level(const_cast<Node&>(*u.node)));
    if (nodes.empty()) return true;
    const CutResult r = cut_at(reference_, candidate_, nodes);
    cut_ops_ = r.ops;
    report_.reason = r.failure;
    return r.failure.empty();
  }

  std::vector<RtValue> run_once(Model& m, const std::vector<RtValue>& inputs, const std::vector<std::string>& names) {
    std::unordered_map<std::string, const RtValue*> by_name;
    for (std::size_t i = 0; i < names.size(); ++i) by_name[names[i]] = &inputs[i];
    std::vector<RtValue> fed;
    for (Value* v : fed_inputs(m)) {
      const auto it = by_name.find(v->name());
      if (it == by_name.end()) bad_input(fmt::format("input '{}' does not exist in the original", v->name()));
      fed.push_back(*it->second);
    }
    ExecOptions o;
    o.deadline_s = std::max(left(), 0.1);
    Executor executor(m, o);
    if (!executor.unsupported().empty()) bad_input(executor.unsupported()[0].reason);
    return executor.run(fed);
  }

  // False: the verdict is decided in the report.
  bool run_all() {
    std::vector<std::string> names;
    for (Value* v : fed_inputs(reference_)) names.push_back(v->name());
    if (!options_.given_inputs.empty()) {
      for (const auto& inputs : options_.given_inputs)
        if (!run_pair(inputs, names)) return false;
      return report_.runs > 0;
    }
    SeededInputs seeded(reference_);
    for (int attempt = 0; attempt < seeded.attempts(); ++attempt) {
      std::vector<RtValue> inputs;
      try {
        inputs = seeded.make(attempt, 0);
        report_.inputs_text = seeded.dims_text();
      } catch (const Error& e) {
        report_.reason = e.what();
        continue;
      }
      const std::size_t before = static_cast<std::size_t>(report_.runs);
      if (!run_pair(inputs, names)) {
        if (report_.verdict == Verdict::differs || left() <= 0) return false;
        continue;  // the original does not run on these dims: try others
      }
      for (int seed = 1; seed < options_.seeds && left() > 2 * last_pair_s_; ++seed)
        if (!run_pair(seeded.make(attempt, static_cast<std::uint64_t>(seed)), names)) {
          if (report_.verdict == Verdict::differs) return false;
          break;  // other values of a model that ran before: fewer runs, still compared
        }
      const bool trusted = std::any_of(report_.outputs.begin(), report_.outputs.end(), [](const ValueDiff& d) { return !d.vacuous; });
      if (trusted || report_.outputs.empty() || left() < 2 * last_pair_s_ || attempt > 2) return static_cast<std::size_t>(report_.runs) > before;
    }
    if (report_.runs == 0) report_.verdict = Verdict::not_verified;
    return report_.runs > 0;
  }

  bool run_pair(const std::vector<RtValue>& inputs, const std::vector<std::string>& names) {
    const auto t = Clock::now();
    std::vector<RtValue> a, b;
    try {
      a = run_once(reference_, inputs, names);
    } catch (const Error& e) {
      report_.verdict = report_.runs > 0 ? Verdict::partly_verified : Verdict::not_verified;
      report_.reason = e.code() == ExitCode::gate_failed ? fmt::format("the time budget of {:g} s was not enough", options_.budget_s)
                                                         : fmt::format("the original does not run on made-up inputs: {}", e.what());
      return false;
    }
    try {
      b = run_once(candidate_, inputs, names);
    } catch (const Error& e) {
      const bool late = e.code() == ExitCode::gate_failed;
      report_.verdict = !late ? Verdict::differs : report_.runs > 0 ? Verdict::partly_verified : Verdict::not_verified;
      report_.reason = late ? fmt::format("the time budget of {:g} s was not enough", options_.budget_s)
                            : fmt::format("the result does not run where the original does: {}", e.what());
      return false;
    }
    for (std::size_t i = 0; i < a.size(); ++i) merge(i, compare_values(reference_.graph().outputs()[i]->name(), a[i], b[i], options_.tolerance));
    ++report_.runs;
    last_pair_s_ = seconds_since(t);
    return true;
  }

  void merge(std::size_t i, ValueDiff d) {
    if (i >= report_.outputs.size()) {
      report_.outputs.push_back(std::move(d));
      return;
    }
    ValueDiff& worst = report_.outputs[i];
    const bool vacuous = worst.vacuous && d.vacuous;
    if ((worst.equal && !d.equal) || (worst.equal == d.equal && d.max_rel > worst.max_rel) || (worst.vacuous && !d.vacuous && worst.equal))
      worst = std::move(d);
    worst.vacuous = vacuous;
  }

  void warn_of_vacuous() {
    for (const ValueDiff& d : report_.outputs)
      if (d.vacuous) report_.warnings.push_back(fmt::format("output '{}' proves little: {}", d.name, d.reason));
  }

  Model &reference_, &candidate_;
  const VerifyOptions& options_;
  VerifyReport report_;
  std::vector<std::string> cut_ops_;
  double last_pair_s_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

std::string_view verdict_text(Verdict v) {
  switch (v) {
    case Verdict::verified: return "verified";
    case Verdict::partly_verified: return "partly verified";
    case Verdict::differs: return "differs";
    default: return "not verified";
  }
}

VerifyReport verify_models(Model& reference, Model& candidate, const VerifyOptions& options) { return Session(reference, candidate, options).run(); }

}  // namespace onnxopt
