#include "passes/opset/record.h"

#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

bool in_scope(const Value& v, const Graph& g) {
  for (const Graph* at = &g; at; at = at->outer())
    if (v.graph() == at) return !v.erased();
  return false;
}

bool unchanged(const Node& n, const NodeLiftRecord& r) {
  if (&n.op() != r.lifted_op || n.inputs().size() != r.lifted_inputs || !same_attrs(n.attrs(), r.lifted_attrs)) return false;
  for (const auto& [index, tensor] : r.made) {
    const Value* v = n.input(index);
    if (!v || !v->constant() || !v->constant()->same_content(tensor)) return false;
  }
  return true;
}

// What an input of the original form would be today; false: it is gone.
bool find_original(const Node& n, const Origin& o, Arg& a) {
  switch (o.kind) {
    case Origin::Kind::none: a = Arg(); return true;
    case Origin::Kind::input: a = Arg(n.input(o.index)); return a.present();
    case Origin::Kind::value: a = in_scope(*o.value, *n.graph()) ? Arg(o.value) : Arg(o.tensor); return a.present();
    case Origin::Kind::helper: break;
  }
  const Value* lifted = n.input(o.index);
  const Node* helper = lifted ? lifted->producer() : nullptr;
  if (!helper || !dynamic_cast<const HelperRecord*>(helper->lift_record.get())) return false;
  a = Arg(helper->input(0));
  return a.present();
}

}  // namespace

std::optional<Draft> restored(const Node& n, int version) {
  const auto* r = dynamic_cast<const NodeLiftRecord*>(n.lift_record.get());
  if (!r || row_at(*r->op, version) != r->op || !unchanged(n, *r)) return std::nullopt;
  Draft d(n);
  d.op = r->op;
  d.attrs = r->attrs;
  d.inputs.assign(r->inputs.size(), Arg());
  d.touch();
  for (std::size_t i = 0; i < r->inputs.size(); ++i) {
    Arg a;
    if (!find_original(n, r->inputs[i], a)) return std::nullopt;
    if (!r->types.empty() && a.value && !(a.value->type == r->types[i])) return std::nullopt;
    d.inputs[i] = std::move(a);
  }
  d.more_outputs = r->dropped_outputs;
  if (d.num_outputs > static_cast<std::size_t>(r->op->max_outputs) || !types_fit(d, *r->op).empty()) return std::nullopt;
  return d;
}

}  // namespace onnxopt
