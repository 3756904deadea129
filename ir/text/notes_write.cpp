#include <fmt/format.h>

#include "ir/text/notes.h"
#include "ir/text/tensor_text.h"

namespace onnxopt::text {

std::string NoteWriter::quoted(std::string_view s) {
  std::string r = "\"";
  for (char c : s) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') r += '\\', r += c;
    else if (c == '\n') r += "\\n";
    else if (c == '\r') r += "\\r";
    else if (c == '\t') r += "\\t";
    else if (u < 0x20 || u == 0x7f) r += fmt::format("\\x{:02x}", u);
    else r += c;
  }
  return r + '"';
}

void NoteWriter::line(std::string_view key, const std::string& rest) {
  out_.append(indent_, ' ');
  out_ += fmt::format("#@ {}{} {}\n", subject_, key, rest);
}
void NoteWriter::always(std::string_view key, std::string_view value) { line(key, quoted(value)); }
void NoteWriter::text(std::string_view key, std::string_view value) {
  if (!value.empty()) line(key, quoted(value));
}
void NoteWriter::bytes(std::string_view key, std::string_view value) {
  if (!value.empty()) line(key, quoted(to_base64(value)));
}
void NoteWriter::pairs(std::string_view key, const StringPairs& pairs) {
  for (const auto& [k, v] : pairs) line(key, quoted(k) + " " + quoted(v));
}
void NoteWriter::list(std::string_view key, const std::vector<std::string>& strings) {
  if (strings.empty()) return;
  std::string rest;
  for (const std::string& s : strings) rest += (rest.empty() ? "" : " ") + quoted(s);
  line(key, rest);
}

void write_tensor_notes(NoteWriter notes, const TensorNotes* t) {
  if (!t) return;
  notes.text("doc_string", t->doc_string);
  notes.pairs("metadata", t->metadata);
  notes.bytes("unknown", t->unknown);
}

void write_value_notes(NoteWriter notes, const Value& v) {
  if (v.constant() && placeholder(*v.constant()).empty()) {
    const TensorNotes* t = v.constant()->notes();
    if (t && t->name != v.name()) notes.within("tensor ").text("name", t->name);
    write_tensor_notes(notes.within("tensor "), t);
  }
  const ValueExtra* extra = v.extra();
  if (!extra) return;
  notes.text("denotation", extra->type_denotation);
  notes.list("dim_denotations", extra->dim_denotations);
  notes.text("doc_string", extra->doc_string);
  notes.pairs("metadata", extra->metadata);
  notes.pairs("quantization", extra->quantization);
  notes.bytes("unknown", extra->unknown);
  if (extra->sparse) notes.bytes("sparse_unknown", extra->sparse->unknown);
  if (extra->has_declared && extra->declared.kind == Type::Kind::unknown && extra->opaque_type.empty()) notes.always("declared", "");
  std::string domain, name;
  if (!decode_opaque(extra->opaque_type, domain, name)) notes.bytes("type", extra->opaque_type);
}

void write_attribute_notes(NoteWriter notes, const Attribute& a) {
  if (a.extra) {
    notes.text("doc_string", a.extra->doc_string);
    notes.bytes("unknown", a.extra->unknown);
  }
  const auto tensor = [&](const Tensor& t, std::size_t i) {
    if (!t.notes() || !placeholder(t).empty()) return;
    const NoteWriter of_tensor = notes.within(fmt::format("tensor {} ", i));
    if (!is_plain_id(t.notes()->name)) NoteWriter(of_tensor).text("name", t.notes()->name);
    write_tensor_notes(of_tensor, t.notes());
  };
  if (const auto* t = std::get_if<Tensor>(&a.value)) tensor(*t, 0);
  if (const auto* ts = std::get_if<std::vector<Tensor>>(&a.value))
    for (std::size_t i = 0; i < ts->size(); ++i) tensor((*ts)[i], i);
  if (const auto* s = std::get_if<SparseTensor>(&a.value)) notes.within("sparse_unknown ").bytes("0", s->unknown);
  if (const auto* ss = std::get_if<std::vector<SparseTensor>>(&a.value))
    for (std::size_t i = 0; i < ss->size(); ++i) notes.within("sparse_unknown ").bytes(fmt::format("{}", i), (*ss)[i].unknown);
}

namespace {
// One length-delimited protobuf field; ours are short, so that tag and length are one byte each.
bool take_field(std::string_view& bytes, char tag, std::string& payload) {
  if (bytes.size() < 2 || bytes[0] != tag) return false;
  const auto length = static_cast<unsigned char>(bytes[1]);
  if (length >= 0x80 || bytes.size() < 2u + length) return false;
  payload = bytes.substr(2, length);
  bytes.remove_prefix(2u + length);
  return true;
}
std::string field(char tag, std::string_view payload) { return std::string{tag, static_cast<char>(payload.size())} + std::string(payload); }
bool is_qualified_id(std::string_view s) {
  while (true) {
    const std::size_t dot = s.find('.');
    if (!is_identifier(s.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    s.remove_prefix(dot + 1);
  }
}
constexpr char kOpaqueTag = (7 << 3) | 2, kDomainTag = (1 << 3) | 2, kNameTag = (2 << 3) | 2;
}  // namespace

std::string encode_opaque(std::string_view domain, std::string_view name) {
  std::string body;
  if (!domain.empty()) body += field(kDomainTag, domain);
  if (!name.empty()) body += field(kNameTag, name);
  return field(kOpaqueTag, body);
}

bool decode_opaque(std::string_view bytes, std::string& domain, std::string& name) {
  std::string body;
  domain.clear();
  name.clear();
  if (bytes.empty() || !take_field(bytes, kOpaqueTag, body) || !bytes.empty()) return false;
  std::string_view rest = body;
  const bool has_domain = take_field(rest, kDomainTag, domain);
  const bool has_name = take_field(rest, kNameTag, name);
  if (!rest.empty() || (has_domain && !is_qualified_id(domain)) || (has_name && !is_qualified_id(name))) return false;
  return has_domain ? is_identifier(name) : true;  // opaque(domain, name) takes a plain name; opaque(a.b) is a name without domain
}

}  // namespace onnxopt::text
