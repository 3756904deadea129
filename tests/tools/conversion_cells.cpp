#include "conversion_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <sstream>

#include "ir/ops/op_table.h"
#include "passes/opset/expand.h"
#include "passes/opset/walk.h"

namespace onnxopt {
namespace {

constexpr std::string_view kHead =
    "# What becomes of an operator version at a target opset. Generated: see docs/convert.md.\n"
    "#\n"
    "# One column a target, from 7 (of ai.onnx; from 1 of other domains) to the newest:\n"
    "#   =  this version is in force there     c  converted     l  lowered into other operators     .  refused\n"
    "#   C, L: the same, but no test of that version could be run there\n"
    "# Behind it, what some nodes of that version are refused for, and where:\n"
    "#   t type   d no decomposition   n non-constant operand   k kept in its own version   u unknown operator\n"
    "\n";

bool shown(const OpSchema& row) { return row.domain.empty() || row.domain == "ai.onnx.ml"; }

bool decomposed(const OpSchema& row) {
  const auto all = decompositions();
  const OpSchema* newest = newest_op(row.domain, row.name);
  return std::ranges::any_of(all, [&](const Decomposition& d) {
    return d.op == row.name && d.domain == row.domain && (d.older || row.since == newest->since || row_info(row)->above);
  });
}

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

char cell_of(char table, const CellProof* p, std::string& refusals) {
  if (p)
    for (const auto& [letter, n] : p->refused) refusals += letter;
  if (table == '=') return '=';
  if (table == '.' && p && p->converted + p->lowered > 0) table = p->converted ? 'c' : 'l';  // where casts around it, or dropped inputs, do
  if (table == '.') {
    if (refusals.empty()) refusals.push_back('d');
    return '.';
  }
  if (!p) return upper(table);
  if (p->differs > 0) return '!';
  if (p->converted > 0) return 'c';
  if (p->lowered > 0) return 'l';
  return p->refused.empty() ? upper(table) : '.';
}

// "n 7-12, t 7-18": where each letter holds.
std::string ranges_text(const std::vector<std::string>& by_target, int first) {
  std::string r;
  for (const char letter : std::string_view("tdnku"))
    for (std::size_t i = 0; i < by_target.size();) {
      const auto has = [&](std::size_t k) { return by_target[k].find(letter) != std::string::npos; };
      if (!has(i)) {
        ++i;
        continue;
      }
      std::size_t end = i;
      while (end + 1 < by_target.size() && has(end + 1)) ++end;
      const int from = first + static_cast<int>(i), to = first + static_cast<int>(end);
      r += fmt::format("{}{} {}", r.empty() ? "" : ", ", letter, from == to ? std::to_string(from) : fmt::format("{}-{}", from, to));
      i = end + 1;
    }
  return r;
}

}  // namespace

int first_target(std::string_view domain) { return domain.empty() ? 7 : 1; }

std::string cell_row_name(const OpSchema& row) { return row.domain.empty() ? row_name(row) : fmt::format("{}.{}", row.domain, row_name(row)); }

char refusal_letter(Refusal r) {
  switch (r) {
    case Refusal::type: return 't';
    case Refusal::no_decomposition: return 'd';
    case Refusal::non_constant_operand: return 'n';
    case Refusal::kept: return 'k';
    case Refusal::unknown_op: return 'u';
  }
  return '?';
}

char table_outcome(const OpSchema& row, int target) {
  const OpSchema* here = row_at(row, target);
  if (here == &row && !row.has(kDeprecated)) return '=';
  if (const OpSchema* to = destination(row, target); to && !to->has(kDeprecated)) return 'c';
  return decomposed(row) ? 'l' : '.';
}

std::string write_proofs(const CellProofs& proofs) {
  std::string s;
  for (const auto& [key, p] : proofs) {
    s += fmt::format("{}\t{}\t{}\t{}\t{}", key.first, key.second, p.converted, p.lowered, p.differs);
    for (const auto& [letter, n] : p.refused) s += fmt::format("\t{}{}", letter, n);
    s += "\n";
  }
  return s;
}

void read_proofs(const std::string& text, CellProofs& into) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name, more;
    int target = 0, converted = 0, lowered = 0, differs = 0;
    fields >> name >> target >> converted >> lowered >> differs;
    CellProof& p = into[{name, target}];
    p.converted += converted;
    p.lowered += lowered;
    p.differs += differs;
    while (fields >> more) p.refused[more[0]] += std::stoi(more.substr(1));
  }
}

std::vector<const OpSchema*> matrix_rows() {
  std::vector<const OpSchema*> r;
  for (const OpSchema& row : all_op_versions())
    if (shown(row)) r.push_back(&row);
  return r;
}

std::string matrix_text(const CellProofs& proofs) {
  std::string s(kHead);
  for (const OpSchema* row : matrix_rows()) {
    const int first = first_target(row->domain);
    const std::string name = cell_row_name(*row);
    std::string cells;
    std::vector<std::string> refusals;
    for (int t = first; t <= newest_opset(row->domain); ++t) {
      const auto it = proofs.find({name, t});
      cells += cell_of(table_outcome(*row, t), it == proofs.end() ? nullptr : &it->second, refusals.emplace_back());
    }
    const std::string why = ranges_text(refusals, first);
    s += why.empty() ? fmt::format("{:40} {}\n", name, cells) : fmt::format("{:40} {}  {}\n", name, cells, why);
  }
  return s;
}

std::vector<std::string> check_matrix(const std::string& text) {
  std::vector<std::string> wrong;
  std::map<std::string, std::pair<std::string, std::string>> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    std::string name, cells, why;
    fields >> name >> cells;
    std::getline(fields, why);
    lines[name] = {cells, why};
  }
  const auto rows = matrix_rows();
  if (lines.size() != rows.size()) wrong.push_back(fmt::format("{} lines, the operator table has {} versions", lines.size(), rows.size()));
  for (const OpSchema* row : rows) {
    const std::string name = cell_row_name(*row);
    const auto it = lines.find(name);
    if (it == lines.end()) {
      wrong.push_back(fmt::format("{} is missing", name));
      continue;
    }
    const auto& [cells, why] = it->second;
    const int first = first_target(row->domain), count = newest_opset(row->domain) - first + 1;
    if (static_cast<int>(cells.size()) != count) wrong.push_back(fmt::format("{}: {} cells, not {}", name, cells.size(), count));
    for (int i = 0; i < std::min(count, static_cast<int>(cells.size())); ++i) {
      const char now = table_outcome(*row, first + i), was = cells[static_cast<std::size_t>(i)];
      const bool refused = was == '.', does = std::string_view("cClL").find(was) != std::string_view::npos;
      const bool fits = now == '=' ? was == '=' : now == '.' ? refused || was == 'c' || was == 'l' : now == 'l' ? refused || does : refused || does;
      if (!fits) wrong.push_back(fmt::format("{} at {}: '{}' on file, '{}' by the tables", name, first + i, was, now));
      if (refused && why.empty()) wrong.push_back(fmt::format("{} at {}: refused without a reason", name, first + i));
    }
  }
  return wrong;
}

}  // namespace onnxopt
