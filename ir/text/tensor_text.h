// Constant data in text: `{1, 2, 3}`, and the string pairs that start with a location of ours (docs/text-format.md):
// @uniform @normal @iota @fill (synthetic), @raw (base64), @any and @elided (placeholders without data).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ir/core/tensor.h"
#include "ir/text/lexer.h"

namespace onnxopt::text {

inline constexpr std::string_view kLocationAny = "@any", kLocationElided = "@elided";

// What bounds the memory that a text can ask for beyond its own length.
struct DataLimits {
  bool placeholders = false;  // accept @any and @elided
  std::uint64_t synthetic_bytes_left = 0;
};

// At '{' or '['. Throws Error(bad_input) with the position.
Tensor parse_tensor_data(Lexer& lex, DType dtype, const Dims& dims, DataLimits& limits);
// The value of one element of synthetic data, by its location; `pairs` as in the text. Error(bad_input) on unknown keys.
Tensor synthetic_tensor(DType dtype, const Dims& dims, const StringPairs& pairs);

// Placeholders carry no data of their own (zeros); these say so. "" for ordinary tensors, else the location.
std::string_view placeholder(const Tensor& t);
// Content digest in @elided: SHA-256 of the raw bytes; of strings, each preceded by its length as 8 bytes, little endian. Lower-case hex.
std::string tensor_sha256(const Tensor& t);

// ` {..}` or `["location": ...]`. Data above `elide_above` elements is elided; above `raw_above` it is written as @raw.
struct DataStyle {
  std::uint64_t elide_above, raw_above;
};
void print_tensor_data(std::string& out, const Tensor& t, const DataStyle& style);

void print_float(std::string& out, float v);  // of an attribute: always reads back as a float and bit for bit
void print_quoted(std::string& out, std::string_view s);
void print_int(std::string& out, std::int64_t v);

std::string to_base64(std::string_view bytes);
bool from_base64(std::string_view text, std::string& bytes);

}  // namespace onnxopt::text
