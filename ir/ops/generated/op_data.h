// Written by tools/generate_op_table.py from the operator schema registries of onnx 1.23.2 and onnxruntime. Do not edit.
// clang-format off
#pragma once
#include <climits>
#include <cstdint>
#include <string_view>
#include "ir/ops/op_schema.h"

namespace onnxopt::op_data {
extern const ParamSpec kParams[1198];
extern const AttrSpec kAttrs[1119];
extern const TypeConstraint kTypes[545];
extern const std::int64_t kInts[3];
extern const std::string_view kStrings[695];
extern const OpSchema kRows[823];
inline constexpr int kRowCount = 823;
inline constexpr std::uint32_t kSlotCount = 1024;
extern const std::uint16_t kSlots[kSlotCount];   // FNV-1a of domain, 0, name; open addressing; first row of the name + 1
// IR version of the first release that has opset (index) of ai.onnx; earlier opsets than the first entry: IR 3.
inline constexpr std::int8_t kIrVersionOfOpset[] = {3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7, 7, 7, 8, 8, 8, 8, 9, 9, 10, 10, 11, 12, 13, 13, 13, 14};
struct DomainVersion { std::string_view domain; int newest; };
inline constexpr DomainVersion kDomains[] = {{"", 28}, {"ai.onnx.ml", 5}, {"ai.onnx.preview", 1}, {"ai.onnx.preview.training", 1}, {"ai.onnx.training", 1}, {"com.microsoft", 1}, {"com.microsoft.nchwc", 1}};
}  // namespace onnxopt::op_data
