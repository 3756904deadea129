// Gathering and scattering by index tuples, through flat indices.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {
namespace {

std::optional<std::int64_t> last_dim(const Expansion& e, std::size_t i) {
  const Shape* s = e.shape(i);
  return s && !s->empty() && s->back().is_value() ? std::optional(s->back().value()) : std::nullopt;
}

// Index tuples (last axis, `count` long) of the leading axes of `data` as flat int64 indices; the last axis stays, with size 1.
Value* flat_indices(Expansion& e, Value* data, Value* indices, std::int64_t count, std::int64_t indices_rank) {
  Value* flat = nullptr;
  for (std::int64_t k = 0; k < count; ++k) {
    Value* one = count == 1 ? indices : e.slice(indices, k, k + 1, indices_rank - 1);
    const Index size = dim_of(e, data, k);
    const Tensor* known = indices->constant();
    const bool positive =
        known && known->dtype() == DType::int64 && std::ranges::all_of(known->data<std::int64_t>(), [](std::int64_t i) { return i >= 0; });
    if (!positive) {
      Value* negative = e.cast(e.op("Less", {one, e.index(0)}), DType::int64);
      one = e.add(one, e.mul(negative, vector_of(e, size)));
    }
    flat = flat ? e.add(e.mul(flat, vector_of(e, size)), one) : one;
  }
  return flat;
}

}  // namespace

std::string gather_nd(Expansion& e) {
  const auto count = last_dim(e, 1);
  const auto rank = e.rank(0), indices_rank = e.rank(1);
  if (!count || !rank || !indices_rank) return "the shapes of data and indices are not known";
  if (*count == 0) return "no decomposition: index tuples of no elements";
  if (const std::int64_t shared = e.integer("batch_dims", 0); shared != 0) {  // the index tuples begin with their own place
    if (shared < 0 || shared >= *indices_rank) return "no decomposition: batch_dims";
    std::vector<Index> dims = dims_of(e, e.in(1));
    dims.back() = 1;
    std::vector<Value*> tuple;
    for (std::int64_t k = 0; k < shared; ++k) {
      Ints along(static_cast<std::size_t>(*indices_rank), 1);
      along[static_cast<std::size_t>(k)] = -1;
      tuple.push_back(e.op("Expand", {e.reshape(range(e, 0, dims[static_cast<std::size_t>(k)]), along), vector_of(e, dims)}));
    }
    tuple.push_back(e.in(1));
    e.result(0, e.op("GatherND", {e.in(0), e.concat(std::move(tuple), *indices_rank - 1)}));
    return "";
  }
  Value* flat = e.squeeze(flat_indices(e, e.in(0), e.in(1), *count, *indices_rank), {*indices_rank - 1});
  if (*count == 1) {
    e.result(0, e.op("Gather", {e.in(0), flat}, {{"axis", std::int64_t{0}}}));
    return "";
  }
  std::vector<Index> dims{-1};
  for (std::int64_t k = *count; k < *rank; ++k) dims.push_back(dim_of(e, e.in(0), k));
  Value* rows = e.op("Reshape", {e.in(0), vector_of(e, dims)});
  e.result(0, e.op("Gather", {rows, flat}, {{"axis", std::int64_t{0}}}));
  return "";
}

// Before opset 11 Scatter took element indices; whole slices are spread over them.
std::string scatter_nd(Expansion& e) {
  if (e.opset() < 9 || e.text("reduction", "none") != "none") {
    const std::string why = scatter_nd_known(e);
    if (why != kOtherReason) return why;
  }
  const auto count = last_dim(e, 1);
  const auto rank = e.rank(0), indices_rank = e.rank(1);
  if (!count || !rank || !indices_rank) return "the shapes of data and indices are not known";
  if (*count == 0) return "no decomposition: index tuples of no elements";
  const std::string reduction = e.text("reduction", "none");
  if (e.opset() < 9 && reduction == "none") {
    const std::vector<Index> all = dims_of(e, e.in(0));
    const Index places = product(e, {all.begin(), all.begin() + *count}), width = product(e, {all.begin() + *count, all.end()});
    const auto rows_of = [&](Value* v) { return e.op("Reshape", {v, vector_of(e, {Index(-1), width})}); };
    Value* at = e.reshape(flat_indices(e, e.in(0), e.in(1), *count, *indices_rank), {-1});
    return scatter_by_comparing(e, rows_of(e.in(0)), rows_of(e.in(2)), places, at);
  }
  std::vector<Index> dims = dims_of(e, e.in(0));
  const Index slice = product(e, {dims.begin() + *count, dims.end()});
  Value* rows = e.op("Reshape", {e.in(0), vector_of(e, {Index(-1), slice})});
  Value* flat = e.reshape(flat_indices(e, e.in(0), e.in(1), *count, *indices_rank), {-1, 1});
  Value* updates = e.op("Reshape", {e.in(2), vector_of(e, {Index(-1), slice})});
  if (reduction != "none") return scatter_in_rounds(e, rows, updates, e.reshape(flat, {-1}), reduction);
  Value* indices = e.op("Expand", {flat, e.shape_value(updates)});
  Value* y = e.op("ScatterElements", {rows, indices, updates}, {{"axis", std::int64_t{0}}});
  e.result(0, e.reshape_like(y, e.in(0)));
  return slice.number == 0 ? "no decomposition: empty slices" : "";
}

// Element indices: each stands for a place in the flat tensor.
std::string gather_elements(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || *rank == 0) return "the rank of the input is not known";
  std::int64_t axis = e.integer("axis", 0);
  axis += axis < 0 ? *rank : 0;
  Value* flat = element_places(e, e.in(0), e.in(1), axis);
  e.result(0, e.op("Gather", {e.reshape(e.in(0), {-1}), flat}, {{"axis", std::int64_t{0}}}));
  return "";
}

// Before opset 9: compared with 0, 1, ... depth - 1.
std::string one_hot(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank) return "the rank of the input is not known";
  const auto stated = e.constant(1) ? scalar_value(*e.constant(1)) : std::nullopt;
  const Index depth = stated ? Index(static_cast<std::int64_t>(*stated)) : Index(e.reshape(e.cast(e.in(1), DType::int64), {1}));
  std::int64_t axis = e.integer("axis", -1);
  axis += axis < 0 ? *rank + 1 : 0;
  Value* at = e.cast(e.in(0), DType::int64);
  Value* negative = e.cast(e.op("Less", {at, e.index(0)}), DType::int64);
  at = e.unsqueeze(e.add(at, e.mul(negative, vector_of(e, depth))), {axis});
  Ints dims(static_cast<std::size_t>(*rank) + 1, 1);
  dims[static_cast<std::size_t>(axis)] = -1;
  Value* hot = e.op("Equal", {at, e.reshape(range(e, 0, depth), dims)});
  e.result(0, e.op("Where", {hot, e.slice(e.in(2), 1, 2, 0), e.slice(e.in(2), 0, 1, 0)}));
  return "";
}

// The first len elements of a line backwards: element t comes from len - 1 - t, the others from where they are.
std::string reverse_sequence(Expansion& e) {
  const auto rank = e.rank(0);
  const std::int64_t time = e.integer("time_axis", 0), batch = e.integer("batch_axis", 1);
  if (!rank || *rank < 2 || time + batch != 1 || time * batch != 0) return "the rank of the input is not known";
  const Index steps = dim_of(e, e.in(0), time), count = dim_of(e, e.in(0), batch);
  Value* t = e.unsqueeze(range(e, 0, steps), {batch});
  Value* length = e.unsqueeze(e.cast(e.in(1), DType::int64), {time});
  Value* within = e.cast(e.op("Less", {t, length}), DType::int64);
  Value* mirrored = e.sub(e.sub(length, e.index(1)), e.mul(t, e.index(2)));  // less t
  Value* from = e.add(t, e.mul(within, mirrored));
  Value* line = e.unsqueeze(range(e, 0, count), {time});
  Value* flat = time == 0 ? e.add(e.mul(from, vector_of(e, count)), line) : e.add(e.mul(line, vector_of(e, steps)), from);
  std::vector<Index> dims = dims_of(e, e.in(0));
  dims.erase(dims.begin());
  dims[0] = -1;
  Value* rows = e.op("Reshape", {e.in(0), vector_of(e, dims)});
  e.result(0, e.op("Gather", {rows, flat}, {{"axis", std::int64_t{0}}}));
  return "";
}

// Where the column is the row and k more.
std::string eye_like(Expansion& e) {
  if (e.rank(0) != 2) return "the rank of the input is not known";
  const std::int64_t stated = e.integer("dtype", 0);
  const DType t = stated != 0 ? static_cast<DType>(stated) : e.dtype(0);
  if (t == DType::undefined) return "the type of the input is not known";
  Value* rows = e.unsqueeze(range(e, 0, dim_of(e, e.in(0), 0)), {1});
  Value* columns = e.unsqueeze(range(e, 0, dim_of(e, e.in(0), 1)), {0});
  Value* on = e.op("Equal", {e.add(rows, e.index(e.integer("k", 0))), columns});
  e.result(0, e.op("Cast", {on}, {{"to", static_cast<std::int64_t>(t)}}));
  return "";
}

}  // namespace onnxopt::expand_fn
