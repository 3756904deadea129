// y = Reshape (Transpose (Slice (Reshape (Concat (a, b, c, d)))))   ==>   y = Concat (d, b, c, a)      or Gather, where the source is no Concat
// A few whole numbers that are only moved about: the pads of exporters that are turned from the order of one framework to that of ONNX.
#include <algorithm>
#include <numeric>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

constexpr std::int64_t kMostElements = 64;
constexpr std::size_t kMostSteps = 8, kLeastSteps = 2;

// Elements of a tensor of a few whole numbers; nullopt: it is something else.
std::optional<std::int64_t> few_elements(const Value* v) {
  const Shape* s = shape_of(v);
  if (!s || (v->type.dtype != DType::int64 && v->type.dtype != DType::int32)) return std::nullopt;
  std::int64_t n = 1;
  for (const Dim& d : *s) {
    if (!d.is_value() || d.value() < 1 || d.value() > kMostElements) return std::nullopt;
    n *= d.value();
  }
  return n <= kMostElements ? std::optional(n) : std::nullopt;
}

// Only moves the elements of its first input, by constants.
bool only_moves(const Node& n) {
  if (!n.is("Reshape") && !n.is("Transpose") && !n.is("Slice") && !n.is("Squeeze") && !n.is("Unsqueeze") && !n.is("Flatten")) return false;
  const auto inputs = n.inputs();
  return plain(n) && !n.kept && std::all_of(inputs.begin() + 1, inputs.end(), [](const Value* v) { return v && v->constant(); });
}

Tensor counted(const Value* v, std::int64_t elements) {
  Ints index(static_cast<std::size_t>(elements));
  std::iota(index.begin(), index.end(), std::int64_t{0});
  Dims dims;
  for (const Dim& d : *shape_of(v)) dims.push_back(d.value());
  return Tensor::int64s(index).reshaped(dims);
}

// The inputs of a Concat of rank 1 in another order, constants in pieces; empty: an input would have to be taken apart.
std::vector<Value*> reordered(const Node& concat, const Ints& index, Rewriter& rw) {
  struct Piece {
    Value* from;
    std::int64_t begin, size;
  };
  std::vector<Piece> pieces;
  std::int64_t at = 0;
  for (Value* v : concat.inputs()) {
    const auto size = few_elements(v);
    if (!size || rank_of(v) != 1) return {};
    pieces.push_back({v, at, *size});
    at += *size;
  }
  std::vector<Value*> result;
  for (std::size_t i = 0; i < index.size();) {
    const auto p = std::find_if(pieces.begin(), pieces.end(), [&](const Piece& q) { return index[i] >= q.begin && index[i] < q.begin + q.size; });
    if (p == pieces.end()) return {};
    if (const Tensor* c = p->from->constant()) {
      result.push_back(rw.constant(rw.eval("Gather", {*c, Tensor::int64s({index[i] - p->begin})}), "part"));
      ++i;
      continue;
    }
    for (std::int64_t k = 0; k < p->size; ++k, ++i)
      if (i >= index.size() || index[i] != p->begin + k) return {};
    result.push_back(p->from);
  }
  return result;
}

bool visit(const Node& n, Rewriter& rw) {
  const auto elements = few_elements(n.output());
  if (!elements || !only_moves(n)) return no(rw, "not a few whole numbers that are moved");
  const Value* y = n.output();
  if (y->used_once() && y->uses()[0].index == 0 && y->uses()[0].node->graph() == n.graph() && only_moves(*y->uses()[0].node))
    return no(rw, "what follows moves them too");
  std::vector<const Node*> steps{&n};
  Value* source = n.input(0);
  for (const Node* made = source->producer(); made && made->graph() == n.graph() && source->used_once() && only_moves(*made) && few_elements(source);
       made = source->producer()) {
    if (steps.size() == kMostSteps) return no(rw, "too many steps");
    steps.push_back(made);
    source = made->input(0);
  }
  const auto of = few_elements(source);
  if (!of || source->constant()) return no(rw, "not a few whole numbers that are moved");
  const bool mixes = std::any_of(steps.begin(), steps.end(), [](const Node* s) { return s->is("Transpose") || s->is("Slice"); });
  if (steps.size() < kLeastSteps || !mixes || rank_of(source) != 1) return no(rw, "too few steps");
  Tensor index = counted(source, *of);
  for (std::size_t i = steps.size(); i-- > 0;) {
    std::vector<Tensor> in{index};
    for (std::size_t k = 1; k < steps[i]->inputs().size(); ++k) in.push_back(*steps[i]->input(k)->constant());
    index = rw.eval(steps[i]->op().name, std::move(in), steps[i]->attrs());
  }
  for (const Node* s : steps)
    if (s != &n) rw.consume(*s);
  const auto values = index.data<std::int64_t>();
  const Node* concat = source->used_once() && rank_of(n.output()) == 1 ? made_by(source, "Concat") : nullptr;
  if (concat && !concat->kept && plain(*concat) && concat->graph() == n.graph()) {
    if (auto in = reordered(*concat, Ints(values.begin(), values.end()), rw); !in.empty()) {
      rw.consume(*concat);
      return becomes(n, rw, rw.op("Concat", std::move(in), {Attribute("axis", std::int64_t{0})}));
    }
  }
  return becomes(n, rw, rw.op("Gather", {source, rw.constant(index, "index")}, {Attribute("axis", std::int64_t{0})}));
}

}  // namespace

NodeRule merge_moves() {
  return {"merge-moves", "One Concat or Gather for a few whole numbers that are moved about", "Reshape Transpose Slice Squeeze", Level::o1, visit};
}

}  // namespace onnxopt
