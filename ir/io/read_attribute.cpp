#include "ir/io/read_attribute.h"

#include <fmt/format.h>

#include <bit>
#include <iterator>
#include <unordered_set>

#include "ir/io/fields.h"
#include "ir/io/read_tensor.h"
#include "ir/io/type_codec.h"

namespace onnxopt {
namespace {

constexpr std::size_t kManyAttributes = 16;  // above this, duplicates are looked for with a hash set

void refuse_duplicates(const Attrs& attrs) {
  const auto twice = [](const std::string& name) { bad_input(fmt::format("attribute '{}' is given twice", name)); };
  if (attrs.size() > kManyAttributes) {
    std::unordered_set<std::string_view> names;
    for (const Attribute& a : attrs)
      if (!names.insert(a.name).second) twice(a.name);
    return;
  }
  for (auto a = attrs.begin(); a != attrs.end(); ++a)
    for (auto b = attrs.begin(); b != a; ++b)
      if (a->name == b->name) twice(a->name);
}

// Field that holds the value of an attribute of each AttrType; 0: none.
constexpr std::uint32_t kFieldOfType[] = {0,
                                          pb::attribute::f,
                                          pb::attribute::i,
                                          pb::attribute::s,
                                          pb::attribute::t,
                                          pb::attribute::g,
                                          pb::attribute::floats,
                                          pb::attribute::ints,
                                          pb::attribute::strings,
                                          pb::attribute::tensors,
                                          pb::attribute::graphs,
                                          pb::attribute::sparse_tensor,
                                          pb::attribute::sparse_tensors,
                                          pb::attribute::tp,
                                          pb::attribute::type_protos};
constexpr std::int64_t kAttrTypes = std::size(kFieldOfType);

struct Header {
  std::string_view name, ref, doc_string;
  std::int64_t type = 0;
  std::uint32_t value_fields = 0;  // bit (1 << number) of each value field that occurs
  std::string unknown;
};

bool is_value_field(std::uint32_t number) {
  for (const std::uint32_t f : kFieldOfType)
    if (f == number) return f != 0;
  return false;
}

Header scan(std::string_view message, const ReadContext& ctx) {
  Header h;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    if (is_value_field(f.number)) h.value_fields |= 1u << f.number;
    else if (f.number == pb::attribute::name && f.is(WireType::bytes)) h.name = f.bytes;
    else if (f.number == pb::attribute::ref_attr_name && f.is(WireType::bytes)) h.ref = f.bytes;
    else if (f.number == pb::attribute::doc_string && f.is(WireType::bytes)) h.doc_string = f.bytes;
    else if (f.number == pb::attribute::type && f.is(WireType::varint)) h.type = f.as_int();
    else keep_unknown(h.unknown, f);
  }
  return h;
}

// Files of IR version 1 do not state the type: the one field in use tells it.
AttrType deduce_type(const Header& h) {
  AttrType found = AttrType::undefined;
  for (std::int64_t t = 1; t < kAttrTypes; ++t) {
    if ((h.value_fields >> kFieldOfType[t] & 1) == 0) continue;
    if (found != AttrType::undefined) bad_input("states no type but has values of two types");
    found = static_cast<AttrType>(t);
  }
  return found;
}

AttrValue empty_value(AttrType type) {
  switch (type) {
    case AttrType::float_: return 0.0f;
    case AttrType::int_: return std::int64_t{0};
    case AttrType::string: return std::string();
    case AttrType::tensor: return Tensor();
    case AttrType::graph: return std::shared_ptr<Graph>();
    case AttrType::floats: return Floats();
    case AttrType::ints: return Ints();
    case AttrType::strings: return Strings();
    case AttrType::tensors: return std::vector<Tensor>();
    case AttrType::graphs: return std::vector<std::shared_ptr<Graph>>();
    case AttrType::sparse_tensor: return SparseTensor();
    case AttrType::sparse_tensors: return std::vector<SparseTensor>();
    case AttrType::type_proto: return Type();
    case AttrType::type_protos: return std::vector<Type>();
    default: return std::monostate();
  }
}

// What the reading of one attribute collects beside its value.
struct Gathered {
  PendingGraphs graphs;
  bool types_verbatim = false;  // a TypeProto says more than a Type can hold
};

Type read_type_attribute(std::string_view message, const ReadContext& ctx, Gathered& gathered) {
  TypeNotes notes;
  Type t = read_type(message, ctx, notes);
  if (!notes.verbatim.empty() || !notes.denotation.empty() || !notes.dim_denotations.empty()) gathered.types_verbatim = true;
  return t;
}

// One occurrence of the value field; false: of another wire type.
bool read_value(AttrValue& value, AttrType type, const WireField& f, const ReadContext& ctx, Gathered& gathered) {
  const bool bytes = f.is(WireType::bytes);
  switch (type) {
    case AttrType::float_:
      if (!f.is(WireType::fixed32)) return false;
      value = f.as_float();
      return true;
    case AttrType::int_:
      if (!f.is(WireType::varint)) return false;
      value = f.as_int();
      return true;
    case AttrType::floats: {
      auto& list = std::get<Floats>(value);
      if (f.is(WireType::fixed32)) {
        list.push_back(f.as_float());
        return true;
      }
      if (!bytes) return false;
      for (WireReader packed(f.bytes, ctx.base); !packed.at_end();) list.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(packed.fixed(4))));
      return true;
    }
    case AttrType::ints: {
      auto& list = std::get<Ints>(value);
      if (f.is(WireType::varint)) {
        list.push_back(f.as_int());
        return true;
      }
      if (!bytes) return false;
      for (WireReader packed(f.bytes, ctx.base); !packed.at_end();) list.push_back(static_cast<std::int64_t>(packed.varint()));
      return true;
    }
    default: break;
  }
  if (!bytes) return false;
  switch (type) {
    case AttrType::string: value = std::string(f.bytes); break;
    case AttrType::strings: std::get<Strings>(value).emplace_back(f.bytes); break;
    case AttrType::tensor:
      if (std::get<Tensor>(value)) bad_input("corrupt message: the tensor of an attribute stands twice");
      value = read_tensor(f.bytes, ctx);
      break;
    case AttrType::tensors: std::get<std::vector<Tensor>>(value).push_back(read_tensor(f.bytes, ctx)); break;
    case AttrType::sparse_tensor: value = read_sparse_tensor(f.bytes, ctx); break;
    case AttrType::sparse_tensors: std::get<std::vector<SparseTensor>>(value).push_back(read_sparse_tensor(f.bytes, ctx)); break;
    case AttrType::type_proto: value = read_type_attribute(f.bytes, ctx, gathered); break;
    case AttrType::type_protos: std::get<std::vector<Type>>(value).push_back(read_type_attribute(f.bytes, ctx, gathered)); break;
    case AttrType::graph:
      if (!gathered.graphs.messages.empty()) bad_input("corrupt message: the graph of an attribute stands twice");
      gathered.graphs.messages.push_back(f.bytes);
      break;
    case AttrType::graphs: gathered.graphs.messages.push_back(f.bytes); break;
    default: return false;
  }
  return true;
}

}  // namespace

Attribute read_attribute(std::string_view message, const ReadContext& ctx, std::vector<PendingGraphs>& graphs) {
  const DepthGuard guard(ctx);
  Header h = scan(message, ctx);
  return in_context(
      [&] { return fmt::format("attribute '{}'", h.name); },
      [&] {
        if (h.name.empty()) bad_input("an attribute has no name");
        if (h.type < 0 || h.type >= kAttrTypes) bad_input(fmt::format("attribute type {} is not known", h.type));
        AttrType type = static_cast<AttrType>(h.type);
        if (type == AttrType::undefined && h.ref.empty()) type = deduce_type(h);
        Attribute a{std::string(h.name), empty_value(h.ref.empty() ? type : AttrType::undefined)};
        Gathered gathered{{a.name, type == AttrType::graphs, {}}};
        if (h.value_fields != 0) {
          WireReader in(message, ctx.base);
          for (WireField f; in.next(f);) {
            if (!is_value_field(f.number)) continue;
            const bool used = h.ref.empty() && f.number == kFieldOfType[static_cast<int>(type)];
            if (!used || !read_value(a.value, type, f, ctx, gathered)) keep_unknown(h.unknown, f);
          }
        }
        if (gathered.types_verbatim) {  // there is no room for it in the value: the writer puts these fields in the value's place
          WireReader in(message, ctx.base);
          for (WireField f; in.next(f);)
            if (f.number == kFieldOfType[static_cast<int>(type)]) keep_unknown(h.unknown, f);
        }
        if (h.ref.empty() && type == AttrType::tensor && !std::get<Tensor>(a.value)) bad_input("says it is a tensor but holds none");
        if (h.ref.empty() && type == AttrType::sparse_tensor && !std::get<SparseTensor>(a.value).values)
          bad_input("says it is a sparse tensor but holds none");
        if (h.ref.empty() && type == AttrType::graph && gathered.graphs.messages.empty()) bad_input("says it is a graph but holds none");
        if (!h.ref.empty() || !h.doc_string.empty() || !h.unknown.empty())
          a.extra = std::make_shared<const AttrExtra>(AttrExtra{std::string(h.ref), type, std::string(h.doc_string), std::move(h.unknown)});
        if (h.ref.empty() && (type == AttrType::graph || type == AttrType::graphs)) graphs.push_back(std::move(gathered.graphs));
        return a;
      });
}

Attrs read_attributes(const Views& messages, const ReadContext& ctx, std::vector<PendingGraphs>& graphs) {
  Attrs attrs;
  for (const std::string_view m : messages) attrs.add(read_attribute(m, ctx, graphs));
  refuse_duplicates(attrs);
  return attrs;
}

}  // namespace onnxopt
