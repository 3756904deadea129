#include <array>
#include <vector>

#include "ir/ops/op_table.h"
#include "passes/opset/step.h"

namespace onnxopt {
namespace {

bool same_op(const OpSchema& a, const OpSchema& b) { return a.name == b.name && a.domain == b.domain; }

struct RowTable {
  std::span<const OpSchema> rows;
  std::vector<RowInfo> infos;

  std::size_t index(const OpSchema& row) const { return static_cast<std::size_t>(&row - rows.data()); }
  bool holds(const OpSchema& row) const { return !rows.empty() && &row >= rows.data() && &row < rows.data() + rows.size(); }
  const OpSchema* exact(std::string_view domain, std::string_view name, int since) const {
    const OpSchema* r = find_op(domain, name, since);
    return r && r->since == since && holds(*r) ? r : nullptr;
  }

  void add(const Step& s) {
    const OpSchema* from = exact(s.domain, s.op, s.from);
    const OpSchema* to = exact(s.domain, s.to_op.empty() ? s.op : s.to_op, s.to);
    if (!from || !to) return;  // a test reports steps without rows
    RowInfo& older = infos[index(*from)];
    older.above = to;
    older.up = &s;
    RowInfo& newer = infos[index(*to)];
    if (s.lift_only) {
      if (s.to_op.empty()) newer.below = nullptr;
      return;
    }
    newer.below = from;
    newer.down = &s;
  }

  RowTable() : rows(all_op_versions()), infos(rows.size()) {
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (!same_op(rows[i - 1], rows[i])) continue;
      infos[i].below = &rows[i - 1];
      if (!rows[i].has(kDeprecated)) infos[i - 1].above = &rows[i];
    }
    for (const auto steps : {steps_broadcast(), steps_legacy(), steps_shape(), steps_axis(), steps_reduce(), steps_nn(), steps_resize(),
                             steps_quant(), steps_misc(), steps_ml()})
      for (const Step& s : steps) add(s);
    for (std::size_t i = rows.size(); i-- > 0;) {
      const RowInfo& r = infos[i];
      const bool plain = r.above && !(r.up && r.up->up) && same_op(rows[i], *r.above);
      infos[i].relabel_up = plain ? infos[index(*r.above)].relabel_up : &rows[i];
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const RowInfo& r = infos[i];
      const bool plain = r.below && !(r.down && r.down->down) && same_op(rows[i], *r.below);
      infos[i].relabel_down = plain ? infos[index(*r.below)].relabel_down : &rows[i];
    }
  }
};

const RowTable& table() {
  static const RowTable t;  // immutable index of the tables above, built on first use
  return t;
}

}  // namespace

const RowInfo* row_info(const OpSchema& row) {
  const RowTable& t = table();
  return t.holds(row) ? &t.infos[t.index(row)] : nullptr;
}

const OpSchema* row_at(const OpSchema& row, int version) {
  const RowTable& t = table();
  if (!t.holds(row)) return &row;
  const OpSchema* r = &row;
  const OpSchema* first = t.rows.data();
  const OpSchema* end = first + t.rows.size();
  while (r->since > version) {
    if (r == first || !same_op(*(r - 1), row)) return nullptr;
    --r;
  }
  while (r + 1 != end && same_op(*(r + 1), row) && (r + 1)->since <= version) ++r;
  return r;
}

}  // namespace onnxopt
