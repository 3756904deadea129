// One mutant: does each pipeline keep what it computes?
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "passes/core/manager.h"
#include "tests/tools/fuzz_inputs.h"

namespace onnxopt::fuzz {

// A pipeline and what it promises.
struct Variant {
  std::string name, pipeline;  // pipeline "": load and save only
  Level level = Level::o1;
  bool exact = true;        // the same bits for every input; else within rounding, where all is finite
  bool non_finite = false;  // and NaN and infinities at the same places, of inputs that hold them
};

struct Failure {
  std::string what;    // "differs", "fails", "type", "invalid", "internal", "interface"
  std::string detail;  // one line
  std::string inputs;  // of InputSet::text
  std::string rule;    // the first rewrite without which it does not fail; "": none
};

class Trial {
 public:
  // Throws Error where the mutant cannot be loaded, has nothing to run, or no input set runs on it.
  Trial(std::string bytes, std::uint64_t seed);
  ~Trial();
  std::optional<Failure> run(const Variant& v);
  // The same, and names the rule.
  std::string find_rule(const Variant& v);
  int input_sets() const;
  const std::set<std::string>& fired() const { return fired_; }  // rules that rewrote something in the runs so far

 private:
  struct Reference;
  std::optional<Failure> run(const Variant& v, std::int64_t fuel, PassContext& ctx);
  std::optional<Failure> compare(Model& candidate, const Variant& v, const char* where);
  std::optional<Failure> saved(Model& candidate, const Variant& v);
  std::string far_apart(std::size_t set, Model& candidate) const;
  std::unique_ptr<Model> read() const;

  std::shared_ptr<const std::string> bytes_;
  std::unique_ptr<Reference> reference_;
  std::set<std::string> fired_;
};

}  // namespace onnxopt::fuzz
