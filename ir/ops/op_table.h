// The operator table: every version of every operator of ai.onnx, ai.onnx.ml, ai.onnx.preview, ai.onnx.preview.training (generated from the onnx
// package's schema registry by tools/generate_op_table.py) and hand-written rows for com.microsoft operators that real models carry.
#pragma once

#include <span>
#include <string_view>

#include "ir/ops/op_schema.h"

namespace onnxopt {

inline constexpr int kNewestOpset = 28;  // ai.onnx
inline constexpr int kNewestIrVersion = 14;

int newest_opset(std::string_view domain);                   // 28 for "" and "ai.onnx", 5 for ai.onnx.ml, 1 for com.microsoft, ...; 0: unknown domain
std::string_view canonical_domain(std::string_view domain);  // "ai.onnx" -> ""
// What a file that uses a domain without importing it means: 1 for com.microsoft (as ONNX Runtime reads it), else 0, no version.
std::int64_t unimported_version(std::string_view domain);
// Row of `name` in force at opset `version` of `domain`: the newest with since <= version. Null: none.
const OpSchema* find_op(std::string_view domain, std::string_view name, int version);
const OpSchema& op(std::string_view ai_onnx_name);  // the newest row of an ai.onnx op; CHECKs that it exists
const OpSchema* newest_op(std::string_view domain, std::string_view name);
std::span<const OpSchema> all_op_versions();  // sorted by domain, name, since
int ir_version_for_opset(int ai_onnx_opset);  // lowest IR version of the ONNX release that has this opset

}  // namespace onnxopt
