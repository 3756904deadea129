// s = SplitToSequence (x, sizes);  a = SequenceAt (s, 0);  b = SequenceAt (s, 1)  ==>  a, b = Split (x, sizes)
// without sizes, and keepdims = 0:                                               ==>  a = Gather (x, 0);  b = Gather (x, 1)
#include <algorithm>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kMostParts = 256;

// The sizes of the parts; nullopt: not known, or too many.
std::optional<Ints> part_sizes(const Node& n, Dim along) {
  const Value* split = n.input(1);
  if (split && rank_of(split) == 1) {
    auto sizes = known_ints(split);
    const bool fits = sizes && !sizes->empty() && static_cast<std::int64_t>(sizes->size()) <= kMostParts;
    return fits && std::all_of(sizes->begin(), sizes->end(), [](std::int64_t s) { return s >= 0; }) ? sizes : std::nullopt;
  }
  const auto chunk = split ? known_int(split) : std::optional<std::int64_t>(1);
  if (!chunk || *chunk < 1 || (split && rank_of(split) != 0) || !along.is_value() || along.value() < 1) return std::nullopt;
  const std::int64_t parts = (along.value() - 1) / *chunk + 1;
  if (parts > kMostParts) return std::nullopt;
  Ints sizes(static_cast<std::size_t>(parts), *chunk);
  sizes.back() = along.value() - (parts - 1) * *chunk;
  return sizes;
}

bool visit(const Node& n, Rewriter& rw) {
  const Shape* s = shape_of(n.input(0));
  const auto axis = s && plain(n) ? normalize_axis(n.attr<std::int64_t>("axis"), static_cast<std::int64_t>(s->size())) : std::nullopt;
  if (!axis) return no(rw, "the rank or the axis is not known");
  const auto sizes = part_sizes(n, (*s)[static_cast<std::size_t>(*axis)]);
  if (!sizes) return no(rw, "the sizes of the parts are not known");
  const Value* sequence = n.output();
  if (sequence->is_graph_output()) return no(rw, "something else reads the sequence");
  const auto count = static_cast<std::int64_t>(sizes->size());
  std::vector<std::pair<const Node*, std::int64_t>> reads;
  for (const Use& u : sequence->uses()) {
    const Node& at = *u.node;
    if (!at.is("SequenceAt") || u.index != 0 || at.kept || at.graph() != n.graph()) return no(rw, "something else reads the sequence");
    auto index = known_int(at.input(1));
    if (!index) return no(rw, "which part is read is not known");
    if (*index < 0) *index += count;
    if (*index < 0 || *index >= count) return no(rw, "there is no such part");
    reads.emplace_back(&at, *index);
  }
  const bool drops_axis = !n.input(1) && n.attr<std::int64_t>("keepdims") == 0;
  std::vector<Value*> parts;
  if (!drops_axis) parts = rw.op_n("Split", {n.input(0), rw.constant(Tensor::int64s(*sizes), "split")}, {Attribute("axis", *axis)}, sizes->size());
  for (const auto& [at, index] : reads) {
    rw.consume(*at);
    Value* part = drops_axis ? rw.op("Gather", {n.input(0), rw.constant(Tensor::scalar(index), "index")}, {Attribute("axis", *axis)})
                             : parts[static_cast<std::size_t>(index)];
    rw.replace(at->output(), part);
  }
  return !reads.empty();
}

}  // namespace

NodeRule convert_split_to_sequence() {
  return {"convert-split-to-sequence", "Split for a SplitToSequence whose parts are read one by one", "SplitToSequence", Level::o1, visit};
}

}  // namespace onnxopt
