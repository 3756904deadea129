#include "cli/report/op_warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "ir/ops/op_table.h"

namespace onnxopt {
namespace {

// Rows that ONNX Runtime has in the standard's domain and the standard has not; 0: in no version.
struct RuntimeRow {
  std::string_view name;
  int since, standard;
};
constexpr std::array kRuntimeRows = {
    RuntimeRow{"LayerNormalization", 1, 17},
    RuntimeRow{"MeanVarianceNormalization", 1, 9},
    RuntimeRow{"SimplifiedLayerNormalization", 1, 0},
    RuntimeRow{"ThresholdedRelu", 1, 10},
};

std::string_view shown(std::string_view domain) { return domain.empty() ? "ai.onnx" : domain; }

// The oldest row of the standard; 0: none.
int first_version(std::string_view domain, std::string_view name) {
  for (const RuntimeRow& r : kRuntimeRows)
    if (domain.empty() && r.name == name) return r.standard;
  const OpSchema* found = newest_op(domain, name);
  while (found)
    if (const OpSchema* older = find_op(domain, name, found->since - 1)) found = older;
    else return found->since;
  return 0;
}

std::string begins(std::string_view domain, std::string_view name) {
  const int first = first_version(domain, name);
  return first == 0 ? "ONNX has it in no version" : fmt::format("it begins with {}", first);
}

// Empty: nothing is wrong with it.
std::string fault(const OpSchema& op) {
  const std::string_view domain = canonical_domain(op.domain);
  if (op.has(kOpaque)) {
    if (domain == "com.microsoft" || newest_opset(domain) == 0 || op.since == 0) return {};
    return fmt::format("operator '{}' does not exist in {} {}: {}", op.name, shown(domain), op.since, begins(domain, op.name));
  }
  if (op.has(kDeprecated)) return fmt::format("operator '{}' is deprecated since {} {}", op.name, shown(domain), op.since);
  for (const RuntimeRow& r : kRuntimeRows)
    if (domain.empty() && r.name == op.name && r.since == op.since)
      return fmt::format("operator '{}' does not exist at the model's opset; {}, and only ONNX Runtime has this form", op.name,
                         begins(domain, op.name));
  return {};
}

// "node 'x'", or "the node that makes 'y'" of one without a name.
std::string place(const Node& n) {
  if (!n.name.empty()) return fmt::format("node '{}'", n.name);
  for (const Value* v : n.outputs())
    if (v && !v->name().empty()) return fmt::format("the node that makes '{}'", v->name());
  return "a node without a name";
}

struct Faulty {
  std::string what;
  std::size_t nodes = 0;
  std::string first;
};

}  // namespace

std::vector<std::string> op_warnings(Model& m) {
  constexpr std::size_t kLines = 20;
  std::unordered_map<const OpSchema*, std::size_t> known;  // position in `all` + 1; 0: nothing is wrong
  std::vector<Faulty> all;
  for (Graph* root : m.root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (const Node& n : g.nodes()) {
        const auto [it, is_new] = known.try_emplace(&n.op(), 0);
        if (is_new && !m.function_of(n))
          if (std::string what = fault(n.op()); !what.empty()) {
            all.push_back({std::move(what), 0, place(n)});
            it->second = all.size();
          }
        if (it->second > 0) ++all[it->second - 1].nodes;
      }
    });
  std::vector<std::string> lines;
  for (const Faulty& f : all) {
    if (lines.size() == kLines) {
      lines.push_back(fmt::format("{} more operators that the opsets do not have", all.size() - kLines));
      break;
    }
    lines.push_back(f.nodes == 1 ? fmt::format("{} ({})", f.what, f.first) : fmt::format("{} ({} nodes, the first is {})", f.what, f.nodes, f.first));
  }
  return lines;
}

}  // namespace onnxopt
