#include "verify/compare/verify_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "verify/compare/computed_type.h"
#include "verify/compare/cut.h"
#include "verify/compare/inner_values.h"
#include "verify/compare/interface.h"
#include "verify/compare/mixed_scales.h"
#include "verify/compare/overflow.h"
#include "verify/compare/rounding_noise.h"
#include "verify/compare/seeded_inputs.h"
#include "verify/compare/spread.h"
#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

using Clock = std::chrono::steady_clock;
using Values = std::vector<RtValue>;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

constexpr int kNoiseSamples = 4;   // the noise of one run is not its largest: asked again before "differs" is said
constexpr int kRetries = 3;        // other inputs to try where outputs prove nothing
constexpr double kGross = 0.1;     // no rounding is taken to explain so much of the magnitude where there is no time to measure it
constexpr double kUnstable = 0.5;  // noise of so much of the observed difference: the original does not repeat itself, there is nothing to judge

bool same_shape(const RtValue& a, const RtValue& b) { return !a.is_tensor() || !b.is_tensor() || a.tensor().dims() == b.tensor().dims(); }

// What is known of one output over all runs.
struct Judged {
  std::optional<ValueDiff> worst;
  RtValue first;         // of the first run, to see whether the output depends on the inputs at all
  bool varies = false;   // over the runs
  std::string unstable;  // not empty: on some inputs the original itself changes this much when it is rounded differently
  std::string open;      // not empty: on some inputs there was no time to see whether rounding explains more than the named level
};

// One comparison in progress.
class Session {
 public:
  Session(Model& reference, Model& candidate, const VerifyOptions& options) : reference_(reference), candidate_(candidate), options_(options) {}

  VerifyReport run() {
    report_.total_outputs = reference_.graph().outputs().size();
    if (!same_interface()) return finish(Verdict::differs);
    if (!cut()) return finish(report_.verdict);
    const Deadline deadline(end());  // of comparisons; the executor sets its own
    judged_.resize(reference_.graph().outputs().size());
    computed_ = computed_types(reference_);
    const bool ran = run_all();
    collect();
    if (!ran) return finish(report_.verdict);
    return finish(conclude());
  }

 private:
  VerifyReport finish(Verdict v) {
    report_.verdict = v;
    report_.ms = seconds_since(start_) * 1000;
    return std::move(report_);
  }
  Clock::time_point end() const { return start_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.budget_s)); }
  double left() const { return options_.budget_s - seconds_since(start_); }
  std::string not_in_time() const { return fmt::format("the time budget of {:g} s was not enough", options_.budget_s); }
  bool time_for(double pairs) const { return left() > pairs * last_pair_s_; }

  bool same_interface() {
    const auto a = reference_.graph().outputs(), b = candidate_.graph().outputs();
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i)
      if (i >= a.size() || i >= b.size() || a[i]->name() != b[i]->name()) {
        report_.reason = "the names or the number of outputs changed";
        return false;
      }
    report_.reason = narrower_input(reference_, candidate_);
    return report_.reason.empty();
  }

  // False: the verdict is decided in the report.
  bool cut() {
    const std::vector<Node*> nodes = nodes_to_cut(reference_);
    if (nodes.empty()) return true;
    const auto outputs = reference_.graph().outputs();
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (std::find(nodes.begin(), nodes.end(), outputs[i]->producer()) != nodes.end()) made_up_.insert(i);
    CutResult r = cut_at(reference_, candidate_, nodes);
    cut_ops_ = std::move(r.ops);
    unproven_ = std::move(r.unproven);
    report_.reason = r.failure;
    report_.verdict = r.differs ? Verdict::differs : Verdict::not_verified;
    return r.failure.empty();
  }

  Values run_once(Model& m, const Values& inputs, const Executor::Tap& tap = {}) {
    std::unordered_map<std::string, const RtValue*> by_name;
    const std::vector<Value*> names = fed_inputs(reference_);
    for (std::size_t i = 0; i < names.size(); ++i) by_name[names[i]->name()] = &inputs[i];
    Values fed;
    for (Value* v : fed_inputs(m)) {
      const auto it = by_name.find(v->name());
      if (it == by_name.end()) bad_input(fmt::format("input '{}' does not exist in the original", v->name()));
      fed.push_back(*it->second);
    }
    ExecOptions o;
    o.deadline_s = std::max(left(), 0.1);
    Executor executor(m, o);
    if (!executor.unsupported().empty()) bad_input(executor.unsupported()[0].reason);
    return executor.run(fed, tap);
  }

  // False: the verdict is decided in the report.
  bool run_all() {
    if (!options_.given_inputs.empty()) {
      for (const auto& inputs : options_.given_inputs)
        if (!run_pair(inputs)) return false;
      prove_inside();
      return report_.runs > 0;
    }
    SeededInputs seeded(reference_);
    seeded.stop_at(end());
    for (int attempt = 0; attempt < seeded.attempts(); ++attempt) {
      const int before = report_.runs;
      if (!run_seeded(seeded, attempt, 0, InputStyle::likely)) {
        if (report_.verdict == Verdict::differs || left() <= 0) return false;
        continue;  // the original does not run on these dims: try others
      }
      constexpr InputStyle kStyles[] = {InputStyle::likely, InputStyle::centered, InputStyle::wide};
      for (int seed = 1; seed < options_.seeds && time_for(2); ++seed)  // some values may not suit the model: fewer runs, still compared
        if (!run_seeded(seeded, attempt, static_cast<std::uint64_t>(seed), kStyles[seed % 3]) && report_.verdict == Verdict::differs) return false;
      if (!other_sizes(seeded, attempt)) return false;
      if (!retry(seeded, attempt)) return false;
      prove_inside();
      return report_.runs > before;
    }
    if (report_.runs == 0) report_.verdict = Verdict::not_verified;
    return report_.runs > 0;
  }

  // Symbolic dims promise that every size works: one more run with others, all of them or else the batch alone.
  bool other_sizes(SeededInputs& seeded, int attempt) {
    if (report_.inputs_text.empty()) return true;
    for (const OtherSizes sizes : {OtherSizes::all, OtherSizes::batch}) {
      if (!time_for(8)) return true;
      const int before = report_.runs;
      const bool ran = run_seeded(seeded, attempt, static_cast<std::uint64_t>(options_.seeds), InputStyle::likely, sizes);
      if (!ran && report_.verdict == Verdict::differs) return false;
      if (report_.runs == before) continue;
      report_.inputs_text += "; " + seeded.dims_text();
      return true;
    }
    return true;
  }

  // Outputs that prove nothing get other values, then other sizes.
  bool retry(SeededInputs& seeded, int attempt) {
    const int turns = seeded.dims_text().empty() ? 1 : kRetries;
    for (int i = 0; i < turns && !vacuous_outputs().empty() && time_for(2); ++i) {
      const int other = attempt + i;
      if (other >= seeded.attempts()) break;
      const InputStyle style = i == 1 ? InputStyle::likely : InputStyle::wide;
      if (!run_seeded(seeded, other, static_cast<std::uint64_t>(10 + i), style) && report_.verdict == Verdict::differs) return false;
    }
    return true;
  }

  bool run_seeded(SeededInputs& seeded, int attempt, std::uint64_t seed, InputStyle style, OtherSizes sizes = OtherSizes::none) {
    Values inputs;
    try {
      inputs = seeded.make(attempt, seed, style, sizes);
      if (report_.runs == 0) report_.inputs_text = seeded.dims_text();
    } catch (const Error& e) {
      if (report_.runs == 0) report_.reason = e.code() == ExitCode::gate_failed ? not_in_time() : e.what();
      return false;
    }
    return run_pair(inputs);
  }

  bool run_pair(const Values& inputs) {
    const auto t = Clock::now();
    Values a, b;
    try {
      a = run_once(reference_, inputs);
    } catch (const Error& e) {
      report_.verdict = report_.runs > 0 ? Verdict::partly_verified : Verdict::not_verified;
      report_.reason = e.code() == ExitCode::gate_failed ? not_in_time() : fmt::format("the original does not run on made-up inputs: {}", e.what());
      return false;
    }
    try {
      b = run_once(candidate_, inputs);
    } catch (const Error& e) {
      const bool late = e.code() == ExitCode::gate_failed;
      report_.verdict = !late ? Verdict::differs : report_.runs > 0 ? Verdict::partly_verified : Verdict::not_verified;
      report_.reason = late ? not_in_time() : fmt::format("the result does not run where the original does: {}", e.what());
      return false;
    }
    last_pair_s_ = seconds_since(t);
    inputs_ = inputs;
    same_sizes_ = report_.runs > 0 && std::equal(inputs.begin(), inputs.end(), first_inputs_.begin(), first_inputs_.end(), same_shape);
    noisy_.clear();
    overflows_.reset();
    const auto judge_all = [&] {
      for (std::size_t i = 0; i < a.size(); ++i) judge(i, a, b[i]);
    };
    if (!in_time(judge_all)) return out_of_time();
    if (report_.runs == 0) first_inputs_ = inputs;
    ++report_.runs;
    return true;
  }

  template <class F>
  static bool in_time(F&& f) {
    try {
      f();
      return true;
    } catch (const Error& e) {
      if (e.code() != ExitCode::gate_failed) throw;
      return false;
    }
  }

  // In the middle of comparing: what was found by then counts.
  bool out_of_time() {
    report_.reason = not_in_time();
    report_.verdict = report_.runs > 0 ? Verdict::partly_verified : Verdict::not_verified;
    for (const Judged& j : judged_) {
      if (!j.worst) continue;
      if (j.worst->equal) report_.verdict = Verdict::partly_verified;
      else return differs(*j.worst);
    }
    return false;
  }
  bool differs(const ValueDiff& d) {
    report_.reason = fmt::format("output '{}' differs: {}", d.name, d.reason);
    report_.verdict = Verdict::differs;
    return false;
  }

  // Run `sample` of the original on the current inputs, rounded differently; null: there is no time for it, or it does not run.
  const Values* noisy(std::size_t sample) {
    while (noisy_.size() <= sample) {
      late_ = !time_for(1.5);
      if (late_) return nullptr;
      try {
        RoundingNoise noise(reference_, noisy_.size() + 1);
        const MovedWeights weights(reference_, noisy_.size() + 1);
        noisy_.push_back(run_once(reference_, inputs_, [&noise](const Value& v, RtValue& computed) { noise(v, computed); }));
      } catch (const Error& e) {
        late_ = e.code() == ExitCode::gate_failed;
        return nullptr;
      }
    }
    return &noisy_[sample];
  }

  // Whether the original overflows on the current inputs.
  bool overflows() {
    if (!overflows_) {
      OverflowWatch watch(fed_inputs(reference_), inputs_);
      try {
        run_once(reference_, inputs_, [&watch](const Value& v, RtValue& computed) { watch(v, computed); });
      } catch (const Error&) {  // no time
      }
      overflows_ = watch.seen();
    }
    return *overflows_;
  }

  void judge(std::size_t i, const Values& a, const RtValue& result) {
    const std::string& name = reference_.graph().outputs()[i]->name();
    ValueDiff d = compare_values(name, a[i], result, options_.tolerance);
    RtValue b = result;
    if (!d.equal && !std::isfinite(d.max_rel) && options_.tolerance == Tolerance::rounding)
      if (auto rest = beside_overflow(a[i], result); rest && overflows()) {
        b = std::move(*rest);
        d = compare_values(name, a[i], b, options_.tolerance);
        overflowed_.insert(name);
      }
    if (options_.tolerance == Tolerance::rounding) allow(d, computed_[i]);
    Judged& j = judged_[i];
    if (options_.tolerance == Tolerance::rounding) {
      j.unstable = unjudged(d, i, a);
      if (!j.unstable.empty()) return;
      in_time([&] { judge_closely(d, i, a[i], b); });  // no time: the judgement of the whole stands
    }
    merge(j, std::move(d));
    if (report_.runs == 0) j.first = a[i];
    else j.varies |= same_shape(j.first, a[i]) ? !compare_values(name, j.first, a[i], Tolerance::exact).equal : same_sizes_;
  }

  // How far the original moves on the current inputs when it is rounded differently; nullopt: there is no time for it, or it does not run.
  std::optional<ValueDiff> noise_of(std::size_t i, const Values& a, std::size_t sample) {
    const Values* other = noisy(sample);
    std::optional<ValueDiff> r;
    if (other) late_ = !in_time([&] { r = compare_values("", a[i], (*other)[i], Tolerance::rounding); });
    return r;
  }

  // Holds the difference against the noise of the original. Not empty: why nothing can be judged on these inputs.
  std::string unjudged(ValueDiff& d, std::size_t i, const Values& a) {
    if (d.max_abs == 0 && d.equal) return {};
    const bool inexact = is_float(d.dtype);
    if (d.equal && (!inexact || d.max_rel * judged_scale(d) <= rounding_floor(d.dtype) * d.scale)) return {};
    const ValueDiff named = d;
    double noise = 0;
    bool measured = false, repeats = true;  // repeats: the original rounded differently still gives the same positions of NaN, the same integers, ...
    for (std::size_t sample = 0; sample < kNoiseSamples; ++sample) {
      const std::optional<ValueDiff> n = noise_of(i, a, sample);
      if (!n && sample == 0 && (named.equal || !late_ || named.max_rel > kGross)) return {};  // the named level stands
      if (!n && (sample == 0 || named.equal)) {
        std::string why = fmt::format("there was no time to see whether rounding explains the difference in output '{}'", d.name);
        if (!named.equal) judged_[i].open = why;
        return why;
      }
      if (!n) break;  // what was measured has to do
      measured |= std::isfinite(n->max_rel);
      if (std::isfinite(n->max_rel)) noise = std::max(noise, n->max_abs);
      repeats &= inexact ? std::isfinite(n->max_rel) : n->equal;
      d = named;
      if (inexact) tighten(d, noise);
      else d.noise = noise;
      if (d.equal) return {};
    }
    bool judged = named.equal || noise < kUnstable * named.max_abs;
    if (!std::isfinite(named.max_rel) || !inexact) judged = repeats;
    else if (!measured) {  // NaN wherever it is rounded differently: the named level is all there is
      d = named;
      judged = named.equal;
    }
    if (judged) return {};
    return fmt::format("output '{}' of the original changes as much when it is only rounded differently ({:.2g} of its magnitude)", d.name,
                       d.noise / judged_scale(d));
  }

  // What is equal by its largest values may differ in its small ones, or in all of them together.
  void judge_closely(ValueDiff& d, std::size_t i, const RtValue& a, const RtValue& b) {
    if (!d.equal || d.max_abs == 0 || !is_float(d.dtype) || !a.is_tensor()) return;
    explain(MixedScales(a.tensor(), b.tensor()), d, i);
    if (d.equal) explain(Spread(a.tensor(), b.tensor(), computed_[i]), d, i);
  }
  // Asks for noise of the original as long as there is more to explain.
  template <class Judgement>
  void explain(Judgement&& judgement, ValueDiff& d, std::size_t i) {
    for (std::size_t sample = 0; judgement.suspicious(); ++sample) {
      if (sample == kNoiseSamples) {
        d.equal = false;
        d.reason = judgement.reason();
        return;
      }
      const Values* other = noisy(sample);
      if (!other || !(*other)[i].is_tensor() || !judgement.explain((*other)[i].tensor())) return;
    }
  }

  static void merge(Judged& j, ValueDiff d) {
    if (!j.worst) {
      j.worst = std::move(d);
      return;
    }
    ValueDiff& worst = *j.worst;
    const bool vacuous = worst.vacuous && d.vacuous;
    const double load = worst.limit > 0 ? worst.max_rel / worst.limit : worst.max_rel, next = d.limit > 0 ? d.max_rel / d.limit : d.max_rel;
    if ((worst.equal && !d.equal) || (worst.equal == d.equal && next > load) || (worst.vacuous && !d.vacuous && worst.equal)) worst = std::move(d);
    worst.vacuous = vacuous;
  }

  // An output that has one value on every input set proves as little as one that is constant within itself, and the other way round.
  bool vacuous(const Judged& j) const {
    if (!j.worst || !j.worst->equal) return false;
    if (!j.worst->vacuous) return report_.runs > 2 && !j.varies;
    return !(j.varies && j.worst->reason == kAllEqual);
  }
  std::vector<std::size_t> vacuous_outputs() const {
    std::vector<std::size_t> r;
    for (std::size_t i = 0; i < judged_.size(); ++i)
      if (vacuous(judged_[i]) && !made_up(i)) r.push_back(i);
    return r;
  }
  // The operator that computed this output was cut out.
  bool made_up(std::size_t i) const { return made_up_.count(i) > 0; }

  void prove_inside() {
    const std::vector<std::size_t> open = vacuous_outputs();
    std::vector<const Value*> outputs;
    for (std::size_t i : open) {
      ValueDiff& d = *judged_[i].worst;
      if (!d.vacuous) d.reason = "the same for all inputs";
      d.vacuous = true;
      outputs.push_back(reference_.graph().outputs()[i]);
    }
    for (Judged& j : judged_)
      if (j.worst && !vacuous(j)) j.worst->vacuous = false;
    const InnerValues inner(reference_, candidate_, outputs);
    InnerValues::Record a, b, moved;
    if (!inner.empty() && !record(inner, a, b, moved)) return;
    const auto agrees = [&](const std::string& name) {
      const auto x = a.find(name), y = b.find(name), z = moved.find(name);
      if (x == a.end() || y == b.end() || z == moved.end()) return false;
      ValueDiff d = compare_values(name, x->second, y->second, options_.tolerance);
      if (d.equal && options_.tolerance == Tolerance::rounding && is_float(d.dtype))
        tighten(d, compare_values(name, x->second, z->second, Tolerance::rounding).max_abs);
      return d.equal && !d.vacuous;
    };
    in_time([&] {
      for (std::size_t k = 0; k < open.size(); ++k) {
        const InnerValues::Proof proof = inner.prove(*outputs[k], agrees);
        if (!proof.covered) continue;
        judged_[open[k]].worst->trusted_by = proof.text();
      }
    });
  }
  bool record(const InnerValues& inner, InnerValues::Record& a, InnerValues::Record& b, InnerValues::Record& moved) {
    if (!time_for(2)) return false;
    try {
      run_once(reference_, first_inputs_, inner.record(reference_, a));
      run_once(candidate_, first_inputs_, inner.record(candidate_, b));
      RoundingNoise noise(reference_, 1);
      const Executor::Tap keep = inner.record(reference_, moved);
      run_once(reference_, first_inputs_, [&](const Value& v, RtValue& computed) {
        noise(v, computed);
        keep(v, computed);
      });
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  void collect() {
    for (std::size_t i = 0; i < judged_.size(); ++i)
      if (judged_[i].worst && !made_up(i)) {
        report_.outputs.push_back(*judged_[i].worst);
        report_.outputs.back().is_output = i < report_.total_outputs;
      }
  }

  Verdict conclude() {
    for (const ValueDiff& d : report_.outputs)
      if (!d.equal) {
        report_.reason = fmt::format("output '{}' differs: {}", d.name, d.reason);
        return Verdict::differs;
      }
    for (const ValueDiff& d : report_.outputs)
      if (!d.trusted())
        report_.warnings.push_back(fmt::format("the check of {} '{}' is not trusted: {} on {} input sets", d.is_output ? "output" : "inner value",
                                               d.name, d.reason, report_.runs));
    for (const std::string& name : overflowed_)
      report_.warnings.push_back(
          fmt::format("output '{}': where the original overflowed and the result does not, there was nothing to compare with", name));
    std::vector<std::string> missing = unproven_;
    if (!cut_ops_.empty())
      missing.insert(missing.begin(),
                     fmt::format("{} cannot be run or repeated here: its inputs were compared and its outputs made up", fmt::join(cut_ops_, ", ")));
    for (const Judged& j : judged_)
      if (!j.open.empty()) missing.push_back(j.open);
      else if (!j.worst && !j.unstable.empty()) missing.push_back(j.unstable);
    if (missing.empty()) {
      report_.reason.clear();
      return Verdict::verified;
    }
    report_.reason = fmt::format("{}", fmt::join(missing, "; "));
    return report_.outputs.empty() ? Verdict::not_verified : Verdict::partly_verified;
  }

  Model &reference_, &candidate_;
  const VerifyOptions& options_;
  VerifyReport report_;
  std::vector<Judged> judged_;   // by output of the (cut) reference
  std::vector<DType> computed_;  // the same
  std::vector<std::string> cut_ops_, unproven_;
  std::unordered_set<std::size_t> made_up_;  // outputs of operators that were cut out
  Values inputs_, first_inputs_;             // of the current and of the first run
  bool same_sizes_ = false;                  // both have the same shapes
  std::vector<Values> noisy_;                // of the current inputs
  std::optional<bool> overflows_;            // the same
  std::set<std::string> overflowed_;         // outputs that have elements which overflow in the original alone
  bool late_ = false;                        // why one of them is missing: there was no time for it
  double last_pair_s_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace

VerifyReport verify_models(Model& reference, Model& candidate, const VerifyOptions& options) { return Session(reference, candidate, options).run(); }

}  // namespace onnxopt
