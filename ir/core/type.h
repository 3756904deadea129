// Type of a value: tensor, sparse tensor, sequence, optional, map or opaque (TypeProto), with symbolic shapes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/core/dtype.h"
#include "ir/core/symbol.h"
#include "ir/core/tensor.h"

namespace onnxopt {

using Shape = std::vector<Dim>;

struct Type {
  enum class Kind : std::uint8_t { unknown, tensor, sparse_tensor, sequence, optional, map, opaque };
  Kind kind = Kind::unknown;
  DType dtype = DType::undefined;    // element type; for a map: the key type
  std::optional<Shape> shape;        // tensor, sparse tensor; nullopt: unknown rank
  std::shared_ptr<const Type> elem;  // sequence, optional: element; map: value type

  static Type tensor(DType t) {
    Type r;
    r.kind = Kind::tensor;
    r.dtype = t;
    return r;
  }
  static Type tensor(DType t, Shape s) {
    Type r = tensor(t);
    r.shape = std::move(s);
    return r;
  }
  static Type tensor(DType t, const Dims& d) { return tensor(t, Shape(d.begin(), d.end())); }
  static Type sequence(Type e) {
    Type r;
    r.kind = Kind::sequence;
    r.elem = std::make_shared<const Type>(std::move(e));
    return r;
  }
  static Type optional(Type e) {
    Type r;
    r.kind = Kind::optional;
    r.elem = std::make_shared<const Type>(std::move(e));
    return r;
  }

  bool is_tensor() const { return kind == Kind::tensor; }
  bool has_rank() const { return shape.has_value(); }
  std::int64_t rank() const { return static_cast<std::int64_t>(shape->size()); }  // only if has_rank()
  bool is_static() const;                                                         // a tensor whose dims are all numbers
  Dims static_dims() const;                                                       // CHECKs is_static()
};
bool operator==(const Type& a, const Type& b);

}  // namespace onnxopt
