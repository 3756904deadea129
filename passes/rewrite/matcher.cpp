#include "passes/rewrite/matcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "passes/rewrite/scalar.h"

namespace onnxopt {
namespace {

// A pattern with k commutative nodes has 2^k operand orders; nearly all die at once. This bounds the ones that do not.
constexpr std::size_t kMaxSteps = 20000;

std::string call_of(const Node& n) { return n.name.empty() ? std::string(n.op().name) : fmt::format("{} ({})", n.name, n.op().name); }

bool equal_attr(const Node& n, const PatternAttr& want) {
  return std::visit(
      [&]<class T>(const T& value) {
        if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, float> || std::is_same_v<T, std::string> || std::is_same_v<T, Ints> ||
                      std::is_same_v<T, Floats> || std::is_same_v<T, Strings>) {
          if (n.attrs().has(want.name)) {
            const T* stated = n.attrs().get<T>(want.name);
            return stated && *stated == value;
          }
          const AttrSpec* spec = n.op().find_attr(want.name);
          return spec && spec->has_default && n.attr<T>(want.name) == value;
        } else {
          return false;
        }
      },
      want.value);
}

// True if the operators right above the root rule the pattern out: one look, no state. Most attempts end here.
bool hopeless(const Pattern& p, const Node& root) {
  const PatternNode& want = p.root();
  const auto fits = [&](std::size_t i, const Value* v) {
    const PatternInput& in = want.inputs[i];
    if (in.kind == PatternInput::Kind::number) return v && v->constant();
    if (in.kind != PatternInput::Kind::name) return true;
    const int producer = p.producer[static_cast<std::size_t>(in.name)];
    if (producer < 0) return true;
    return v && v->producer() && p.nodes[static_cast<std::size_t>(producer)].accepts(v->producer()->op());
  };
  const auto all_fit = [&](bool swapped) {
    for (std::size_t i = 0; i < want.inputs.size(); ++i)
      if (!fits(i, root.input(swapped && i < 2 ? 1 - i : i))) return false;
    return true;
  };
  return !all_fit(false) && !(root.op().has(kCommutative) && want.inputs.size() >= 2 && all_fit(true));
}

}  // namespace

Matcher::Matcher(PassContext& ctx) : ctx_(ctx), keep_(ctx.keep_nodes.begin(), ctx.keep_nodes.end()) { match_.ctx_ = &ctx; }

template <class F>
bool Matcher::miss(F&& reason, std::size_t bonus) {
  if (!miss_) return false;
  const std::size_t nodes = node_trail_.size(), progress = name_trail_.size() + bonus;
  if (miss_->any && (nodes < miss_->bound_nodes || (nodes == miss_->bound_nodes && progress <= miss_->progress))) return false;
  *miss_ = {nodes, progress, call_of(*match_.root_), reason(), true};
  return false;
}

bool Matcher::can_match(const Node& n) const {
  if (n.kept || n.op().has(kOpaque)) return false;
  if (!keep_.empty() && keep_.contains(n.name)) return false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(n.op().min_inputs); ++i)
    if (!n.input(i)) return false;  // a broken node: rules may read what its operator requires
  if (!n.output()) return false;
  return n.attrs().empty() || !n.has_ref_attrs();
}

bool Matcher::match(const CompiledRule& rule, Node& root) {
  rule_ = &rule;
  match_.rule_ = &rule;
  match_.root_ = &root;
  const PatternNames& names = rule.names();
  for (const Pattern& p : rule.alternatives()) {
    if (!p.root().accepts(root.op()) || (!miss_ && hopeless(p, root))) continue;
    pattern_ = &p;
    steps_ = 0;
    goals_.clear();
    name_trail_.clear();
    node_trail_.clear();
    capture_trail_.clear();
    match_.values_.assign(names.values.size(), nullptr);
    match_.attrs_.assign(names.captures.size(), nullptr);
    has_value_.assign(names.values.size(), 0);
    has_capture_.assign(names.captures.size(), 0);
    bound_.assign(p.nodes.size(), nullptr);
    if (enter(static_cast<int>(p.nodes.size()) - 1, root, 0)) return true;
  }
  return false;
}

// Goals before `next` are reached; on failure everything bound since is undone by the caller that chose.
bool Matcher::run(std::size_t next) {
  if (next == goals_.size()) return complete();
  if (++steps_ > kMaxSteps) return miss([] { return "too many operand orders"; });
  const Goal goal = goals_[next];
  switch (goal.want->kind) {
    case PatternInput::Kind::any:
    case PatternInput::Kind::absent:
    case PatternInput::Kind::number: return run(next + 1);  // decided by plausible()
    case PatternInput::Kind::name: break;
  }
  const int name = goal.want->name;
  if (!bind(name, goal.value)) return false;
  const int producer = pattern_->producer[static_cast<std::size_t>(name)];
  if (producer < 0) return run(next + 1);
  Node* n = goal.value->producer();
  if (bound_[static_cast<std::size_t>(producer)] == n) return run(next + 1);
  return enter(producer, *n, next + 1);
}

// Binds pattern node `index` to `n` and goes on with goal `next`, trying both operand orders where the operator commutes.
bool Matcher::enter(int index, Node& n, std::size_t next) {
  const PatternNode& want = pattern_->nodes[static_cast<std::size_t>(index)];
  if (bound_[static_cast<std::size_t>(index)]) return miss([&] { return fmt::format("two nodes would have to be {}", want.ops[0]->name); });
  if (std::find(bound_.begin(), bound_.end(), &n) != bound_.end()) return false;
  if (!can_match(n)) return miss([&] { return call_of(n) + " is kept as it is"; });
  const std::size_t inputs = n.inputs().size();
  if (!want.more_inputs)
    for (std::size_t i = want.inputs.size(); i < inputs; ++i)
      if (n.input(i)) return miss([&] { return fmt::format("{} has {} inputs", call_of(n), inputs); });

  const std::size_t names = name_trail_.size(), nodes = node_trail_.size(), captures = capture_trail_.size(), goals = goals_.size();
  bound_[static_cast<std::size_t>(index)] = &n;
  node_trail_.push_back(index);
  if (bind_outputs(want, n) && attributes(want, n)) {
    if (inputs_in_order(want, n, next, false)) return true;
    goals_.resize(goals);
    const bool commutes = n.op().has(kCommutative) && want.inputs.size() >= 2 && inputs >= 2 && n.input(0) != n.input(1);
    if (commutes) {
      // Undo what the first order bound, but not the node itself.
      undo(names, nodes, captures);
      bound_[static_cast<std::size_t>(index)] = &n;
      node_trail_.push_back(index);
      if (bind_outputs(want, n) && attributes(want, n) && inputs_in_order(want, n, next, true)) return true;
      goals_.resize(goals);
    }
  }
  undo(names, nodes, captures);
  return false;
}

bool Matcher::inputs_in_order(const PatternNode& want, Node& n, std::size_t next, bool swapped) {
  const auto input = [&](std::size_t i) { return n.input(swapped && i < 2 ? 1 - i : i); };
  for (std::size_t i = 0; i < want.inputs.size(); ++i)
    if (!plausible(want.inputs[i], input(i), n)) return false;
  for (std::size_t i = 0; i < want.inputs.size(); ++i) {
    const PatternInput& in = want.inputs[i];
    Value* v = input(i);
    if (in.kind == PatternInput::Kind::name) goals_.push_back({&in, v, &n});
  }
  return run(next);
}

// What one look at the value decides, before anything is bound.
bool Matcher::plausible(const PatternInput& want, const Value* v, const Node& user) {
  if (want.kind == PatternInput::Kind::absent) return !v || miss([&] { return call_of(user) + " has an input that the pattern leaves out"; });
  if (!v) return want.optional || miss([&] { return call_of(user) + " lacks an input"; });
  if (want.kind == PatternInput::Kind::any) return true;
  if (want.kind == PatternInput::Kind::number) {
    const Tensor* t = constant_of(v, ctx_);
    const auto value = t ? element_value(*t) : std::nullopt;
    if (!value || (!want.integral && !is_float(t->dtype())) || !is_literal(*value, want.number, t->dtype(), want.approximate))
      return miss([&] { return fmt::format("an input of {} is not the constant {}", call_of(user), want.number); });
    if (t->rank() == 0 || !user.op().has(kElementwise)) return true;
    // A constant of shape [1,1] makes the result's rank at least 2: only where another input has that rank anyway is it a scalar.
    for (const Value* other : user.inputs())
      if (other && other != v && other->type.has_rank() && other->type.rank() >= t->rank()) return true;
    return miss([&] { return fmt::format("the constant {} raises the rank of {}", want.number, call_of(user)); });
  }
  const auto name = static_cast<std::size_t>(want.name);
  if (has_value_[name] && match_.values_[name] != v)
    return miss([&] { return fmt::format("two inputs differ that must be '{}'", rule_->names().values[name]); });
  const int producer = pattern_->producer[name];
  if (producer < 0) return true;
  const PatternNode& source = pattern_->nodes[static_cast<std::size_t>(producer)];
  const Node* n = v->producer();
  if (n && n->graph() == match_.root_->graph() && source.accepts(n->op())) return true;
  return miss([&] {
    const std::string found = !n                                    ? (v->constant() ? "a constant" : "a graph input")
                              : n->graph() == match_.root_->graph() ? call_of(*n)
                                                                    : "made in an outer graph";
    return fmt::format("{} is not made by {} but is {}", rule_->names().values[name], source.ops[0]->name, found);
  });
}

bool Matcher::bind(int name, Value* v) {
  const auto i = static_cast<std::size_t>(name);
  if (has_value_[i])
    return match_.values_[i] == v || miss([&] { return fmt::format("two inputs differ that must be '{}'", rule_->names().values[i]); });
  has_value_[i] = 1;
  match_.values_[i] = v;
  name_trail_.push_back(name);
  return true;
}

bool Matcher::bind_outputs(const PatternNode& want, Node& n) {
  for (std::size_t o = 0; o < std::max(n.outputs().size(), want.outputs.size()); ++o) {
    Value* v = n.output(o);
    const int name = o < want.outputs.size() ? want.outputs[o] : -1;
    if (name >= 0) {
      if (!v) return miss([&] { return fmt::format("{} has no output '{}'", call_of(n), rule_->names().values[static_cast<std::size_t>(name)]); });
      if (!bind(name, v)) return false;
    } else if (v && !v->unused()) {
      return miss([&] { return fmt::format("output {} of {} is used", o, call_of(n)); });
    }
  }
  return true;
}

bool Matcher::attributes(const PatternNode& want, const Node& n) {
  for (const PatternAttr& a : want.attrs) {
    if (a.capture < 0) {
      if (!equal_attr(n, a)) return miss([&] { return fmt::format("attribute {} of {} is not the one in the pattern", a.name, call_of(n)); });
      continue;
    }
    const auto c = static_cast<std::size_t>(a.capture);
    const Attribute* found = n.attrs().find(a.name);
    if (has_capture_[c]) {  // captured twice: must agree
      const Attribute* before = match_.attrs_[c];
      if (found == before || (found && before && same_attribute(*found, *before))) continue;
      return miss([&] { return fmt::format("attribute {} of {} differs from the one captured before", a.name, call_of(n)); });
    }
    has_capture_[c] = 1;
    match_.attrs_[c] = found;
    capture_trail_.push_back(a.capture);
  }
  return true;
}

bool Matcher::complete() {
  if (escapes()) return false;
  match_.nodes_.assign(bound_.begin(), bound_.end());
  match_.producers_.assign(match_.values_.size(), nullptr);
  for (std::size_t i = 0; i < match_.values_.size(); ++i)
    if (has_value_[i] && pattern_->producer[i] >= 0) match_.producers_[i] = bound_[static_cast<std::size_t>(pattern_->producer[i])];
  std::size_t held = 1;
  for (const Where& w : rule_->rule().where) {
    if (w.holds && !w.holds(match_)) return miss([&] { return w.what; }, held);
    if (w.each)
      for (const std::string& name : w.names)
        if (!w.each(match_, name))
          return miss([&] { return w.names.size() == 1 ? w.what : fmt::format("{}({}) of {}", w.what.substr(0, w.what.find('(')), name, w.what); },
                      held);
    ++held;
  }
  return true;
}

bool Matcher::escapes() {
  for (std::size_t p = 0; p + 1 < pattern_->nodes.size(); ++p) {
    for (const int name : pattern_->nodes[p].outputs) {
      if (name < 0 || rule_->may_escape(name)) continue;
      const Value* v = match_.values_[static_cast<std::size_t>(name)];
      const auto& text = rule_->names().values[static_cast<std::size_t>(name)];
      if (v->is_graph_output()) return !miss([&] { return text + " is a graph output"; });
      for (const Use& u : v->uses())
        if (std::find(bound_.begin(), bound_.end(), u.node) == bound_.end())
          return !miss([&] { return fmt::format("{} is used outside the match, by {}", text, call_of(*u.node)); });
    }
  }
  return false;
}

void Matcher::undo(std::size_t names, std::size_t nodes, std::size_t captures) {
  for (; name_trail_.size() > names; name_trail_.pop_back())
    has_value_[static_cast<std::size_t>(name_trail_.back())] = 0, match_.values_[static_cast<std::size_t>(name_trail_.back())] = nullptr;
  for (; node_trail_.size() > nodes; node_trail_.pop_back()) bound_[static_cast<std::size_t>(node_trail_.back())] = nullptr;
  for (; capture_trail_.size() > captures; capture_trail_.pop_back()) has_capture_[static_cast<std::size_t>(capture_trail_.back())] = 0;
}

void Matcher::note_refusal(const std::string& why) {
  miss([&] { return why; }, 1000);
}

}  // namespace onnxopt
