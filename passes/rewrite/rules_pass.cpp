// Rules as passes. Patterns are compiled when a pass runs first, and only those it names.
#include <fmt/format.h>

#include <algorithm>

#include "passes/rewrite/driver.h"

namespace onnxopt {
namespace {

class RulesPass : public Pass {
 public:
  RulesPass(std::vector<std::string> names, bool any_level) : names_(std::move(names)), any_level_(any_level) {}

  bool run(Graph& graph, PassContext& ctx) override {
    compile();
    if (!graph.function()) begin_run(ctx);  // the main graph comes first, the bodies of functions belong to the same run
#ifdef NDEBUG
    const EndlessRules endless = EndlessRules::are_left_out;
#else
    const EndlessRules endless = EndlessRules::are_a_bug;
#endif
    const bool any = std::find(active_.begin(), active_.end(), true) != active_.end();
    return any && Driver(rules_, active_, ctx, endless).run(graph);
  }

 private:
  // A rule that is a pass by itself was counted by the manager.
  void begin_run(PassContext& ctx) {
    active_.clear();
    for (const AnyRule& r : rules_.all()) active_.push_back(any_level_ || (r.level() <= ctx.level && ctx.begin_run(r.name())));
  }

  void compile() {
    if (compiled_) return;
    const auto wanted = [&](std::string_view name) { return std::find(names_.begin(), names_.end(), name) != names_.end(); };
    for (const auto make : all_node_rules())
      if (NodeRule r = make(); wanted(r.name)) rules_.add(r);
    for (const auto make : all_rules())
      if (Rule r = make(); wanted(r.name)) rules_.add(std::move(r));
    rules_.build();
    ONNXOPT_CHECK(rules_.all().size() == names_.size(), fmt::format("a rule of {} is not in the table", fmt::join(names_, ", ")));
    compiled_ = true;
  }

  std::vector<std::string> names_;
  bool any_level_, compiled_ = false;
  RuleSet rules_;
  std::vector<bool> active_;  // in this run, by index into rules_.all()
};

}  // namespace

std::unique_ptr<Pass> rule_pass(std::string_view name) { return std::make_unique<RulesPass>(std::vector<std::string>{std::string(name)}, true); }
std::unique_ptr<Pass> rules_pass(std::vector<std::string> names) { return std::make_unique<RulesPass>(std::move(names), false); }

}  // namespace onnxopt
