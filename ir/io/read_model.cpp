// ModelProto to Model.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "ir/io/fields.h"
#include "ir/io/foreign_format.h"
#include "ir/io/io.h"
#include "ir/io/mapped_file.h"
#include "ir/io/read_constants.h"
#include "ir/io/read_graph.h"
#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

struct ModelParts {
  std::string_view graph;
  bool has_graph = false, has_ir_version = false;
  Views functions;
};

ModelParts read_header(std::string_view message, const ReadContext& ctx, Model& model) {
  ModelParts parts;
  WireReader in(message, ctx.base);
  for (WireField f; in.next(f);) {
    const bool bytes = f.is(WireType::bytes), varint = f.is(WireType::varint);
    if (f.number == pb::model::ir_version && varint) {
      model.ir_version = f.as_int();
      parts.has_ir_version = true;
    } else if (f.number == pb::model::model_version && varint) {
      model.model_version = f.as_int();
      model.has_model_version = true;
    } else if (f.number == pb::model::producer_name && bytes) model.producer_name = f.bytes;
    else if (f.number == pb::model::producer_version && bytes) model.producer_version = f.bytes;
    else if (f.number == pb::model::domain && bytes) model.domain = f.bytes;
    else if (f.number == pb::model::doc_string && bytes) model.doc_string = f.bytes;
    else if (f.number == pb::model::graph && bytes) {
      once(parts.has_graph, "graph of the model");
      parts.graph = f.bytes;
    } else if (f.number == pb::model::opset_import && bytes) model.file_opsets.push_back(read_opset_import(f.bytes, ctx));
    else if (f.number == pb::model::metadata_props && bytes) model.metadata.push_back(read_string_entry(f.bytes, ctx));
    else if (f.number == pb::model::training_info && bytes) model.training_info.append(f.raw);
    else if (f.number == pb::model::functions && bytes) parts.functions.push_back(f.bytes);
    else if (f.number == pb::model::configuration && bytes) model.configuration.append(f.raw);
    else keep_unknown(model.unknown, f);
  }
  return parts;
}

// Ill-formed files may import a domain many times over; more than this is no model.
constexpr std::size_t kMostImports = 1000;

// Of a domain that is named several times the last import holds, for ONNX Runtime and onnx.checker alike. They disagree where '' and 'ai.onnx',
// two names of one domain, state different versions. `file` then says the same everywhere.
std::vector<OpsetImport> canonical_imports(std::vector<OpsetImport>& file) {
  if (file.size() > kMostImports) bad_input(fmt::format("{} opset imports; the file is damaged", file.size()));
  std::vector<OpsetImport> spelt, r;
  const auto put = [](std::vector<OpsetImport>& list, std::string_view domain, std::int64_t version) -> OpsetImport& {
    for (OpsetImport& o : list)
      if (o.domain == domain) return o;
    return list.emplace_back(OpsetImport{std::string(domain), version});
  };
  for (const OpsetImport& i : file) put(spelt, i.domain, i.version).version = i.version;
  for (OpsetImport& i : file) i.version = put(spelt, i.domain, i.version).version;
  for (const OpsetImport& i : spelt)
    if (const OpsetImport& o = put(r, canonical_domain(i.domain), i.version); o.version != i.version)
      bad_input(fmt::format("opset_import names domain 'ai.onnx', which is also '', with versions {} and {}", o.version, i.version));
  return r;
}

std::string label(const FunctionParts& f) { return fmt::format("function '{}.{}{}{}'", f.domain, f.name, f.overload.empty() ? "" : ":", f.overload); }

void read_attribute_defaults(const FunctionParts& parts, const ReadContext& ctx, Function& f) {
  for (const std::string_view raw : parts.attribute_protos) {
    WireReader in(raw, ctx.base);
    WireField field;
    in.next(field);
    std::vector<PendingGraphs> graphs;
    Attribute a = read_attribute(field.bytes, ctx, graphs);
    if (f.attribute_defaults.has(a.name)) bad_input(fmt::format("attribute '{}' is declared twice", a.name));
    if (graphs.empty()) f.attribute_defaults.add(std::move(a));
    else f.unknown.append(raw);  // a graph as default value: kept as it is
  }
}

void read_function(const FunctionParts& parts, const ReadContext& ctx, Model& model, const FunctionNames& names, bool sort_nodes) {
  auto made = std::make_unique<Function>();
  Function& f = *made;
  model.functions.push_back(std::move(made));
  f.domain = parts.domain;
  f.name = parts.name;
  f.overload = parts.overload;
  f.doc_string = parts.doc_string;
  f.unknown = parts.unknown;
  f.metadata = parts.metadata;
  for (const std::string_view a : parts.attributes) f.attributes.emplace_back(a);
  f.file_opsets = parts.opsets;
  f.opsets = parts.opsets.empty() ? model.opsets : canonical_imports(f.file_opsets);
  read_attribute_defaults(parts, ctx, f);
  f.body = std::make_unique<Graph>(model);
  f.body->set_function(&f);
  OpResolver ops(model, f.opsets, names);
  GraphReader(ctx, model, ops, sort_nodes).read_body(parts, *f.body);
}

std::string function_key(std::string_view domain, std::string_view name, std::string_view overload) {
  std::string key(domain);
  return key.append(1, '\0').append(name).append(1, '\0').append(overload);
}

// Calls f(callee) for every call of a local function in `g` and its subgraphs.
template <class F>
void for_each_call(const std::unordered_map<std::string, const Function*>& functions, Graph& g, F&& f) {
  for_each_graph(g, [&](Graph& inner) {
    for (Node& n : inner.nodes()) {
      if (!n.op().has(kOpaque)) continue;
      const auto callee =
          functions.find(function_key(n.op().domain, n.op().name, n.extra() ? std::string_view(n.extra()->overload) : std::string_view()));
      if (callee != functions.end()) f(callee->second);
    }
  });
}

// Functions must not call themselves, directly or through others: they could never be expanded.
void refuse_recursion(Model& model) {
  if (model.functions.empty()) return;
  std::unordered_map<const Function*, std::vector<const Function*>> callers;
  std::unordered_map<const Function*, std::size_t> waits;
  std::unordered_map<std::string, const Function*> functions;
  for (const auto& f : model.functions) functions.emplace(function_key(f->domain, f->name, f->overload), f.get());
  for (const auto& f : model.functions)
    for_each_call(functions, *f->body, [&](const Function* callee) {
      callers[callee].push_back(f.get());
      ++waits[f.get()];
    });
  std::vector<const Function*> ready;
  for (const auto& f : model.functions)
    if (waits[f.get()] == 0) ready.push_back(f.get());
  for (std::size_t i = 0; i < ready.size(); ++i)
    for (const Function* caller : callers[ready[i]])
      if (--waits[caller] == 0) ready.push_back(caller);
  if (ready.size() == model.functions.size()) return;
  for (const auto& f : model.functions)
    if (waits[f.get()] != 0) bad_input(fmt::format("function '{}.{}' calls itself, directly or through other functions", f->domain, f->name));
}

FunctionNames read_functions_header(const ModelParts& parts, const ReadContext& ctx, std::vector<FunctionParts>& functions) {
  FunctionNames names;
  std::unordered_set<std::string> seen;
  for (const std::string_view m : parts.functions) {
    FunctionParts f = read_function_parts(m, ctx);
    if (f.name.empty()) bad_input("a function has no name");
    f.domain = canonical_domain(f.domain);
    if (!seen.insert(function_key(f.domain, f.name, f.overload)).second) bad_input(fmt::format("{} is defined twice", label(f)));
    auto& domains = names[f.name];
    if (std::find(domains.begin(), domains.end(), f.domain) == domains.end()) domains.push_back(f.domain);
    functions.push_back(std::move(f));
  }
  return names;
}

std::unique_ptr<Model> read_once(std::string_view message, ReadContext ctx, bool sort_nodes) {
  auto model = std::make_unique<Model>();
  ctx.symbols = &model->symbols();
  const ModelParts parts = read_header(message, ctx, *model);
  if (!parts.has_graph)
    bad_input(parts.has_ir_version ? "the model holds no graph" : "this is not an ONNX model: it holds neither a graph nor an IR version");
  model->opsets = model->file_opsets.empty() ? std::vector<OpsetImport>{{"", 1}} : canonical_imports(model->file_opsets);
  std::vector<FunctionParts> functions;
  const FunctionNames names = read_functions_header(parts, ctx, functions);
  OpResolver ops(*model, model->opsets, names);
  GraphReader(ctx, *model, ops, sort_nodes).read_graph(parts.graph, model->graph());
  for (const FunctionParts& f : functions) in_context([&] { return label(f); }, [&] { read_function(f, ctx, *model, names, sort_nodes); });
  refuse_recursion(*model);
  return model;
}

// Names in a file may hold anything; a message stays one line and cannot steer a terminal.
std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 1000;
  std::string r;
  if (text.size() > kLongest) return printable(text.substr(0, kLongest / 4)) + " ... " + printable(text.substr(text.size() - kLongest / 2));
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u < 0x20 || u == 0x7F) r += fmt::format("\\x{:02x}", u);
    else r += c;
  }
  return r;
}

std::unique_ptr<Model> read_bytes(std::string_view message, const ReadContext& ctx) {
  try {
    try {
      return read_once(message, ctx, false);
    } catch (const NodesNotSorted&) {
      return read_once(message, ctx, true);
    }
  } catch (const Error& e) {
    throw Error(e.code(), printable(e.what()));
  }
}

std::string_view as_text(std::span<const std::byte> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::unique_ptr<Model> read_file(const std::filesystem::path& file, const ReadOptions& options, bool constants_at_once) {
  const auto mapped = MappedFile::open(file);
  if (mapped->size() == 0) bad_input(fmt::format("{}: the file is empty", file.string()));
  ExternalData external(file.parent_path(), file, options.strict_links);
  ReadContext ctx;
  const std::string_view message = as_text(mapped->bytes());
  ctx.base = message.data();
  ctx.owner = mapped;
  ctx.on_disk = true;
  ctx.verify_checksums = options.verify_checksums;
  ctx.constants_at_once = constants_at_once;
  ctx.external = &external;
  try {
    return with_context(file.string(), [&] { return read_bytes(message, ctx); });
  } catch (const Error& e) {
    const std::string_view instead = e.code() == ExitCode::bad_input ? foreign_format(message) : std::string_view();
    if (instead.empty()) throw;
    bad_input(fmt::format("{}: not an ONNX model but {}", file.string(), instead));
  }
}

}  // namespace

std::unique_ptr<Model> read_model(const std::filesystem::path& file, const ReadOptions& options) { return read_file(file, options, false); }

std::unique_ptr<Model> read_model_with_constants(const std::filesystem::path& file, const ReadOptions& options) {
  return read_file(file, options, true);
}

std::unique_ptr<Model> read_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder,
                                  const ReadOptions& options) {
  if (!owner) {
    auto copy = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    bytes = *copy;
    owner = std::move(copy);
  }
  ExternalData external(folder, {}, options.strict_links);
  ReadContext ctx;
  const std::string_view message = as_text(bytes);
  ctx.base = message.data();
  ctx.owner = std::move(owner);
  ctx.verify_checksums = options.verify_checksums;
  ctx.external = &external;
  return read_bytes(message, ctx);
}

}  // namespace onnxopt
