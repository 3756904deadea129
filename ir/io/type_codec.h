// TypeProto to Type and back. Internal to ir/io.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/core/type.h"
#include "ir/io/read_context.h"
#include "ir/io/wire_writer.h"

namespace onnxopt {

// What a TypeProto says beyond Type.
struct TypeNotes {
  std::vector<std::string> dim_denotations;  // of the outermost tensor; empty or one a dim
  std::string denotation;
  // The message itself where Type and the notes above would not give back the same bytes (opaque types, nested denotations, dims such as -1 or
  // "?", unknown fields).
  std::string verbatim;
};

Type read_type(std::string_view message, const ReadContext& ctx, TypeNotes& notes);
// The body of a TypeProto message.
void write_type(WireWriter& out, const Type& type, const SymbolTable& symbols, const TypeNotes& notes = {});

}  // namespace onnxopt
