#include "passes/fusion/conditions.h"

#include <algorithm>

#include "passes/fusion/weights.h"
#include "passes/rewrite/words.h"

namespace onnxopt {

Where scalars_keep_rank(std::string_view x) {
  return {.what = "scalars_keep_rank(" + std::string(x) + ")",
          .holds =
              [x = std::string(x)](const Match& m) {
                const Type& t = m[x]->type;
                const std::int64_t rank = t.has_rank() ? t.rank() : 0;
                for (const Node* n : m.nodes())
                  for (const Value* v : n->inputs())
                    if (v && v->constant() && v->constant()->size() == 1 && v->constant()->rank() > rank) return false;
                return true;
              },
          .names = {std::string(x)}};
}

Where constants_of_exporters_fit(std::string_view x) {
  return {.what = std::string(x) + " is no double",
          .holds = [name = std::string(x)](const Match& m) { return m[name]->type.dtype != DType::float64; },
          .names = {std::string(x)}};
}

Where is_scalar_constant(std::string_view names) {
  Where w{.what = "is_scalar_constant(" + std::string(names) + ")",
          .each = [](const Match& m, std::string_view name) { return !m[name] || scalar_of(m[name], m.context()).has_value(); }};
  for (std::string_view name : split_words(names)) w.names.emplace_back(name);
  return w;
}

std::int64_t static_extent(const Value& v, const Ints& axes) {
  if (!v.type.has_rank()) return 0;
  std::int64_t n = 1;
  for (std::int64_t a : axes) {
    const std::int64_t axis = a < 0 ? a + v.type.rank() : a;
    if (axis < 0 || axis >= v.type.rank() || !(*v.type.shape)[static_cast<std::size_t>(axis)].is_value()) return 0;
    n *= (*v.type.shape)[static_cast<std::size_t>(axis)].value();
  }
  return n;
}

std::optional<Ints> reduce_axes(const Node& reduce, const PassContext& ctx) {
  const Value* x = reduce.input(0);
  if (!x || !x->type.has_rank()) return std::nullopt;
  const std::int64_t rank = x->type.rank();
  Ints axes;
  if (reduce.input(1)) {
    const auto given = ints_of(reduce.input(1), ctx);
    if (!given) return std::nullopt;
    axes = *given;
  }
  if (axes.empty()) {
    if (reduce.attr<std::int64_t>("noop_with_empty_axes") != 0) return std::nullopt;
    for (std::int64_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  for (std::int64_t& a : axes) {
    if (a < 0) a += rank;
    if (a < 0 || a >= rank) return std::nullopt;
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) return std::nullopt;
  return axes;
}

bool are_trailing(const Ints& axes, std::int64_t rank) {
  const auto n = static_cast<std::int64_t>(axes.size());
  for (std::int64_t i = 0; i < n; ++i)
    if (axes[static_cast<std::size_t>(i)] != rank - n + i) return false;
  return n > 0;
}

std::string combine_patterns(const std::vector<std::string_view>& heads, const std::vector<std::string_view>& tails) {
  std::string text;
  for (std::string_view head : heads)
    for (std::string_view tail : tails) {
      if (!text.empty()) text += "\nor\n";
      text.append(head).append("\n").append(tail);
    }
  return text;
}

bool same_shapes(const Value& a, const Value& b, SymbolTable& symbols) {
  if (!a.type.has_rank() || !b.type.has_rank() || a.type.rank() != b.type.rank()) return false;
  for (std::size_t i = 0; i < a.type.shape->size(); ++i) {
    const Dim x = (*a.type.shape)[i], y = (*b.type.shape)[i];
    if (!same(x, y) && !symbols.provably_equal(x, y)) return false;
  }
  return true;
}

bool broadcasts_to(const Value& c, const Value& to, SymbolTable& symbols) {
  if (!c.type.has_rank() || !to.type.has_rank() || c.type.rank() > to.type.rank()) return false;
  const Shape &small = *c.type.shape, &big = *to.type.shape;
  for (std::size_t i = 0; i < small.size(); ++i) {
    const Dim d = small[i], other = big[i + big.size() - small.size()];
    if (!d.is(1) && !same(d, other) && !symbols.provably_equal(d, other)) return false;
  }
  return true;
}

}  // namespace onnxopt
