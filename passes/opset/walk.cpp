#include "passes/opset/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <climits>

namespace onnxopt {
namespace {

// Nodes and drafts seen the same way.
struct NodeView {
  const Node& n;
  const Attrs& attrs() const { return n.attrs(); }
  std::size_t num_inputs() const { return n.inputs().size(); }
  bool has(std::size_t i) const { return n.input(i) != nullptr; }
  const Type& input_type(std::size_t i, Type&) const { return n.input(i)->type; }
  std::size_t num_outputs() const { return n.outputs().size(); }
  const Value* output(std::size_t i) const { return n.output(i); }
};
struct DraftView {
  const Draft& d;
  const Attrs& attrs() const { return d.attrs; }
  std::size_t num_inputs() const { return d.inputs.size(); }
  bool has(std::size_t i) const { return d.has(i); }
  const Type& input_type(std::size_t i, Type& room) const { return room = d.inputs[i].type(); }
  std::size_t num_outputs() const { return d.num_outputs; }
  const Value* output(std::size_t i) const { return d.output(i); }
};

bool is_default(const Attribute& a, const AttrSpec& spec) {
  if (a.is_ref()) return false;
  if (a.name == "dilations") {  // no default in the schemas; the texts say 1 along each axis
    const auto* v = std::get_if<Ints>(&a.value);
    return v && std::all_of(v->begin(), v->end(), [](std::int64_t x) { return x == 1; });
  }
  if (!spec.has_default || a.type() != spec.type) return false;
  switch (spec.type) {
    case AttrType::int_: return std::get<std::int64_t>(a.value) == spec.i;
    case AttrType::float_: return std::get<float>(a.value) == spec.f;
    case AttrType::string: return std::get<std::string>(a.value) == spec.s;
    case AttrType::ints: return std::ranges::equal(std::get<Ints>(a.value), spec.ints);
    case AttrType::floats: return std::ranges::equal(std::get<Floats>(a.value), spec.floats);
    case AttrType::strings: return std::ranges::equal(std::get<Strings>(a.value), spec.strings);
    default: return false;
  }
}

std::string type_text(const Type& t) {
  switch (t.kind) {
    case Type::Kind::tensor: return fmt::format("tensor({})", dtype_name(t.dtype));
    case Type::Kind::sparse_tensor: return fmt::format("sparse_tensor({})", dtype_name(t.dtype));
    case Type::Kind::sequence: return t.elem ? fmt::format("seq({})", type_text(*t.elem)) : "";
    case Type::Kind::optional: return t.elem ? fmt::format("optional({})", type_text(*t.elem)) : "";
    default: return "";
  }
}

// Unknown types, and kinds whose spelling we do not judge (maps), are allowed.
bool allowed(const Type& t, std::string_view types, const OpSchema& row) {
  if (t.kind == Type::Kind::unknown || (t.is_tensor() && t.dtype == DType::undefined)) return true;
  for (const TypeConstraint& c : row.types) {
    if (c.name != types) continue;
    if (t.is_tensor()) return (c.tensor_dtypes >> static_cast<unsigned>(t.dtype)) & 1u;
    const std::string text = type_text(t);
    return text.empty() || text.find("()") != std::string::npos || text.find("undefined") != std::string::npos ||
           std::find(c.others.begin(), c.others.end(), text) != c.others.end();
  }
  const std::string text = type_text(t);
  return text.empty() || text.find("undefined") != std::string::npos || text == types;
}

// Parameters of one type variable must have one element type.
class TypeVariables {
 public:
  bool agree(std::string_view name, const Type& t) {
    if (!t.is_tensor() || t.dtype == DType::undefined) return true;
    for (std::size_t k = 0; k < count_; ++k)
      if (seen_[k].first == name) return seen_[k].second == t.dtype;
    if (count_ < seen_.size()) seen_[count_++] = {name, t.dtype};
    return true;
  }

 private:
  std::array<std::pair<std::string_view, DType>, 12> seen_;
  std::size_t count_ = 0;
};

const ParamSpec* param(std::span<const ParamSpec> params, std::size_t i) {
  if (params.empty()) return nullptr;
  if (i < params.size()) return &params[i];
  return params.back().option == ParamOption::variadic ? &params.back() : nullptr;
}

// `agree`: parameters of one type variable must have one type.
template <class View>
std::string check_types(const View& v, const OpSchema& row, bool agree) {
  TypeVariables variables;
  const auto check = [&](const char* what, std::size_t i, const ParamSpec* p, const Type& t) -> std::string {
    if (!p) return "";
    if (!allowed(t, p->types, row))
      return fmt::format("type: {} {} ('{}') is {}, which {} does not take", what, i, p->name, type_text(t), row_name(row));
    const bool same = !agree || !p->homogeneous || variables.agree(p->types, t);
    return same ? ""
                : fmt::format("type: {} {} ('{}') is {}, but {} wants one type for all its {}", what, i, p->name, type_text(t), row_name(row),
                              p->types);
  };
  Type room;
  for (std::size_t i = 0; i < v.num_inputs(); ++i)
    if (v.has(i))
      if (auto why = check("input", i, param(row.inputs, i), v.input_type(i, room)); !why.empty()) return why;
  for (std::size_t i = 0; i < v.num_outputs(); ++i)
    if (const Value* o = v.output(i); o && !o->unused())
      if (auto why = check("output", i, param(row.outputs, i), o->type); !why.empty()) return why;
  return "";
}

template <class View>
std::string check_arity(const View& v, const OpSchema& to, RelabelEdits& edits) {
  edits.num_inputs = v.num_inputs();
  while (edits.num_inputs > static_cast<std::size_t>(to.max_inputs)) {
    if (v.has(edits.num_inputs - 1)) return fmt::format("{} has no input {}", row_name(to), edits.num_inputs - 1);
    --edits.num_inputs;
  }
  if (edits.num_inputs < static_cast<std::size_t>(to.min_inputs)) return fmt::format("{} takes at least {} inputs", row_name(to), to.min_inputs);
  for (std::size_t i = 0; i < to.inputs.size(); ++i)
    if (to.inputs[i].option == ParamOption::single && !v.has(i)) return fmt::format("input '{}' is required by {}", to.inputs[i].name, row_name(to));
  edits.num_outputs = v.num_outputs();
  while (edits.num_outputs > static_cast<std::size_t>(to.max_outputs)) {
    const Value* o = v.output(edits.num_outputs - 1);
    if (o && !o->unused()) return fmt::format("{} has no output {}", row_name(to), edits.num_outputs - 1);
    --edits.num_outputs;
  }
  edits.any = edits.num_inputs != v.num_inputs() || edits.num_outputs != v.num_outputs();
  return "";
}

// Files break the agreement of type variables; what is broken already does not stop a step.
template <class View>
std::string check_step_types(const View& v, const OpSchema& from, const OpSchema& to) {
  std::string why = check_types(v, to, true);
  if (why.empty() || check_types(v, from, true).empty()) return why;
  return check_types(v, to, false);
}

template <class View>
std::string relabel_view(const View& v, const OpSchema& from, const OpSchema& to, RelabelEdits& edits) {
  if (&from == &to) {
    edits.num_inputs = v.num_inputs();
    edits.num_outputs = v.num_outputs();
    return "";
  }
  if (auto why = check_arity(v, to, edits); !why.empty()) return why;
  for (const Attribute& a : v.attrs()) {
    if (to.find_attr(a.name)) continue;
    const AttrSpec* spec = from.find_attr(a.name);
    if (!spec) continue;  // known to neither version: it means nothing, and stays
    if (from.since < to.since || !is_default(a, *spec)) return fmt::format("attribute '{}' is not in {}", a.name, row_name(to));
    edits.drop_attrs.push_back(a.name);
    edits.any = true;
  }
  for (const AttrSpec& spec : to.attrs)
    if (spec.required && !v.attrs().has(spec.name)) return fmt::format("attribute '{}' is required by {}", spec.name, row_name(to));
  if (to.has(kDeprecated) && !from.has(kDeprecated)) return fmt::format("{} is deprecated", row_name(to));
  return check_step_types(v, from, to);
}

// Applies a relabel's edits to the draft.
std::string relabel_draft(Draft& d, const OpSchema& to) {
  RelabelEdits edits;
  if (auto why = relabel(d, *d.op, to, edits); !why.empty()) return why;
  std::vector<std::string> names(edits.drop_attrs.begin(), edits.drop_attrs.end());  // the views point into what is dropped
  for (const std::string& name : names) d.drop(name);
  d.trim_inputs(edits.num_inputs);
  if (edits.num_outputs != d.num_outputs) d.touch();
  d.num_outputs = edits.num_outputs;
  d.op = &to;
  return "";
}

std::string missing(const OpSchema& first, int version) {
  return fmt::format("operator {} first appears in opset {}, the target is {}", first.name, first.since, version);
}

std::string down_one(Draft& d, const RowInfo& info) {
  if (info.down && info.down->down) {
    if (auto why = info.down->down(d); !why.empty()) return why;
  } else if (info.down) {
    d.touch();  // a rename without edits
  }
  if (info.below->name != d.op->name) {
    d.op = info.below;
    return check_types(DraftView{d}, *d.op, false);
  }
  return relabel_draft(d, *info.below);
}

std::string up_one(Draft& d, const RowInfo& info) {
  if (info.up && info.up->up) {
    if (auto why = info.up->up(d); !why.empty()) return why;
  } else if (info.up) {
    d.touch();
  }
  d.op = info.above;
  return "";
}

std::string walk_down(Draft& d, int version) {
  while (d.op->since > version) {
    const RowInfo* info = row_info(*d.op);
    if (!info->below) return missing(*d.op, version);
    const bool relabels = info->relabel_down != d.op && !(info->down && info->down->down);
    if (!relabels) {
      if (auto why = down_one(d, *info); !why.empty()) return why;
      continue;
    }
    const OpSchema* to = row_at(*d.op, version);
    if (!to || to->since < info->relabel_down->since) to = info->relabel_down;
    if (auto why = relabel_draft(d, *to); !why.empty()) return why;
  }
  return "";
}

}  // namespace

std::string row_name(const OpSchema& row) { return fmt::format("{}-{}", row.name, row.since); }

std::string relabel(const Node& n, const OpSchema& from, const OpSchema& to, RelabelEdits& edits) {
  return relabel_view(NodeView{n}, from, to, edits);
}
std::string relabel(const Draft& d, const OpSchema& from, const OpSchema& to, RelabelEdits& edits) {
  return relabel_view(DraftView{d}, from, to, edits);
}
std::string fits(const Node& n, const OpSchema& row) {
  RelabelEdits edits;
  const std::string why = check_arity(NodeView{n}, row, edits);
  return why.empty() && edits.any ? fmt::format("more inputs or outputs than {} has", row_name(row))
         : why.empty()            ? check_types(NodeView{n}, row, false)
                                  : why;
}
std::string outputs_fit(const Node& n, const OpSchema& row, bool unused_too) {
  for (std::size_t i = 0; i < n.outputs().size(); ++i) {
    const ParamSpec* p = param(row.outputs, i);
    const Value* v = n.output(i);
    if (p && v && (unused_too || !v->unused()) && !allowed(v->type, p->types, row))
      return fmt::format("type: output {} is {}, which {} does not give", i, type_text(v->type), row_name(row));
  }
  return "";
}
std::string types_fit(const Draft& d, const OpSchema& row) { return check_types(DraftView{d}, row, false); }
std::string types_agree(const Node& n) { return check_types(NodeView{n}, n.op(), true); }
std::string type_name(const Type& t) { return type_text(t); }

std::string walk_up(Draft& d) {
  for (const RowInfo* info = row_info(*d.op); info && info->above; info = row_info(*d.op)) {
    if (info->relabel_up != d.op) {
      d.op = info->relabel_up;
      continue;
    }
    if (auto why = up_one(d, *info); !why.empty()) return why;
  }
  return d.op->has(kDeprecated) ? fmt::format("{} is deprecated", row_name(*d.op)) : "";
}

std::string walk(Draft& d, int version) {
  const RowInfo* info = row_info(*d.op);
  if (!info) return "";
  if (d.op->since > version) return walk_down(d, version);
  while (info->above && info->above->since <= version) {
    if (auto why = up_one(d, *info); !why.empty()) return why;
    info = row_info(*d.op);
  }
  return row_at(*d.op, version) == d.op ? "" : fmt::format("operator {} is deprecated in opset {}", d.op->name, version);
}

const OpSchema* destination(const OpSchema& row, int version) {
  const RowInfo* info = row_info(row);
  if (!info) return &row;
  const OpSchema* r = &row;
  for (; r && r->since > version; r = info ? info->below : nullptr) info = row_info(*r);
  if (r && r != &row) return r;
  for (info = row_info(row), r = &row; info->above && info->above->since <= version; info = row_info(*r)) r = info->above;
  return row.since > version ? nullptr : r;
}

}  // namespace onnxopt
