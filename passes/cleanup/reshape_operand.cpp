#include "passes/cleanup/reshape_operand.h"

namespace onnxopt {

std::optional<Ints> reshape_operand(const Shape& out, const Value* in, SymbolTable& symbols, const DimList* given) {
  const Shape* from = shape_of(in);
  Ints r;
  std::optional<std::size_t> rest;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Dim d = out[i];
    const bool copies = from && i < from->size() && same(d, (*from)[i]);
    if (d.is_value() && d.value() > 0) r.push_back(d.value());
    else if (copies) r.push_back(0);
    else if (d.is_value() || rest) return std::nullopt;  // a zero that cannot be copied, or a second unknown
    else {
      rest = i;
      r.push_back(-1);
    }
  }
  if (!rest) return r;
  if (given && given->size() == out.size() && (*given)[*rest].is(-1)) return r;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (i != *rest && !at_least_one(out[i], symbols)) return std::nullopt;
  return r;
}

std::optional<Ints> inserted_ones(const Shape& from, const Shape& to) {
  Ints axes;
  std::size_t matched = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (matched < from.size() && same(from[matched], to[i])) ++matched;
    else if (to[i].is(1)) axes.push_back(static_cast<std::int64_t>(i));
    else return std::nullopt;
  }
  return matched == from.size() ? std::optional<Ints>(axes) : std::nullopt;
}

Value* before_reshape(const Value* v) {
  for (const char* op : {"Reshape", "Unsqueeze", "Squeeze", "Flatten"})
    if (const Node* n = made_by(v, op)) return n->input(0);
  return nullptr;
}

bool same_after_reshape(const Value* in, const Value* out) {
  const Shape *a = shape_of(in), *b = shape_of(out);
  if (!a || !b || a->size() != b->size()) return false;
  int different = 0;
  for (std::size_t i = 0; i < a->size(); ++i)
    if (!same((*a)[i], (*b)[i])) {
      ++different;
      if (((*a)[i].is_value() && (*b)[i].is_value()) || (*a)[i].is(0) || (*b)[i].is(0)) return false;
    }
  if (different > 1) return false;
  SymbolTable& symbols = in->graph()->model().symbols();
  for (std::size_t i = 0; different == 1 && i < a->size(); ++i)
    if (same((*a)[i], (*b)[i]) && !at_least_one((*a)[i], symbols)) return false;
  return true;
}

}  // namespace onnxopt
