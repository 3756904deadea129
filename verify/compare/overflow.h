// Groups that spell out what one operator computes without overflowing (Log (1 + Exp (x)) for Softplus) give infinities where the operator gives
// numbers. Such elements say nothing against a rewrite: what is wrong there is the original.
#pragma once

#include <optional>
#include <unordered_set>
#include <vector>

#include "verify/exec/executor.h"

namespace onnxopt {

// A tap (Executor::Tap) that sees whether some operator without poles makes an infinity of finite numbers.
class OverflowWatch {
 public:
  // `inputs`: what is fed to `values`.
  OverflowWatch(const std::vector<Value*>& values, const std::vector<RtValue>& inputs);
  void operator()(const Value& value, const RtValue& computed);
  bool seen() const { return seen_; }

 private:
  bool finite(const Value& v) const;
  std::unordered_set<const Value*> not_finite_;  // looked up only
  bool seen_ = false;
};

// `value` with the reference's element wherever only the reference's is not finite; nullopt: there is none, or they are no float tensors of one
// shape.
std::optional<RtValue> beside_overflow(const RtValue& reference, const RtValue& value);

}  // namespace onnxopt
