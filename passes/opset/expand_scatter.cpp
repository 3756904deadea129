// Scattering to places that are known: what every place of the result comes from is a table, and one Gather does it.
#include <algorithm>
#include <unordered_set>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

constexpr std::int64_t kMostRows = std::int64_t{1} << 20;

std::optional<Ints> elements(const Tensor* t) {
  if (!t || (t->dtype() != DType::int64 && t->dtype() != DType::int32)) return std::nullopt;
  Ints r;
  if (t->dtype() == DType::int64) r.assign(t->data<std::int64_t>().begin(), t->data<std::int64_t>().end());
  else r.assign(t->data<std::int32_t>().begin(), t->data<std::int32_t>().end());
  return r;
}

std::optional<std::int64_t> volume(const Shape& s, std::size_t from, std::size_t to) {
  std::int64_t n = 1;
  for (std::size_t i = from; i < to; ++i) {
    if (!s[i].is_value() || s[i].value() <= 0 || n > kMostRows) return std::nullopt;
    n *= s[i].value();
  }
  return n;
}

// `rows` of data and one row of updates for each of `places`, both 2-D; the later update of a place wins.
std::string put_rows(Expansion& e, Value* data, Value* updates, std::int64_t rows, const Ints& places, const std::string& reduction) {
  if (reduction != "none") {
    const std::unordered_set<std::int64_t> distinct(places.begin(), places.end());
    if (distinct.size() != places.size()) return scatter_in_rounds(e, data, updates, e.ints(places, "places"), reduction);
    const char* op = reduction == "add" ? "Add" : reduction == "mul" ? "Mul" : reduction == "max" ? "Max" : "Min";
    updates = e.op(op, {e.op("Gather", {data, e.ints(places, "places")}, {{"axis", std::int64_t{0}}}), updates});
  }
  Ints from;
  for (std::int64_t i = 0; i < rows; ++i) from.push_back(i);
  for (std::size_t k = 0; k < places.size(); ++k) from[static_cast<std::size_t>(places[k])] = rows + static_cast<std::int64_t>(k);
  Value* all = e.concat({data, updates}, 0);
  Value* y = e.op("Gather", {all, e.ints(from, "sources")}, {{"axis", std::int64_t{0}}});
  e.result(0, e.reshape_like(y, e.in(0)));
  return "";
}

}  // namespace

// Places that are computed, where there is no Scatter yet: every row looks which update points to it, the last of them.
std::string scatter_by_comparing(Expansion& e, Value* data, Value* updates, const Index& rows, Value* places) {
  constexpr std::int64_t kMostCompared = std::int64_t{1} << 27;
  const Shape* s = Expansion::shape_of(places);
  if (s && (*s)[0].is_value() && rows.number && (*s)[0].value() * *rows.number > kMostCompared) return "no decomposition: too many computed indices";
  Value* asked = e.unsqueeze(e.concat({e.ints({-1}, "nowhere"), places}, 0), {0});
  Value* counted = e.cast(range(e, 0, add(e, dim_of(e, places, 0), 1)), DType::float32);
  Value* own = range(e, 0, rows);
  Value* points = e.cast(e.op("Equal", {e.unsqueeze(own, {1}), asked}), DType::float32);
  Value* last = e.op("ArgMax", {e.mul(points, counted)}, {{"axis", std::int64_t{1}}, {"keepdims", std::int64_t{0}}});  // 0: none points there
  Value* some = e.cast(e.cast(last, DType::boolean), DType::int64);
  Value* update = e.add(last, vector_of(e, sub(e, rows, 1)));
  Value* from = e.add(own, e.mul(some, e.sub(update, own)));
  Value* y = e.op("Gather", {e.concat({data, updates}, 0), from}, {{"axis", std::int64_t{0}}});
  e.result(0, e.reshape_like(y, e.in(0)));
  return "";
}

std::string scatter_nd_known(Expansion& e) {
  const auto at = elements(e.constant(1));
  const Shape *data = e.shape(0), *indices = e.shape(1);
  if (!at || !data || !indices || indices->empty() || !indices->back().is_value()) return kOtherReason;
  const std::size_t depth = static_cast<std::size_t>(indices->back().value());
  if (depth == 0 || depth > data->size()) return kOtherReason;
  const auto rows = volume(*data, 0, depth);
  if (!rows || *rows > kMostRows || at->empty()) return kOtherReason;
  Ints places;
  for (std::size_t i = 0; i < at->size(); i += depth) {
    std::int64_t place = 0;
    for (std::size_t k = 0; k < depth; ++k) {
      const std::int64_t size = (*data)[k].value(), one = (*at)[i + k] + ((*at)[i + k] < 0 ? size : 0);
      if (one < 0 || one >= size) return "no decomposition: an index out of range";
      place = place * size + one;
    }
    places.push_back(place);
  }
  const auto count = static_cast<std::int64_t>(places.size());
  return put_rows(e, e.reshape(e.in(0), {*rows, -1}), e.reshape(e.in(2), {count, -1}), *rows, places, e.text("reduction", "none"));
}

std::string scatter_elements(Expansion& e) {
  const auto at = elements(e.constant(1));
  const Shape *data = e.shape(0), *indices = e.shape(1);
  if (!at && e.opset() < 9 && data && !data->empty() && e.text("reduction", "none") == "none") {
    const std::int64_t axis = e.integer("axis", 0) + (e.integer("axis", 0) < 0 ? static_cast<std::int64_t>(data->size()) : 0);
    Value* places = e.reshape(element_places(e, e.in(0), e.in(1), axis), {-1});
    const Index all = product(e, dims_of(e, e.in(0)));
    return scatter_by_comparing(e, e.reshape(e.in(0), {-1}), e.reshape(e.in(2), {-1}), all, places);
  }
  if (!data || !indices || data->empty() || indices->size() != data->size()) return "the rank of the input is not known";
  const auto total = volume(*data, 0, data->size());
  if (!at || !total || *total > kMostRows || at->empty()) {
    const std::string reduction = e.text("reduction", "none");
    if (reduction == "none") return kOtherReason;
    const std::int64_t axis = e.integer("axis", 0) + (e.integer("axis", 0) < 0 ? static_cast<std::int64_t>(data->size()) : 0);
    Value* places = e.reshape(element_places(e, e.in(0), e.in(1), axis), {-1});
    return scatter_in_rounds(e, e.reshape(e.in(0), {-1, 1}), e.reshape(e.in(2), {-1, 1}), places, reduction);
  }
  std::int64_t axis = e.integer("axis", 0);
  axis += axis < 0 ? static_cast<std::int64_t>(data->size()) : 0;
  Ints places, index(indices->size(), 0);
  for (const std::int64_t v : *at) {
    std::int64_t place = 0;
    for (std::size_t k = 0; k < data->size(); ++k) {
      const std::int64_t size = (*data)[k].value();
      const std::int64_t one = static_cast<std::int64_t>(k) != axis ? index[k] : v + (v < 0 ? size : 0);
      if (one < 0 || one >= size) return "no decomposition: an index out of range";
      place = place * size + one;
    }
    places.push_back(place);
    for (std::size_t k = index.size(); k-- > 0;) {
      if (++index[k] < (*indices)[k].value()) break;
      index[k] = 0;
    }
  }
  return put_rows(e, e.reshape(e.in(0), {-1, 1}), e.reshape(e.in(2), {-1, 1}), *total, places, e.text("reduction", "none"));
}

}  // namespace onnxopt::expand_fn
