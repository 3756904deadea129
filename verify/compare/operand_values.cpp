#include "verify/compare/operand_values.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <unordered_set>

namespace onnxopt {
namespace {

using Values = std::vector<std::int64_t>;

// The size of an axis; nullopt: it is not known.
std::optional<std::int64_t> size_of(const Value* v, std::int64_t axis) {
  if (!v || !v->type.is_tensor() || !v->type.has_rank()) return std::nullopt;
  if (axis < 0) axis += v->type.rank();
  if (axis < 0 || axis >= v->type.rank()) return std::nullopt;
  const Dim& d = (*v->type.shape)[static_cast<std::size_t>(axis)];
  return d.is_value() ? std::optional(d.value()) : std::nullopt;
}

// How many elements an input of rank 0 or 1 has.
std::optional<std::size_t> count_of(const Value& v) {
  if (!v.type.is_tensor() || !v.type.has_rank() || v.type.rank() > 1) return std::nullopt;
  if (v.type.rank() == 0) return 1;
  const auto n = size_of(&v, 0);
  constexpr std::int64_t kMost = 1 << 16;
  return n && *n > 0 && *n <= kMost ? std::optional(static_cast<std::size_t>(*n)) : std::nullopt;
}

// The sizes of all `count` axes; empty: they are not known.
Values sizes_of(const Value* v, std::size_t count) {
  Values r;
  if (!v || !v->type.has_rank() || v->type.rank() != static_cast<std::int64_t>(count)) return r;
  for (std::size_t i = 0; i < count; ++i) {
    const auto d = size_of(v, static_cast<std::int64_t>(i));
    if (!d) return {};
    r.push_back(*d);
  }
  return r;
}

Values first_axes(std::size_t count) {
  Values r(count);
  std::iota(r.begin(), r.end(), 0);
  return r;
}

// What fits any number of elements, where the wanted shape is not known.
Values reshape_target(const Value* out, std::size_t count) {
  if (Values r = sizes_of(out, count); !r.empty()) return r;
  Values r(count, 1);
  r[0] = -1;
  return r;
}

Values squeezed_axes(const Value* data, std::size_t count) {
  Values r;
  if (data && data->type.has_rank())
    for (std::int64_t i = 0; i < data->type.rank() && r.size() < count; ++i)
      if (size_of(data, i) == 1) r.push_back(i);
  return r.size() == count ? r : Values();
}

// Parts of one axis: as the outputs say, else as equal as they come.
Values parts(const Node& n, std::size_t count) {
  const std::int64_t axis = n.attr_or<std::int64_t>("axis", 0);
  Values r;
  if (n.is("Split") && n.outputs().size() == count)
    for (const Value* out : n.outputs())
      if (const auto d = size_of(out, axis)) r.push_back(*d);
  if (r.size() == count) return r;
  const auto total = size_of(n.input(0), axis);
  if (!total) return {};
  const auto each = *total / static_cast<std::int64_t>(count);
  r.assign(count, each);
  r.back() += *total - each * static_cast<std::int64_t>(count);
  return r;
}

// The axes that a Slice works on; empty: they are not known.
Values sliced_axes(const Node& n, std::size_t count) {
  const Value* axes = n.input(3);
  if (!axes || !axes->constant()) return first_axes(count);
  return {};
}

Values slice_operand(const Node& n, std::uint32_t index, std::size_t count) {
  if (index == 1) return Values(count, 0);
  if (index == 3) return first_axes(count);
  if (index == 4) return Values(count, 1);
  Values r;
  for (const std::int64_t axis : sliced_axes(n, count)) {
    const auto d = size_of(n.output(0), axis);
    if (!d) return {};
    r.push_back(*d);
  }
  return r;
}

// theta goes with an image of as many dims as the size has: [N, C, H, W] for a grid of [N, H, W, 2].
Values grid_size(const Node& n, std::size_t count) {
  const Values grid = sizes_of(n.output(0), count);
  if (grid.empty() || count < 2) return {};
  Values r = {grid[0], 1};
  r.insert(r.end(), grid.begin() + 1, grid.end() - 1);
  return r;
}

Values tile_repeats(const Node& n, std::size_t count) {
  const Values from = sizes_of(n.input(0), count), to = sizes_of(n.output(0), count);
  Values r;
  for (std::size_t i = 0; i < from.size() && i < to.size(); ++i)
    if (from[i] > 0) r.push_back(to[i] / from[i]);
  return r.size() == count ? r : Values();
}

// Lengths of the sequences of a batch, all as long as there are steps.
Values lengths(const Value* data, std::int64_t time_axis, std::size_t count) {
  const auto steps = size_of(data, time_axis);
  return steps && *steps > 0 ? Values(count, *steps) : Values();
}

bool is_recurrent(const Node& n) { return n.is("LSTM") || n.is("GRU") || n.is("RNN"); }

Values wanted_at(const Node& n, std::uint32_t index, std::size_t count) {
  if (n.is("Slice") && index > 0) return slice_operand(n, index, count);
  if (is_recurrent(n)) return index == 4 ? lengths(n.input(0), n.attr_or<std::int64_t>("layout", 0), count) : Values();
  if (n.is("ConstantOfShape")) return sizes_of(n.output(0), count);
  if (n.is("Resize")) return index == 3 ? sizes_of(n.output(0), count) : Values();
  if (index != 1) return {};
  if (n.is("Reshape")) return reshape_target(n.output(0), count);
  if (n.is("Expand")) {
    const Values r = sizes_of(n.output(0), count);
    return r.empty() ? Values(count, 1) : r;
  }
  if (n.is("Squeeze")) return squeezed_axes(n.input(0), count);
  if (n.is("Unsqueeze") || n.is("CumSum") || (n.op().domain.empty() && n.op().name.starts_with("Reduce"))) return first_axes(count);
  if (n.is("Split") || n.is("SplitToSequence")) return parts(n, count);
  if (n.is("TopK")) return Values(count, size_of(n.output(0), n.attr_or<std::int64_t>("axis", -1)).value_or(1));
  if (n.is("Tile")) return tile_repeats(n, count);
  if (n.is("AffineGrid")) return grid_size(n, count);
  if (n.is("ReverseSequence")) return lengths(n.input(0), n.attr_or<std::int64_t>("time_axis", 0), count);
  return {};
}

}  // namespace

std::vector<std::int64_t> operand_values(const Value& start) {
  const auto count = count_of(start);
  if (!count) return {};
  std::unordered_set<const Value*> seen = {&start};
  std::vector<const Value*> work = {&start};
  while (!work.empty()) {
    const Value* v = work.back();
    work.pop_back();
    for (const Use& u : v->uses()) {
      if (Values r = wanted_at(*u.node, u.index, *count); !r.empty()) return r;
      if ((u.node->is("Cast") || u.node->is("Identity")) && seen.insert(u.node->output(0)).second) work.push_back(u.node->output(0));
    }
  }
  return {};
}

}  // namespace onnxopt
