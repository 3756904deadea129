#include "ir/io/op_resolver.h"

#include <algorithm>
#include <climits>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// A model finds its opaque rows by linear search; no real model comes near this.
constexpr std::size_t kMostOpaque = 20000;

}  // namespace

OpResolver::OpResolver(Model& model, const std::vector<OpsetImport>& imports, const FunctionNames& functions) : model_(model), functions_(functions) {
  for (const OpsetImport& i : imports) domains_[canonical_domain(i.domain)].version = i.version;
}

const OpSchema& OpResolver::look_up(std::string_view domain, std::string_view name, std::int64_t version) {
  const int v = static_cast<int>(std::min<std::int64_t>(version, INT_MAX));
  const auto local = functions_.find(name);
  const bool is_call = local != functions_.end() && std::find(local->second.begin(), local->second.end(), domain) != local->second.end();
  if (!is_call && v > 0)
    if (const OpSchema* row = find_op(domain, name, v)) return *row;
  if (++opaque_count_ > kMostOpaque) bad_input("more than 20000 different operators outside the ONNX standard; the file is damaged");
  return model_.opaque_op(domain, name, v);
}

const OpSchema& OpResolver::resolve(std::string_view domain, std::string_view name) {
  Domain& d = domains_[canonical_domain(domain)];
  const OpSchema*& row = d.rows[name];
  if (!row) row = &look_up(canonical_domain(domain), name, d.version == 0 ? unimported_version(domain) : d.version);
  return *row;
}

}  // namespace onnxopt
