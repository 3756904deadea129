#include "cli/commands/reduce.h"

#include <algorithm>
#include <unordered_set>

namespace onnxopt {
namespace {

void declare(Value& v) {
  if (v.extra() && v.extra()->has_declared) return;
  v.make_extra().declared = v.type;
  v.make_extra().has_declared = true;
}

const Node* in_main_graph(const Node* n) {
  while (n->graph()->parent()) n = n->graph()->parent();
  return n;
}

bool has_type(const Value& v) {
  const auto known = [](const Type& t) { return t.kind != Type::Kind::unknown && !(t.is_tensor() && t.dtype == DType::undefined); };
  return known(v.type) || (v.extra() && v.extra()->has_declared && known(v.extra()->declared));
}

void drop_unused(Graph& g) {
  std::vector<Node*> nodes;
  for (Node& n : g.nodes()) nodes.push_back(&n);
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    const auto outputs = (*it)->outputs();
    if (std::all_of(outputs.begin(), outputs.end(), [](const Value* v) { return !v || v->unused(); })) g.erase(**it);
  }
  for (std::size_t i = g.inputs().size(); i-- > 0;) {
    Value* v = g.inputs()[i];
    if (!v->unused()) continue;
    if (v->constant()) g.erase_value(*v);
    else g.remove_input(i);
  }
  g.erase_unused_constants();
}

void clear_outputs(Graph& g) {
  while (!g.outputs().empty()) g.remove_output(g.outputs().size() - 1);
}

void make_input(Graph& g, Value& v) {
  const Type type = v.type.kind != Type::Kind::unknown ? v.type : v.extra()->declared;
  const std::string name = v.name();
  v.set_name(name + "_before");
  Value& input = g.add_input(name, type);
  declare(input);
  g.replace_all_uses(v, input);
}

std::vector<std::size_t> all_but(const std::vector<std::size_t>& set, std::size_t first, std::size_t last) {
  std::vector<std::size_t> r(set.begin(), set.begin() + static_cast<std::ptrdiff_t>(first));
  r.insert(r.end(), set.begin() + static_cast<std::ptrdiff_t>(last), set.end());
  return r;
}

}  // namespace

bool keep_nodes(Model& m, const std::vector<std::size_t>& keep) {
  Graph& g = m.graph();
  const std::unordered_set<std::size_t> wanted(keep.begin(), keep.end());
  std::unordered_set<const Node*> kept;
  std::vector<Node*> gone;
  std::size_t at = 0;
  for (Node& n : g.nodes()) {
    if (wanted.count(at++)) kept.insert(&n);
    else gone.push_back(&n);
  }
  std::vector<Value*> outputs;
  for (Node& n : g.nodes())
    for (Value* v : kept.count(&n) ? n.outputs() : std::span<Value* const>()) {
      if (!v) continue;
      const auto uses = v->uses();
      const bool leaves = std::any_of(uses.begin(), uses.end(), [&](const Use& u) { return !kept.count(in_main_graph(u.node)); });
      if (v->is_graph_output() || leaves || v->unused()) outputs.push_back(v);
    }
  clear_outputs(g);
  for (auto n = gone.rbegin(); n != gone.rend(); ++n) {
    for (Value* v : std::vector<Value*>((*n)->outputs().begin(), (*n)->outputs().end())) {
      if (!v || v->unused()) continue;
      if (!has_type(*v)) return false;
      make_input(g, *v);
    }
    g.erase(**n);
  }
  for (Value* v : outputs) {
    declare(*v);
    g.add_output(*v);
  }
  drop_unused(g);
  return !g.outputs().empty();
}

void keep_outputs(Model& m, const std::vector<std::size_t>& keep) {
  Graph& g = m.graph();
  std::vector<Value*> chosen;
  for (std::size_t i : keep) chosen.push_back(g.outputs()[i]);
  clear_outputs(g);
  for (Value* v : chosen) g.add_output(*v);
  drop_unused(g);
}

void constants_to_inputs(Model& m, const std::vector<std::size_t>& at) {
  Graph& g = m.graph();
  const std::vector<Value*> constants = g.constants();
  for (std::size_t i : at)
    if (Value& v = *constants[i]; !v.is_graph_input() && !v.is_graph_output()) make_input(g, v);
  drop_unused(g);
}

std::vector<std::size_t> smallest_failing(std::size_t n, const std::function<bool(const std::vector<std::size_t>&)>& fails) {
  std::vector<std::size_t> set(n);
  for (std::size_t i = 0; i < n; ++i) set[i] = i;
  for (std::size_t parts = 2; set.size() > 1;) {
    const std::size_t size = (set.size() + parts - 1) / parts;
    bool smaller = false;
    for (std::size_t first = 0; first < set.size() && !smaller && parts == 2; first += size) {  // one half alone
      const std::size_t last = std::min(first + size, set.size());
      std::vector<std::size_t> part(set.begin() + static_cast<std::ptrdiff_t>(first), set.begin() + static_cast<std::ptrdiff_t>(last));
      if (!fails(part)) continue;
      set = std::move(part);
      smaller = true;
    }
    for (std::size_t first = 0; first < set.size() && !smaller;) {  // all but one part, again and again from where it went on
      const std::size_t last = std::min(first + size, set.size());
      std::vector<std::size_t> rest = all_but(set, first, last);
      if (!rest.empty() && fails(rest)) {
        set = std::move(rest);
        if (set.size() < 2) return set;
      } else {
        first = last;
      }
    }
    if (smaller) continue;
    if (size == 1) break;
    parts = std::min(parts * 2, set.size());
  }
  return set;
}

}  // namespace onnxopt
