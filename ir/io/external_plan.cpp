#include "ir/io/external_plan.h"

#include <algorithm>
#include <cstring>

#include "ir/io/constant_nodes.h"
#include "ir/io/mapped_file.h"
#include "ir/io/sample_hash.h"

namespace onnxopt {
namespace {

constexpr std::uint64_t kLarge = std::uint64_t{1} << 20, kLargeAlignment = std::uint64_t{1} << 16, kAlignment = 64;

void plan_attrs(ExternalPlan& plan, const Attrs& attrs) {
  for (const Attribute& a : attrs) {
    if (const auto* t = std::get_if<Tensor>(&a.value)) plan.add(*t);
    if (const auto* list = std::get_if<std::vector<Tensor>>(&a.value))
      for (const Tensor& t : *list) plan.add(t);
  }
}

void plan_graph(ExternalPlan& plan, const Graph& g, std::int64_t ir_version, bool attributes) {
  for (const Value* v : g.constants())
    if (attributes || !is_constant_node(*v, ir_version)) plan.add(*v->constant());
  for (const Node& n : g.nodes()) {
    if (attributes) plan_attrs(plan, n.attrs());
    for (const Graph* sub : n.subgraphs()) plan_graph(plan, *sub, ir_version, attributes);
  }
}

}  // namespace

std::size_t ExternalPlan::find_equal(const Tensor& t) {
  const bool mapped = t.file_range() != nullptr;
  auto& candidates = by_sample_[sample_hash(t.bytes(), mapped)];
  for (const std::size_t i : candidates)
    if (items_[i].bytes.size() == t.byte_size() && first_difference({items_[i].bytes, items_[i].mapped}, {t.bytes(), mapped}) == t.byte_size())
      return i;
  candidates.push_back(items_.size());
  return items_.size();
}

void ExternalPlan::add(const Tensor& t) {
  if (t.dtype() == DType::string || t.byte_size() < threshold_ || t.byte_size() == 0) return;
  const auto [slot, is_new] = by_address_[t.bytes().data()].try_emplace(t.byte_size(), 0);
  if (!is_new) return;
  const std::size_t i = find_equal(t);
  slot->second = i;
  if (i < items_.size()) return;
  const std::uint64_t alignment = t.byte_size() >= kLarge ? kLargeAlignment : kAlignment;
  const std::uint64_t offset = (end_ + alignment - 1) / alignment * alignment;
  items_.push_back({t.bytes(), t.file_range() != nullptr, offset});
  tensors_.push_back(t);
  end_ = offset + t.byte_size();
}

std::optional<std::uint64_t> ExternalPlan::offset(const Tensor& t) const {
  const auto at = by_address_.find(t.bytes().data());
  if (at == by_address_.end()) return std::nullopt;
  const auto item = at->second.find(t.byte_size());
  if (item == at->second.end()) return std::nullopt;
  return items_[item->second].offset;
}

void plan_model(ExternalPlan& plan, const Model& model, bool attributes) {
  plan_graph(plan, model.graph(), model.ir_version, attributes);
  for (const auto& f : model.functions) plan_graph(plan, *f->body, model.ir_version, attributes);
}

}  // namespace onnxopt
