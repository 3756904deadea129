// Notes: what a model carries and the official syntax cannot hold. A note is a line `#@ word "string" ...`, a comment to every other reader
// (docs/text-format.md lists them).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/core/model.h"
#include "ir/text/lexer.h"

namespace onnxopt::text {

// Words of a note; strings unescaped (\n, \r, \t, \\, \", \xHH).
struct Note {
  std::vector<std::string> words;
  std::size_t pos = 0;
  const std::string& at(std::size_t i, const Lexer& lex) const;  // fails if there is no such word
};
Note read_note(const NoteLine& line, const Lexer& lex);

// Apply one note from word `first` on; fail naming the note if they do not know it.
void apply_value_note(Value& v, const Note& note, std::size_t first, const Lexer& lex);
void apply_node_note(Node& n, const Note& note, const Lexer& lex);
void apply_attribute_note(Attribute& a, const Note& note, std::size_t first, const Lexer& lex);
void apply_graph_note(Graph& g, const Note& note, const Lexer& lex);  // not `value` notes
void apply_model_note(Model& m, const Note& note, const Lexer& lex);
void apply_function_note(Function& f, const Note& note, const Lexer& lex);

// Writes "#@ word \"string\" ...\n" lines at an indent.
class NoteWriter {
 public:
  NoteWriter(std::string& out, std::size_t indent, std::string subject = {}) : out_(out), indent_(indent), subject_(std::move(subject)) {}
  void text(std::string_view key, std::string_view value);   // nothing if empty
  void bytes(std::string_view key, std::string_view value);  // base64; nothing if empty
  void pairs(std::string_view key, const StringPairs& pairs);
  void list(std::string_view key, const std::vector<std::string>& strings);
  void always(std::string_view key, std::string_view value);
  NoteWriter within(const std::string& subject) const { return {out_, indent_, subject_ + subject}; }
  static std::string quoted(std::string_view s);

 private:
  void line(std::string_view key, const std::string& rest);
  std::string& out_;
  std::size_t indent_;
  std::string subject_;  // "value \"x\" " or empty
};

void write_value_notes(NoteWriter notes, const Value& v);
void write_tensor_notes(NoteWriter notes, const TensorNotes* t);
void write_attribute_notes(NoteWriter notes, const Attribute& a);
bool is_plain_id(std::string_view name);  // an identifier that is no type: needs no quotes anywhere
// TypeProto bytes of opaque(domain, name), the one form that the official syntax holds; false: another type.
std::string encode_opaque(std::string_view domain, std::string_view name);
bool decode_opaque(std::string_view bytes, std::string& domain, std::string& name);

}  // namespace onnxopt::text
