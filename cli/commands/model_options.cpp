#include "cli/commands/model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_map>

#include "ir/core/nearest.h"
#include "ir/ops/infer.h"
#include "ir/ops/op_table.h"
#include "ir/text/read_file.h"

namespace onnxopt {
namespace {

[[noreturn]] void usage(const std::string& message) { throw Error(ExitCode::usage, message); }

// "12" -> 12, "?" -> a fresh unknown, anything else a name.
Dim parse_dim(std::string_view text, SymbolTable& symbols, const std::string& option) {
  if (text == "?" || text == "-1") return Dim();
  std::int64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc() && end == text.data() + text.size()) {
    if (n < 0) usage(fmt::format("{}: a dimension cannot be {}", option, n));
    return n;
  }
  if (text.empty()) usage(fmt::format("{}: empty dimension", option));
  if (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) usage(fmt::format("{}: '{}' is neither a size nor a name", option, text));
  return symbols.symbol(text);
}

Value& input_named(Model& m, const std::string& name, const std::string& option) {
  for (Value* v : m.graph().inputs())
    if (v->name() == name) return *v;
  std::string names;
  for (Value* v : m.graph().inputs())
    if (!v->constant()) names += (names.empty() ? "" : ", ") + v->name();
  usage(fmt::format("{}: the model has no input '{}'; its inputs are {}", option, name, names));
}

// True if a size that was fixed is free now.
bool set_input_shape(Model& m, const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) usage(fmt::format("--input-shape {}: expected NAME:1,3,224,224", text));
  Value& v = input_named(m, text.substr(0, colon), "--input-shape");
  Shape shape;
  for (std::size_t at = colon + 1; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    shape.push_back(parse_dim(std::string_view(text).substr(at, end - at), m.symbols(), "--input-shape"));
    at = end + 1;
  }
  ValueExtra& extra = v.make_extra();
  if (!extra.declared.is_tensor()) usage(fmt::format("--input-shape: input '{}' is not a tensor", v.name()));
  if (extra.declared.has_rank() && extra.declared.rank() != static_cast<std::int64_t>(shape.size()))
    usage(fmt::format("--input-shape: input '{}' has rank {}, {} dimensions were given", v.name(), extra.declared.rank(), shape.size()));
  bool freed = false;
  for (std::size_t i = 0; extra.declared.has_rank() && i < shape.size(); ++i) {
    const Dim& old = (*extra.declared.shape)[i];
    freed |= old.is_value() && !shape[i].is_value();
    if (old.is_value() && old.value() > 0 && shape[i].is_value() && old.value() != shape[i].value())
      usage(fmt::format("--input-shape: dimension {} of input '{}' is fixed at {}; another --input-shape before this one, with ? there, frees it", i,
                        v.name(), old.value()));
  }
  extra.declared.shape = shape;
  v.type = extra.declared;
  return freed;
}

// Replaces the symbol in one declared type; true if it occurred.
bool substitute(Type& t, const std::unordered_map<std::string, Dim>& bind, SymbolTable& symbols, Dim wanted) {
  bool found = false;
  if (!t.shape) return false;
  for (Dim& d : *t.shape) {
    if (!d.is_symbolic()) continue;
    if (d == wanted) {
      d = bind.begin()->second;
      found = true;
    } else {
      const Dim next = symbols.substitute(d, bind);
      if (next.is_value()) {
        d = next;
        found = true;
      }
    }
  }
  return found;
}

[[noreturn]] void no_such_dim(Model& m, const std::string& name) {
  std::vector<std::string> names;
  for (const Value* v : m.graph().inputs()) {
    if (v->constant() || !v->type.shape) continue;
    for (const Dim& d : *v->type.shape)
      if (const std::string n = d.is_symbolic() ? m.symbols().to_string(d) : std::string();
          d.is_symbolic() && std::find(names.begin(), names.end(), n) == names.end())
        names.push_back(n);
  }
  usage(names.empty() ? fmt::format("--dim: no input has a dimension named '{}'; all are fixed or without a name", name)
                      : fmt::format("--dim: no input has a dimension named '{}'; there are {}", name, fmt::join(names, ", ")));
}

// --dim batch=?: where no dim has that name, the leading one of every input, fixed or not, becomes free. True if a fixed one did.
bool set_dim(Model& m, const std::string& text) {
  const auto eq = text.find('=');
  if (eq == std::string::npos || eq == 0) usage(fmt::format("--dim {}: expected NAME=SIZE, NAME=OTHER or NAME=?", text));
  const std::string name = text.substr(0, eq);
  const Dim to = parse_dim(std::string_view(text).substr(eq + 1), m.symbols(), "--dim");
  const Dim symbol = m.symbols().symbol(name);
  const std::unordered_map<std::string, Dim> bind = {{name, to}};
  bool found = false;
  m.graph().for_each_value([&](Value& v) {
    if (!v.extra() || !v.extra()->has_declared) return;
    Type& declared = v.make_extra().declared;
    const bool here = substitute(declared, bind, m.symbols(), symbol);
    if (here && v.is_graph_input()) found = true;
    if (v.is_graph_input() && !v.constant()) v.type = declared;
  });
  bool freed = false;
  if (!found && to.is_unknown() && name == "batch") {
    for (Value* v : m.graph().inputs())
      if (!v->constant() && v->extra() && v->extra()->declared.has_rank() && v->extra()->declared.rank() > 0) {
        v->make_extra().declared.shape->front() = symbol;
        v->type = v->extra()->declared;
        freed = true;
      }
  }
  if (!found && !freed) no_such_dim(m, name);
  return freed;
}

void forget_sizes(Type& t) {
  if (!t.shape) return;
  for (Dim& d : *t.shape)
    if (d.is_value()) d = Dim();
}

// Where an input's fixed size became free, the sizes that the file declares of what is computed from it need not hold any more.
void forget_declared_sizes(Model& m) {
  for_each_graph(m.graph(), [&](Graph& g) {
    g.for_each_value([&](Value& v) {
      if (!v.extra() || !v.extra()->has_declared || v.constant()) return;
      if (v.is_graph_output()) forget_sizes(v.make_extra().declared);
      else if (!v.is_graph_input()) v.make_extra().has_declared = false;
      else if (&g != &m.graph()) forget_sizes(v.make_extra().declared);
    });
  });
}

// What inference makes of the outputs instead.
void declare_inferred_sizes(Model& m) {
  for (Value* v : m.graph().outputs()) {
    if (!v->extra() || !v->extra()->declared.shape || !v->type.shape || v->type.rank() != v->extra()->declared.rank()) continue;
    Shape& declared = *v->make_extra().declared.shape;
    for (std::size_t i = 0; i < declared.size(); ++i)
      if (declared[i].is_unknown()) declared[i] = (*v->type.shape)[i];
  }
}

std::unordered_map<std::string, Value*> values_by_name(Graph& g) {
  std::unordered_map<std::string, Value*> r;
  g.for_each_value([&](Value& v) { r.emplace(v.name(), &v); });
  return r;
}

Value& value_named(const std::unordered_map<std::string, Value*>& values, const std::string& name, const char* option) {
  const auto it = values.find(name);
  if (it == values.end()) {
    std::vector<std::string> names;
    for (const auto& [n, v] : values) names.push_back(n);
    std::sort(names.begin(), names.end());
    usage(fmt::format("{}: the main graph has no value '{}'{}", option, name, did_you_mean(name, names)));
  }
  return *it->second;
}

void declare(Value& v) {
  if (v.extra() && v.extra()->has_declared) return;
  v.make_extra().declared = v.type;
  v.make_extra().has_declared = true;
}

void select_outputs(Model& m, const std::vector<std::string>& names) {
  Graph& g = m.graph();
  const auto values = values_by_name(g);
  std::vector<Value*> chosen;
  for (const std::string& n : names) chosen.push_back(&value_named(values, n, "--output"));
  while (!g.outputs().empty()) g.remove_output(g.outputs().size() - 1);
  for (Value* v : chosen) {
    declare(*v);
    g.add_output(*v);
  }
}

void select_inputs(Model& m, const std::vector<std::string>& names) {
  Graph& g = m.graph();
  const auto values = values_by_name(g);
  for (const std::string& n : names) {
    Value& v = value_named(values, n, "--input");
    if (v.is_graph_input()) continue;
    if (!v.producer()) usage(fmt::format("--input: '{}' is a constant", n));
    Type type = v.type.is_tensor() ? v.type : v.extra() ? v.extra()->declared : v.type;
    if (type.kind == Type::Kind::unknown) usage(fmt::format("--input: the type of '{}' is not known", n));
    v.set_name(n + "_before_cut");
    Value& input = g.add_input(n, type);
    declare(input);
    g.replace_all_uses(v, input);
  }
}

// Inputs that nothing needs any more go, where the user chose what stays.
void drop_unreached(Model& m, const ModelOptions& o) {
  Graph& g = m.graph();
  std::vector<Node*> nodes;
  for (Node& n : g.nodes()) nodes.push_back(&n);
  for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
    const auto outputs = (*it)->outputs();
    if (std::all_of(outputs.begin(), outputs.end(), [](Value* v) { return !v || v->unused(); })) g.erase(**it);
  }
  g.erase_unused_constants();
  for (std::size_t i = g.inputs().size(); i-- > 0;) {
    Value* v = g.inputs()[i];
    if (!v->unused() || std::find(o.inputs.begin(), o.inputs.end(), v->name()) != o.inputs.end()) continue;
    if (v->constant()) g.erase_value(*v);
    else g.remove_input(i);
  }
}

}  // namespace

std::string not_seconds(const std::string& text) {
  double s = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), s);
  const bool good = error == std::errc() && end == text.data() + text.size() && std::isfinite(s) && s > 0;
  return good ? "" : fmt::format("'{}' is not a number of seconds", text);
}

std::string not_count(const std::string& text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() ? "" : fmt::format("'{}' is not a whole number from 0 up", text);
}

void add_load_options(Command cmd, ModelOptions& o) {
  cmd.add_option("--assume-opset", o.assume_opset, "Read a model that is newer than this program as this opset")
      .type_name("N")
      .range(1, newest_opset(""));
  cmd.add_flag("--strict-links", o.strict_links, "Refuse external data that is a hard link");
}

void add_model_options(Command cmd, ModelOptions& o) {
  add_load_options(cmd, o);
  cmd.add_option("--input-shape", o.input_shapes, "Shape of an input, e.g. images:1,3,224,224 (? leaves a dimension free)")
      .type_name("NAME:DIMS")
      .one_value_each();
  cmd.add_option("--dim", o.dims, "Fix a named dimension (batch=1), rename it (batch=n) or free it (batch=?)")
      .type_name("NAME=SIZE")
      .one_value_each();
  cmd.add_option("--input", o.inputs, "Cut the graph here: this value becomes an input").type_name("VALUE").one_value_each();
  cmd.add_option("--output", o.outputs, "Keep only these outputs; any value of the main graph may be named").type_name("VALUE").one_value_each();
}

std::unique_ptr<Model> read_raw(const std::string& file, const ModelOptions& o) {
  LoadOptions load_options;
  load_options.read.strict_links = o.strict_links;
  load_options.assume_opset = o.assume_opset;
  load_options.lift = false;
  return load(file, load_options);
}

std::unique_ptr<Model> load_with_options(const std::string& file, const ModelOptions& o, LiftReport* report,
                                         const std::function<void(Model&)>& on_raw) {
  ReadOptions read;
  read.strict_links = o.strict_links;
  std::unique_ptr<Model> m = read_model_file_with_constants(file, read);
  if (on_raw) on_raw(*m);
  bool freed = false;
  for (const std::string& s : o.input_shapes) freed |= set_input_shape(*m, s);
  for (const std::string& s : o.dims) freed |= set_dim(*m, s);
  if (freed) forget_declared_sizes(*m);
  LiftReport r = lift(*m);
  if (freed) declare_inferred_sizes(*m);
  if (report) *report = std::move(r);
  if (!o.inputs.empty()) select_inputs(*m, o.inputs);
  if (!o.outputs.empty()) select_outputs(*m, o.outputs);
  if (!o.inputs.empty() || !o.outputs.empty()) {
    drop_unreached(*m, o);
    infer(*m);
  }
  return m;
}

}  // namespace onnxopt
