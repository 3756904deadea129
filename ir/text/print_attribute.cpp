#include <array>

#include "ir/text/printer.h"

namespace onnxopt::text {
namespace {

constexpr std::array<std::string_view, 15> kTypeNames = {"undefined",      "float",      "int",        "string",  "tensor", "graph",
                                                         "floats",         "ints",       "strings",    "tensors", "graphs", "sparse_tensor",
                                                         "sparse_tensors", "type_proto", "type_protos"};

template <class T>
std::size_t count_of(const T&) {
  return 1;
}
template <class T>
std::size_t count_of(const std::vector<T>& list) {
  return list.size();
}

// A graph in an attribute must start with an identifier that no other value can start with.
bool is_plain_graph_name(std::string_view s) { return is_plain_id(s) && s != "inf" && s != "nan" && s != "infinity" && s != "NaN" && s != "Inf"; }

}  // namespace

std::string attribute_value_text(const Attribute& a) {
  const SymbolTable symbols;
  Printer printer(symbols, {});
  printer.attribute(a, Names());
  const std::string text = printer.take();
  const std::size_t value = text.find(" = ");
  return value == std::string::npos ? text : text.substr(value + 3);
}

void Printer::attributes(const Attrs& attrs, const Names& names) {
  if (attrs.empty()) return;
  out_ += " <";
  bool first = true;
  for (const Attribute& a : attrs) {
    if (!first) out_ += ", ";
    first = false;
    attribute(a, names);
  }
  out_ += '>';
}

void Printer::attribute(const Attribute& a, const Names& names) {
  if (is_identifier(a.name)) out_ += a.name;
  else print_quoted(out_, a.name);
  if (a.is_ref()) {
    if (a.extra->ref_type != AttrType::undefined) out_ += ": " + std::string(kTypeNames[static_cast<std::size_t>(a.extra->ref_type)]);
    out_ += " = @";
    print_id(out_, a.extra->ref_attr_name);
    return;
  }
  if (a.value.index() == 0 || std::visit([](const auto& v) { return count_of(v); }, a.value) == 0) {  // nothing shows the type
    out_ += ": " + std::string(kTypeNames[a.value.index()]) + " = []";
    return;
  }
  out_ += " = ";
  switch (a.type()) {
    case AttrType::float_: return print_float(out_, std::get<float>(a.value));
    case AttrType::int_: return print_int(out_, std::get<std::int64_t>(a.value));
    case AttrType::string: return print_quoted(out_, std::get<std::string>(a.value));
    case AttrType::tensor: return tensor(std::get<Tensor>(a.value));
    case AttrType::graph: return subgraph(*std::get<std::shared_ptr<Graph>>(a.value), names);
    case AttrType::sparse_tensor: return sparse(std::get<SparseTensor>(a.value), {});
    case AttrType::type_proto: return print_type(out_, std::get<Type>(a.value), symbols_);
    default: return attribute_list(a, names);
  }
}

void Printer::attribute_list(const Attribute& a, const Names& names) {
  const auto print = [&](const auto& list, auto&& one) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      out_ += i ? ", " : "[";
      one(list[i]);
    }
    out_ += ']';
  };
  switch (a.type()) {
    case AttrType::floats: return print(std::get<Floats>(a.value), [&](float v) { print_float(out_, v); });
    case AttrType::ints: return print(std::get<Ints>(a.value), [&](std::int64_t v) { print_int(out_, v); });
    case AttrType::strings: return print(std::get<Strings>(a.value), [&](const std::string& v) { print_quoted(out_, v); });
    case AttrType::tensors: return print(std::get<std::vector<Tensor>>(a.value), [&](const Tensor& v) { tensor(v); });
    case AttrType::graphs:
      return print(std::get<std::vector<std::shared_ptr<Graph>>>(a.value), [&](const std::shared_ptr<Graph>& g) { subgraph(*g, names); });
    case AttrType::sparse_tensors: return print(std::get<std::vector<SparseTensor>>(a.value), [&](const SparseTensor& v) { sparse(v, {}); });
    case AttrType::type_protos: return print(std::get<std::vector<Type>>(a.value), [&](const Type& v) { print_type(out_, v, symbols_); });
    default: return;
  }
}

// type name? =? data
void Printer::tensor(const Tensor& t) {
  print_type(out_, Type::tensor(t.dtype(), t.dims()), symbols_);
  out_ += ' ';
  if (t.notes() && is_plain_id(t.notes()->name)) {  // the official reader takes no quoted name here: that goes into a note
    out_ += t.notes()->name;
    out_ += ' ';
  }
  const std::size_t at = out_.size();
  print_tensor_data(out_, t, style_);
  if (out_[at] == '[') out_.insert(at, "= ");
}

void Printer::sparse(const SparseTensor& t, std::string_view name) {
  Type type = Type::tensor(t.values.dtype(), t.dims);
  type.kind = Type::Kind::sparse_tensor;
  print_type(out_, type, symbols_);
  out_ += ' ';
  if (!name.empty()) {
    print_id(out_, name);
    out_ += " = ";
  }
  out_ += '{';
  tensor(t.values);
  out_ += ", ";
  tensor(t.indices);
  out_ += '}';
}

void Printer::subgraph(const Graph& g, const Names& names) {
  indent_ += 2;
  graph(g, names, is_plain_graph_name(g.name) ? std::string_view(g.name) : std::string_view("subgraph"));
  indent_ -= 2;
}

}  // namespace onnxopt::text
