#include "ir/ops/op_table.h"

#include <algorithm>
#include <string>

#include "ir/core/error.h"
#include "ir/ops/generated/op_data.h"

namespace onnxopt {
namespace {

using op_data::kRowCount;
using op_data::kRows;

// The same hash as in tools/generate_op_table.py.
std::uint32_t fnv1a(std::uint32_t h, std::string_view text) {
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}

// First (oldest) row of an operator; null: none.
const OpSchema* first_row(std::string_view domain, std::string_view name) {
  domain = canonical_domain(domain);
  std::uint32_t slot = fnv1a(fnv1a(2166136261u, domain) * 16777619u, name) % op_data::kSlotCount;  // the separator is a zero byte: h ^ 0 = h
  while (op_data::kSlots[slot] != 0) {
    const OpSchema& row = kRows[op_data::kSlots[slot] - 1];
    if (row.name == name && row.domain == domain) return &row;
    slot = (slot + 1) % op_data::kSlotCount;
  }
  return nullptr;
}

bool same_op(const OpSchema& a, const OpSchema& b) { return a.name == b.name && a.domain == b.domain; }

}  // namespace

int newest_opset(std::string_view domain) {
  domain = canonical_domain(domain);
  for (const op_data::DomainVersion& d : op_data::kDomains)
    if (d.domain == domain) return d.newest;
  return 0;
}

std::string_view canonical_domain(std::string_view domain) { return domain == "ai.onnx" ? std::string_view() : domain; }

std::int64_t unimported_version(std::string_view domain) { return domain == "com.microsoft" ? 1 : 0; }

const OpSchema* find_op(std::string_view domain, std::string_view name, int version) {
  const OpSchema* found = nullptr;
  const OpSchema* end = kRows + kRowCount;
  const OpSchema* first = first_row(domain, name);
  for (const OpSchema* row = first; row != nullptr && row != end && same_op(*row, *first) && row->since <= version; ++row) found = row;
  return found;
}

const OpSchema* newest_op(std::string_view domain, std::string_view name) { return find_op(domain, name, INT_MAX); }

const OpSchema& op(std::string_view ai_onnx_name) {
  const OpSchema* row = newest_op("", ai_onnx_name);
  ONNXOPT_CHECK(row != nullptr, "no operator " + std::string(ai_onnx_name));
  return *row;
}

std::span<const OpSchema> all_op_versions() { return {kRows, static_cast<std::size_t>(kRowCount)}; }

int ir_version_for_opset(int ai_onnx_opset) {
  constexpr int kLast = static_cast<int>(std::size(op_data::kIrVersionOfOpset)) - 1;
  return op_data::kIrVersionOfOpset[std::clamp(ai_onnx_opset, 0, kLast)];
}

}  // namespace onnxopt
