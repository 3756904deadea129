// Forms that newer versions dropped, and attributes that older ones lack, of operators that fit no family.
#include <algorithm>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"

namespace onnxopt::expand_fn {

// Depth in front of the block (CRD) came with opset 11.
std::string depth_to_space(Expansion& e) {
  const auto rank = e.rank(0);
  const std::int64_t r = e.integer("blocksize", 0);
  if ((rank && *rank != 4) || r <= 0 || r > 1 << 30) return kOtherReason;
  const Shape* s = e.shape(0);
  const bool one_unknown = s && std::ranges::count_if(*s, [](const Dim& d) { return !d.is_value(); }) == 1;
  std::vector<Index> d;
  for (std::int64_t k = 0; k < 4; ++k) {  // the operator takes four dims, also where inference does not know them
    if (one_unknown && !(*s)[static_cast<std::size_t>(k)].is_value()) d.emplace_back(-1);
    else d.push_back(rank ? dim_of(e, e.in(0), k) : Index(e.slice(e.shape_value(e.in(0)), k, k + 1, 0)));
  }
  const auto times = [&](const Index& i) { return i.number == -1 ? i : mul(e, i, r); };
  const Index depth = d[1].number == -1 ? d[1] : d[1].number ? Index(*d[1].number / (r * r)) : Index(e.div(d[1].value, e.ints({r * r}, "block")));
  const bool crd = e.text("mode", "DCR") == "CRD";
  Value* x = e.op("Reshape", {e.in(0), vector_of(e, crd ? std::vector<Index>{d[0], depth, Index(r), Index(r), d[2], d[3]}
                                                        : std::vector<Index>{d[0], Index(r), Index(r), depth, d[2], d[3]})});
  x = e.transpose(x, crd ? Ints{0, 1, 4, 2, 5, 3} : Ints{0, 3, 4, 1, 5, 2});
  e.result(0, e.op("Reshape", {x, vector_of(e, {d[0], depth, times(d[2]), times(d[3])})}));
  return "";
}

// Experimental operators of opset 1.
std::string affine(Expansion& e) {
  const DType t = e.dtype(0);
  if (t != DType::float32 && t != DType::float16 && t != DType::float64) return "the type of the input is not known";
  e.result(0, e.add(e.mul(e.in(0), e.scalar(t, e.real("alpha", 1))), e.scalar(t, e.real("beta", 0))));
  return "";
}
// Never in a release's schemas, and yet in files of opsets 6 and 7.
std::string constant_fill(Expansion& e) {
  const DType t = static_cast<DType>(e.integer("dtype", 1));
  const auto value = float_scalar(t, e.real("value", 0));
  if (!value || e.integers("extra_shape") || !e.has(0)) return "no decomposition: ConstantFill of this form";
  Value* shape = e.integer("input_as_shape", 0) != 0 ? e.in(0) : e.shape_value(e.in(0));
  e.result(0, e.op("ConstantOfShape", {e.cast(shape, DType::int64)}, {{"value", value->reshaped({1})}}));
  return "";
}
std::string crop(Expansion& e) {
  const Ints* border = e.integers("border");
  if (!border || border->size() != 4) return "no decomposition: border";
  const std::int64_t left = (*border)[0], top = (*border)[1], right = (*border)[2], bottom = (*border)[3];
  const Ints* scale = e.integers("scale");
  const auto end = [](std::int64_t from, std::int64_t size, std::int64_t cut) { return size > 0 ? from + size : cut == 0 ? INT64_MAX : -cut; };
  const std::int64_t h = scale && scale->size() == 2 ? (*scale)[0] : 0, w = scale && scale->size() == 2 ? (*scale)[1] : 0;
  e.result(
      0, e.op("Slice", {e.in(0), e.ints({top, left}, "starts"), e.ints({end(top, h, bottom), end(left, w, right)}, "ends"), e.ints({2, 3}, "axes")}));
  return "";
}

}  // namespace onnxopt::expand_fn
