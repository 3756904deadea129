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
    std::vector<bool> active;
    bool any = false;
    for (const AnyRule& r : rules_.all()) {
      active.push_back((any_level_ || r.level() <= ctx.level) && ctx.begin_run(r.name()));
      any = any || active.back();
    }
#ifdef NDEBUG
    const EndlessRules endless = EndlessRules::are_left_out;
#else
    const EndlessRules endless = EndlessRules::are_a_bug;
#endif
    return any && Driver(rules_, std::move(active), ctx, endless).run(graph);
  }

 private:
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
};

}  // namespace

std::unique_ptr<Pass> rule_pass(std::string_view name) { return std::make_unique<RulesPass>(std::vector<std::string>{std::string(name)}, true); }
std::unique_ptr<Pass> rules_pass(std::vector<std::string> names) { return std::make_unique<RulesPass>(std::move(names), false); }

}  // namespace onnxopt
