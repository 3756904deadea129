#include "verify/compare/input_uses.h"

#include <algorithm>
#include <deque>
#include <unordered_set>

#include "ir/core/element.h"

namespace onnxopt {

namespace {

// A step of integer ids from an input towards the table that they index: these ops hand elements through unchanged.
bool passes_elements(const Node& n, std::uint32_t input) {
  if (input != 0) return n.is("Concat");
  return n.is("Cast") || n.is("Identity") || n.is("Reshape") || n.is("Unsqueeze") || n.is("Squeeze") || n.is("Flatten") || n.is("Transpose") ||
         n.is("Slice") || n.is("Concat") || n.is("Expand") || n.is("Tile") || n.is("Split") || n.is("Gather");
}

// True as soon as visit(use) is, of the uses of `start` and of the values that its elements reach unchanged.
template <class Visit>
bool any_use(const Value& start, Visit&& visit) {
  constexpr std::size_t kMostValues = 256;
  std::unordered_set<const Value*> seen = {&start};
  std::deque<const Value*> work = {&start};
  while (!work.empty() && seen.size() < kMostValues) {
    const Value* v = work.front();
    work.pop_front();
    for (const Use& u : v->uses()) {
      if (visit(u)) return true;
      if (!passes_elements(*u.node, u.index)) continue;
      for (const Value* out : u.node->outputs())
        if (out && seen.insert(out).second) work.push_back(out);
    }
  }
  return false;
}

// The size of the axis that this use indexes; 0: it is no index, or the size is not known.
std::int64_t indexed_size(const Use& u) {
  const Node& n = *u.node;
  if (u.index != 1 || !(n.is("Gather") || n.is("GatherElements")) || !n.input(0) || !n.input(0)->type.has_rank()) return 0;
  const Type& data = n.input(0)->type;
  std::int64_t axis = n.attr_or<std::int64_t>("axis", 0);
  if (axis < 0) axis += data.rank();
  if (axis < 0 || axis >= data.rank()) return 0;
  const Dim& d = (*data.shape)[static_cast<std::size_t>(axis)];
  return d.is_value() ? d.value() : 0;
}

bool is_scalar_constant(const Value* v, double wanted) {
  const Tensor* t = v ? v->constant() : nullptr;
  return t && t->size() == 1 && (is_float(t->dtype()) || is_integer(t->dtype())) && load_element<double>(t->dtype(), t->bytes().data(), 0) == wanted;
}

// The role that a value keeps, swaps or loses through this use of it.
DivisorRole role_behind(DivisorRole role, const Use& u) {
  const Node& n = *u.node;
  if (n.is("Reciprocal") || (n.is("Div") && u.index == 1)) return role == DivisorRole::factor ? DivisorRole::divides : DivisorRole::factor;
  if (n.is("Mul") || n.is("Div") || n.is("Neg") || n.is("Abs") || passes_elements(n, u.index)) return role;
  return n.is("Floor") || n.is("Ceil") || n.is("Round") ? role : DivisorRole::none;
}

}  // namespace

std::int64_t index_limit(const Value& start) {
  std::int64_t limit = 0;
  any_use(start, [&](const Use& u) {
    if (const std::int64_t size = indexed_size(u); size > 0) limit = limit == 0 ? size : std::min(limit, size);
    return false;
  });
  return limit;
}

bool is_flag(const Value& start) {
  return any_use(start, [](const Use& u) {
    const Node& n = *u.node;
    if (n.is("Sub") && u.index == 1 && is_scalar_constant(n.input(0), 1)) return true;
    if (n.is("Equal") && is_scalar_constant(n.input(1 - u.index), 0)) return true;
    return n.is("Cast") && n.output(0)->type.dtype == DType::boolean;
  });
}

// A factor wins over the other role: it is what a cast to integers makes 0.
DivisorRole divisor_role(const Value& start) {
  constexpr std::size_t kMostValues = 256;
  std::unordered_set<const Value*> factors = {&start}, divisors;  // values that `start` is a factor of, and that are divided by it
  std::deque<std::pair<const Value*, DivisorRole>> work = {{&start, DivisorRole::factor}};
  DivisorRole found = DivisorRole::none;
  while (!work.empty() && factors.size() + divisors.size() < kMostValues) {
    const auto [v, role] = work.front();
    work.pop_front();
    for (const Use& u : v->uses()) {
      const Node& n = *u.node;
      if (u.index == 1 && (n.is("Div") || n.is("Mod")) && is_integer(v->type.dtype)) found = std::max(found, role);
      const DivisorRole next = role_behind(role, u);
      if (next == DivisorRole::none) continue;
      for (const Value* out : n.outputs())
        if (out && (next == DivisorRole::factor ? factors : divisors).insert(out).second) work.emplace_back(out, next);
    }
  }
  return found;
}

}  // namespace onnxopt
