#include "ir/text/notes.h"

#include <fmt/format.h>

#include "ir/text/tensor_text.h"

namespace onnxopt::text {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::string base64_word(const Note& note, std::size_t i, const Lexer& lex) {
  std::string bytes;
  if (!from_base64(note.at(i, lex), bytes)) lex.fail_at(note.pos, "this note needs base64");
  return bytes;
}

[[noreturn]] void unknown_note(const Note& note, std::size_t i, const Lexer& lex) {
  lex.fail_at(note.pos, fmt::format("unknown note '{}'", note.at(i, lex)));
}

Tensor with_tensor_note(const Tensor& t, const Note& note, std::size_t i, const Lexer& lex) {
  TensorNotes notes = t.notes() ? *t.notes() : TensorNotes();
  const std::string& key = note.at(i, lex);
  if (key == "name") notes.name = note.at(i + 1, lex);
  else if (key == "doc_string") notes.doc_string = note.at(i + 1, lex);
  else if (key == "metadata") notes.metadata.emplace_back(note.at(i + 1, lex), note.at(i + 2, lex));
  else if (key == "unknown") notes.unknown = base64_word(note, i + 1, lex);
  else unknown_note(note, i, lex);
  return t.with_notes(std::move(notes));
}

template <class T>
T& element_at(std::vector<T>& list, const std::string& index, const Note& note, const Lexer& lex) {
  std::int64_t i = -1;
  if (!to_number(index, i) || i < 0 || static_cast<std::size_t>(i) >= list.size()) lex.fail_at(note.pos, "no such element");
  return list[static_cast<std::size_t>(i)];
}

}  // namespace

const std::string& Note::at(std::size_t i, const Lexer& lex) const {
  if (i >= words.size()) lex.fail_at(pos, "this note is incomplete");
  return words[i];
}

Note read_note(const NoteLine& line, const Lexer& lex) {
  Note note{{}, line.pos};
  const std::string_view s = line.text;
  std::size_t i = 0;
  while (true) {
    while (i < s.size() && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r')) ++i;
    if (i >= s.size()) break;
    std::string word;
    if (s[i] != '"') {
      while (i < s.size() && s[i] != ' ' && s[i] != '\t' && s[i] != '\r') word += s[i++];
      note.words.push_back(std::move(word));
      continue;
    }
    for (++i; i < s.size() && s[i] != '"'; ++i) {
      if (s[i] != '\\') {
        word += s[i];
        continue;
      }
      if (++i >= s.size()) break;
      if (s[i] == 'n') word += '\n';
      else if (s[i] == 'r') word += '\r';
      else if (s[i] == 't') word += '\t';
      else if (s[i] == 'x' && i + 2 < s.size() && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0) {
        word += static_cast<char>(hex_digit(s[i + 1]) * 16 + hex_digit(s[i + 2]));
        i += 2;
      } else {
        word += s[i];
      }
    }
    if (i >= s.size()) lex.fail_at(line.pos, "string without closing quote in a note");
    ++i;
    note.words.push_back(std::move(word));
  }
  note.at(0, lex);
  return note;
}

void apply_value_note(Value& v, const Note& note, std::size_t first, const Lexer& lex) {
  const std::string& key = note.at(first, lex);
  ValueExtra& extra = v.make_extra();
  if (key == "doc_string") extra.doc_string = note.at(first + 1, lex);
  else if (key == "metadata") extra.metadata.emplace_back(note.at(first + 1, lex), note.at(first + 2, lex));
  else if (key == "quantization") extra.quantization.emplace_back(note.at(first + 1, lex), note.at(first + 2, lex));
  else if (key == "denotation") extra.type_denotation = note.at(first + 1, lex);
  else if (key == "dim_denotations") extra.dim_denotations.assign(note.words.begin() + static_cast<std::ptrdiff_t>(first) + 1, note.words.end());
  else if (key == "unknown") extra.unknown = base64_word(note, first + 1, lex);
  else if (key == "type") extra.opaque_type = base64_word(note, first + 1, lex), extra.has_declared = true;
  else if (key == "declared") extra.has_declared = true;  // with a type that says nothing
  else if (key == "sparse_unknown" && extra.sparse) {
    SparseTensor sparse = *extra.sparse;
    sparse.unknown = base64_word(note, first + 1, lex);
    extra.sparse = std::make_shared<const SparseTensor>(std::move(sparse));
  } else if (key == "tensor" && v.constant()) {
    v.graph()->set_constant(v, with_tensor_note(*v.constant(), note, first + 1, lex));
  } else {
    unknown_note(note, first, lex);
  }
}

void apply_node_note(Node& n, const Note& note, const Lexer& lex) {
  const std::string& key = note.at(0, lex);
  if (key == "doc_string") n.make_extra().doc_string = note.at(1, lex);
  else if (key == "metadata") n.make_extra().metadata.emplace_back(note.at(1, lex), note.at(2, lex));
  else if (key == "unknown") n.make_extra().unknown = base64_word(note, 1, lex);
  else if (key == "attribute") {
    Attribute* a = n.mutable_attrs().find(note.at(1, lex));
    if (!a) lex.fail_at(note.pos, fmt::format("the node has no attribute '{}'", note.words[1]));
    apply_attribute_note(*a, note, 2, lex);
  } else {
    unknown_note(note, 0, lex);
  }
}

void apply_attribute_note(Attribute& a, const Note& note, std::size_t first, const Lexer& lex) {
  const std::string& key = note.at(first, lex);
  if (key == "doc_string" || key == "unknown") {
    auto extra = std::make_shared<AttrExtra>(a.extra ? *a.extra : AttrExtra());
    (key == "unknown" ? extra->unknown : extra->doc_string) = key == "unknown" ? base64_word(note, first + 1, lex) : note.at(first + 1, lex);
    a.extra = std::move(extra);
  } else if (key == "tensor") {
    if (auto* t = std::get_if<Tensor>(&a.value)) *t = with_tensor_note(*t, note, first + 2, lex);
    else if (auto* ts = std::get_if<std::vector<Tensor>>(&a.value)) {
      Tensor& t = element_at(*ts, note.at(first + 1, lex), note, lex);
      t = with_tensor_note(t, note, first + 2, lex);
    } else {
      unknown_note(note, first, lex);
    }
  } else if (key == "sparse_unknown") {
    if (auto* t = std::get_if<SparseTensor>(&a.value)) t->unknown = base64_word(note, first + 2, lex);
    else if (auto* ts = std::get_if<std::vector<SparseTensor>>(&a.value))
      element_at(*ts, note.at(first + 1, lex), note, lex).unknown = base64_word(note, first + 2, lex);
    else unknown_note(note, first, lex);
  } else {
    unknown_note(note, first, lex);
  }
}

void apply_graph_note(Graph& g, const Note& note, const Lexer& lex) {
  const std::string& key = note.at(0, lex);
  if (key == "name") g.name = note.at(1, lex);
  else if (key == "doc_string") g.doc_string = note.at(1, lex);
  else if (key == "metadata") g.metadata.emplace_back(note.at(1, lex), note.at(2, lex));
  else if (key == "unknown") g.unknown = base64_word(note, 1, lex);
  else unknown_note(note, 0, lex);
}

void apply_model_note(Model& m, const Note& note, const Lexer& lex) {
  const std::string& key = note.at(0, lex);
  if (key == "training_info") m.training_info = base64_word(note, 1, lex);
  else if (key == "configuration") m.configuration = base64_word(note, 1, lex);
  else if (key == "unknown") m.unknown = base64_word(note, 1, lex);
  else unknown_note(note, 0, lex);
}

void apply_function_note(Function& f, const Note& note, const Lexer& lex) {
  const std::string& key = note.at(0, lex);
  if (key == "metadata") f.metadata.emplace_back(note.at(1, lex), note.at(2, lex));
  else if (key == "unknown") f.unknown = base64_word(note, 1, lex);
  else unknown_note(note, 0, lex);
}

}  // namespace onnxopt::text
