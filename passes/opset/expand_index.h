// Integers of shapes and indices inside decompositions: numbers where they are known, values of one element where they are not.
#pragma once

#include "passes/opset/expand.h"

namespace onnxopt {

struct Index {
  std::optional<std::int64_t> number;
  Value* value = nullptr;               // int64 [1], where `number` is not known
  Index(std::int64_t n) : number(n) {}  // NOLINT: implicit by design
  explicit Index(Value* v) : value(v) {}
};

Value* vector_of(Expansion& e, const Index& i);                     // int64 [1]
Value* vector_of(Expansion& e, const std::vector<Index>& indices);  // int64 [n]
Value* scalar_of(Expansion& e, const Index& i);                     // int64 []
Index dim_of(Expansion& e, Value* x, std::int64_t axis);            // axis >= 0
std::vector<Index> dims_of(Expansion& e, Value* x);                 // the rank is known
Index add(Expansion& e, const Index& a, const Index& b);
Index sub(Expansion& e, const Index& a, const Index& b);
Index mul(Expansion& e, const Index& a, const Index& b);
Index min(Expansion& e, const Index& a, const Index& b);
Index max(Expansion& e, const Index& a, const Index& b);
Index product(Expansion& e, const std::vector<Index>& of);
// from + size where from < 0: an index counted from the end.
Index wrap(Expansion& e, const Index& from, const Index& size);
// 1-D: from, from + step, ... before `to`.
Value* range(Expansion& e, const Index& from, const Index& to, std::int64_t step = 1);
// Where element indices along `axis` (of Gather- or ScatterElements) point to in the flat `data`: int64, of the indices' shape. The ranks are known.
Value* element_places(Expansion& e, Value* data, Value* indices, std::int64_t axis);
// Element `i` of an integer input of rank 1, constant, known or computed.
Index element(Expansion& e, Value* v, std::int64_t i);

}  // namespace onnxopt
