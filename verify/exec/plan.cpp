#include "verify/exec/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <unordered_set>

#include "verify/exec/deadline.h"

namespace onnxopt {
namespace {

std::string describe(const Node& n) {
  return n.name.empty() ? fmt::format("{} node #{}", n.op().name, n.id()) : fmt::format("{} node '{}'", n.op().name, n.name);
}

// Attributes with references to the caller's replaced; a reference to an attribute that the caller does not state is left out.
Attrs resolve(const Attrs& attrs, const Attrs* bound) {
  Attrs r;
  for (const Attribute& a : attrs) {
    if (!a.is_ref()) r.add(a);
    else if (const Attribute* value = bound ? bound->find(a.extra->ref_attr_name) : nullptr) r.add(Attribute(a.name, value->value));
  }
  return r;
}

// What a kernel meets in a contradictory model, as an Error: sizes that do not fit, or that no memory holds.
void run_kernel(const RunFn& run, KernelIo& io) {
  try {
    run(io);
  } catch (const std::out_of_range&) {
    bad_input("ranks or attributes do not fit");
  } catch (const std::bad_alloc&) {
    bad_input("not enough memory for the result");
  } catch (const std::length_error&) {
    bad_input("the result is too large");
  }
}

// Marks what the nodes of a body read, those of bodies inside of it too.
void mark_read(const Graph& body, std::unordered_set<const Value*>& read) {
  for (const Value* v : body.outputs()) read.insert(v);
  for (const Node& n : body.nodes()) {
    for (const Value* v : n.inputs()) read.insert(v);
    for (const Graph* g : n.subgraphs()) mark_read(*g, read);
  }
}

// The nodes that some output of the graph needs; the others are not run, as runtimes do not run them either.
std::vector<Node*> needed_nodes(Graph& graph) {
  std::unordered_set<const Value*> read;
  for (const Value* v : graph.outputs()) read.insert(v);
  std::vector<Node*> all, needed;
  for (Node& n : graph.nodes()) all.push_back(&n);
  for (auto n = all.rbegin(); n != all.rend(); ++n) {
    const auto outputs = (*n)->outputs();
    if (std::none_of(outputs.begin(), outputs.end(), [&](const Value* v) { return v && read.count(v) > 0; })) continue;
    needed.push_back(*n);
    for (const Value* v : (*n)->inputs()) read.insert(v);
    for (const Graph* g : (*n)->subgraphs()) mark_read(*g, read);
  }
  std::reverse(needed.begin(), needed.end());
  return needed;
}

// The caller's attributes over the function's defaults.
std::unique_ptr<Attrs> bind(const Function& f, const Attrs& stated) {
  auto bound = std::make_unique<Attrs>(stated);
  for (const Attribute& d : f.attribute_defaults)
    if (!bound->has(d.name)) bound->add(d);
  return bound;
}

}  // namespace

Plan::Plan(PlanContext& context, Graph& graph, const Attrs* bound, Plan* outer) : context_(context), graph_(graph), bound_(bound), outer_(outer) {
  env_.model = &context.model;
  env_.seed = context.options.seed;
  env_.run_subgraph = [this](Graph& g, std::vector<RtValue> in) {
    auto it = subgraphs_.find(&g);
    ONNXOPT_CHECK(it != subgraphs_.end(), "a subgraph that was not planned");
    return it->second->run(std::move(in));
  };
  const bool root = outer == nullptr && bound == nullptr;
  for (Value* v : graph.inputs())
    if (const int s = slot_of(*v); !root || !v->constant()) inputs_.push_back(s);
  for (Node* n : needed_nodes(graph)) add_step(*n);
  for (Value* v : graph.outputs()) outputs_.push_back(slot_of(*v));
  std::vector<int> last_step(frame_.size(), kNoSlot);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    for (int s : steps_[i].in)
      if (s != kNoSlot) last_step[static_cast<std::size_t>(s)] = static_cast<int>(i);
    for (int s : steps_[i].out)
      if (s != kNoSlot) last_step[static_cast<std::size_t>(s)] = static_cast<int>(i);
    for (int s : steps_[i].release) last_step[static_cast<std::size_t>(s)] = static_cast<int>(i);
    steps_[i].release.clear();
  }
  plan_releases(last_step);
}

void Plan::plan_releases(const std::vector<int>& last_step) {
  std::vector<bool> keep = constant_slot_;
  for (int s : outputs_) keep[static_cast<std::size_t>(s)] = true;
  for (std::size_t s = 0; s < last_step.size(); ++s)
    if (last_step[s] != kNoSlot && !keep[s]) steps_[static_cast<std::size_t>(last_step[s])].release.push_back(static_cast<int>(s));
}

int Plan::slot_of(const Value& v) {
  auto [it, fresh] = slots_.try_emplace(&v, static_cast<int>(frame_.size()));
  if (!fresh) return it->second;
  const int slot = it->second;
  frame_.emplace_back();
  constant_slot_.push_back(v.constant() != nullptr);
  if (v.constant()) {
    frame_.back() = RtValue(*v.constant());
    return slot;
  }
  if (v.graph() != &graph_) {
    ONNXOPT_CHECK(outer_ != nullptr, "a value of another graph: " + v.name());
    captures_.push_back({&v, slot});
    outer_->pending_uses_.push_back(outer_->slot_of(v));
  }
  return slot;
}

void Plan::add_step(Node& node) {
  Step step;
  step.node = &node;
  for (Value* v : node.inputs()) step.in.push_back(v ? slot_of(*v) : kNoSlot);
  for (Value* v : node.outputs()) step.out.push_back(v ? slot_of(*v) : kNoSlot);
  pending_uses_.clear();
  prepare(step, node);
  step.release = pending_uses_;  // sorted into the releases of the right step later
  steps_.push_back(std::move(step));
}

void Plan::prepare(Step& step, Node& node) {
  const Attrs* attrs = &node.attrs();
  if (std::any_of(attrs->begin(), attrs->end(), [](const Attribute& a) { return a.is_ref(); })) {
    step.resolved = std::make_unique<Attrs>(resolve(*attrs, bound_));
    attrs = step.resolved.get();
  }
  if (Function* f = context_.model.functions.empty() ? nullptr : context_.model.function_of(node)) {
    auto& stack = context_.call_stack;
    if (std::find(stack.begin(), stack.end(), f) != stack.end()) bad_input(fmt::format("function {}.{} calls itself", f->domain, f->name));
    stack.push_back(f);
    step.resolved = bind(*f, *attrs);
    step.function = std::make_unique<Plan>(context_, *f->body, step.resolved.get(), nullptr);
    stack.pop_back();
    return;
  }
  for (const Attribute& a : *attrs) {
    auto plan_one = [&](const std::shared_ptr<Graph>& g) { subgraphs_[g.get()] = std::make_unique<Plan>(context_, *g, bound_, this); };
    if (const auto* g = std::get_if<std::shared_ptr<Graph>>(&a.value)) plan_one(*g);
    if (const auto* gs = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value)) std::for_each(gs->begin(), gs->end(), plan_one);
  }
  const OpSchema& op = node.op();
  if (!op.has(kOpaque) && static_cast<int>(node.inputs().size()) < op.min_inputs) {  // kernels rely on the inputs that every node has
    context_.unsupported.push_back({&node, fmt::format("{} inputs, {} takes at least {}", node.inputs().size(), op.name, op.min_inputs)});
    return;
  }
  try {
    Maybe<RunFn> fn = context_.index.prepare({&node.op(), attrs, node.outputs().size(), &node}, env_);
    if (fn) step.run = std::move(*fn);
    else context_.unsupported.push_back({&node, fn.reason});
  } catch (const Error& e) {  // attributes that contradict the operator: no kernel can run this node
    context_.unsupported.push_back({&node, e.what()});
  }
}

RtValue Plan::outer_value(const Value& v) const { return frame_[static_cast<std::size_t>(slots_.at(&v))]; }

void Plan::load_captures() {
  for (const Capture& c : captures_) frame_[static_cast<std::size_t>(c.slot)] = outer_->outer_value(*c.value);
}

void Plan::clear_frame() {
  for (std::size_t s = 0; s < frame_.size(); ++s)
    if (!constant_slot_[s]) frame_[s] = RtValue();
}

std::vector<RtValue> Plan::run(std::vector<RtValue> inputs) {
  if (inputs.size() > inputs_.size()) bad_input(fmt::format("graph '{}' takes {} inputs, {} given", graph_.name, inputs_.size(), inputs.size()));
  check_deadline(nullptr);  // a loop body may hold no node at all
  struct Clear {
    Plan& plan;
    ~Clear() { plan.clear_frame(); }
  } clear{*this};
  for (std::size_t i = 0; i < inputs.size(); ++i) frame_[static_cast<std::size_t>(inputs_[i])] = std::move(inputs[i]);
  load_captures();
  if (context_.tap)
    for (Value* v : graph_.inputs())
      if (!v->constant()) (*context_.tap)(*v, frame_[static_cast<std::size_t>(slots_.at(v))]);
  for (const Step& step : steps_) run_step(step);
  std::vector<RtValue> out;
  for (int s : outputs_) out.push_back(frame_[static_cast<std::size_t>(s)]);
  return out;
}

void Plan::check_deadline(const Node* next) const {
  if (context_.options.deadline_s > 0 && std::chrono::steady_clock::now() > context_.deadline)
    throw Error(ExitCode::gate_failed, fmt::format("timed out after {:.3g} s{}", context_.options.deadline_s, next ? " at " + describe(*next) : ""));
}

void Plan::run_step(const Step& step) {
  check_deadline(step.node);
  std::vector<RtValue> in(step.in.size()), out(step.out.size());
  for (std::size_t i = 0; i < in.size(); ++i)
    if (step.in[i] != kNoSlot) in[i] = frame_[static_cast<std::size_t>(step.in[i])];
  KernelIo io(in, out);
  with_context(describe(*step.node), [&] {
    if (step.function) {
      std::vector<RtValue> results = step.function->run(std::move(in));
      for (std::size_t i = 0; i < out.size() && i < results.size(); ++i) out[i] = std::move(results[i]);
    } else if (step.run) {
      const Deadline deadline(context_.options.deadline_s > 0 ? context_.deadline : Deadline::Time::max());
      run_kernel(step.run, io);
    } else if (!context_.options.fallback || !context_.options.fallback(*step.node, io)) {
      bad_input("the executor has no kernel for this operator");
    }
  });
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (step.out[i] == kNoSlot) continue;
    if (context_.tap) (*context_.tap)(*step.node->outputs()[i], out[i]);
    frame_[static_cast<std::size_t>(step.out[i])] = std::move(out[i]);
  }
  for (int s : step.release) frame_[static_cast<std::size_t>(s)] = RtValue();
}

}  // namespace onnxopt
