// Finds the order of the nodes of an unsorted file before they are built: a stable topological sort over names.
#include <fmt/format.h>

#include <functional>
#include <queue>

#include "ir/io/fields.h"
#include "ir/io/read_graph.h"

namespace onnxopt {
namespace {

// Calls read(name) for every name that a node reads, those that its subgraphs take from outside included.
class ReadNames {
 public:
  ReadNames(const ReadContext& ctx, std::function<void(std::string_view)> read) : ctx_(ctx), read_(std::move(read)) {}

  void node(const NodeParts& parts) {
    for (const std::string_view name : parts.inputs)
      if (!name.empty()) read_(name);
    for (const std::string_view a : parts.attributes) attribute(a);
  }

 private:
  void attribute(std::string_view message) {
    const DepthGuard guard(ctx_);
    WireReader in(message, ctx_.base);
    for (WireField f; in.next(f);)
      if ((f.number == pb::attribute::g || f.number == pb::attribute::graphs) && f.is(WireType::bytes)) graph(f.bytes);
  }

  void graph(std::string_view message) {
    const DepthGuard guard(ctx_);
    const GraphParts parts = read_graph_parts(message, ctx_);
    NameTable<bool> own;
    std::vector<std::string_view> wanted;
    for (const std::string_view m : parts.inputs) own.insert(read_value_info(m, ctx_).name, true);
    for (const std::string_view m : parts.initializers) own.insert(name_of(m, pb::tensor::name), true);
    for (const std::string_view m : parts.sparse_initializers) own.insert(name_of(name_of(m, pb::sparse_tensor::values), pb::tensor::name), true);
    ReadNames inner(ctx_, [&](std::string_view name) { wanted.push_back(name); });
    NodeParts node_parts;
    for (const std::string_view m : parts.nodes) {
      const DepthGuard node_guard(ctx_);
      read_node_parts(m, ctx_, node_parts);
      inner.node(node_parts);
      for (const std::string_view name : node_parts.outputs) own.insert(name, true);
    }
    for (const std::string_view m : parts.outputs) wanted.push_back(read_value_info(m, ctx_).name);
    for (const std::string_view name : wanted)
      if (!own.find(name)) read_(name);
  }

  std::string_view name_of(std::string_view message, std::uint32_t field) const {
    std::string_view name;
    WireReader in(message, ctx_.base);
    for (WireField f; in.next(f);)
      if (f.number == field && f.is(WireType::bytes)) name = f.bytes;
    return name;
  }

  const ReadContext& ctx_;
  std::function<void(std::string_view)> read_;
};

}  // namespace

std::vector<std::size_t> sorted_nodes(const Views& nodes, const ReadContext& ctx) {
  NameTable<std::size_t> makers;
  NodeParts parts;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    read_node_parts(nodes[i], ctx, parts);
    for (const std::string_view name : parts.outputs)
      if (!name.empty()) makers.insert(name, i);  // a second maker is refused when the nodes are built
  }
  std::vector<std::vector<std::size_t>> readers(nodes.size());
  std::vector<std::size_t> waits(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    read_node_parts(nodes[i], ctx, parts);
    ReadNames(ctx, [&](std::string_view name) {
      const std::size_t* maker = makers.find(name);
      if (!maker) return;
      readers[*maker].push_back(i);
      ++waits[i];
    }).node(parts);
  }
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;  // the earliest in the file first: stable
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (waits[i] == 0) ready.push(i);
  std::vector<std::size_t> order;
  order.reserve(nodes.size());
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    order.push_back(i);
    for (const std::size_t r : readers[i])
      if (--waits[r] == 0) ready.push(r);
  }
  if (order.size() == nodes.size()) return order;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (waits[i] == 0) continue;
    read_node_parts(nodes[i], ctx, parts);
    bad_input(fmt::format("{} waits for its own result: the nodes form a cycle", parts.label()));
  }
  return order;
}

}  // namespace onnxopt
