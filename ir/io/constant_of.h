// The value of a Constant node.
#pragma once

#include "ir/core/attribute.h"

namespace onnxopt {

// The tensor that a Constant node with these attributes gives. No tensor: an attribute without a value of its own (a reference), or a form that has
// to stay a node (a sparse one).
Tensor constant_of(const Attrs& attrs);

}  // namespace onnxopt
