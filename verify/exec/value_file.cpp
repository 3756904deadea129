#include "verify/exec/value_file.h"

#include "ir/io/value_io.h"

namespace onnxopt {
namespace {

RtValue to_runtime(const FileValue& f, const Type& type) {
  RtValue r;
  r.type = type;
  const Type elem = type.elem ? *type.elem : Type();
  switch (f.kind) {
    case FileValue::Kind::none: return r;
    case FileValue::Kind::tensor: r.v = f.tensor.notes() ? f.tensor.with_notes({}) : f.tensor; return r;
    case FileValue::Kind::sparse_tensor: r.v = f.sparse; return r;
    case FileValue::Kind::sequence: {
      auto items = std::make_shared<RtSequence>();
      const Type& inner = type.kind == Type::Kind::optional ? (elem.elem ? *elem.elem : elem) : elem;
      for (const FileValue& e : f.elements) items->push_back(to_runtime(e, inner));
      r.v = std::shared_ptr<const RtSequence>(std::move(items));
      return r;
    }
    case FileValue::Kind::map: {
      auto map = std::make_shared<RtMap>();
      map->key = f.key;
      for (std::size_t i = 0; i < f.elements.size(); ++i) {
        if (f.key == DType::string) map->entries.emplace_back(f.string_keys[i], to_runtime(f.elements[i], elem));
        else map->entries.emplace_back(f.int_keys[i], to_runtime(f.elements[i], elem));
      }
      r.v = std::shared_ptr<const RtMap>(std::move(map));
      return r;
    }
  }
  return r;
}

FileValue to_file(const RtValue& v);

FileValue map_to_file(const RtMap& m) {
  FileValue f;
  f.kind = FileValue::Kind::map;
  f.key = m.key;
  for (const auto& [key, value] : m.entries) {
    if (m.key == DType::string) f.string_keys.push_back(std::get<std::string>(key));
    else f.int_keys.push_back(std::get<std::int64_t>(key));
    f.elements.push_back(to_file(value));
  }
  return f;
}

FileValue to_file(const RtValue& v) {
  FileValue f;
  if (v.is_tensor()) {
    f.kind = FileValue::Kind::tensor;
    f.tensor = v.tensor();
  } else if (const auto* s = std::get_if<std::shared_ptr<const SparseTensor>>(&v.v)) {
    f.kind = FileValue::Kind::sparse_tensor;
    f.sparse = *s;
  } else if (const auto* q = std::get_if<std::shared_ptr<const RtSequence>>(&v.v)) {
    f.kind = FileValue::Kind::sequence;
    for (const RtValue& e : **q) f.elements.push_back(to_file(e));
  } else if (const auto* m = std::get_if<std::shared_ptr<const RtMap>>(&v.v)) {
    f = map_to_file(**m);
  }
  return f;
}

// The type that tells read_value which message it is.
Type message_type(const RtValue& v) {
  if (v.type.kind != Type::Kind::unknown) return v.type;
  if (std::holds_alternative<std::shared_ptr<const RtSequence>>(v.v)) return Type::sequence(Type::tensor(DType::undefined));
  if (v.empty()) return Type::optional(Type::tensor(DType::undefined));
  Type t = Type::tensor(DType::undefined);
  if (std::holds_alternative<std::shared_ptr<const SparseTensor>>(v.v)) t.kind = Type::Kind::sparse_tensor;
  if (const auto* m = std::get_if<std::shared_ptr<const RtMap>>(&v.v)) {
    t.kind = Type::Kind::map;
    t.dtype = (*m)->key;
    t.elem = std::make_shared<const Type>(Type::tensor(DType::undefined));
  }
  return t;
}

}  // namespace

RtValue read_value_file(const std::filesystem::path& file, const Type& type) { return to_runtime(read_value(file, type), type); }

void write_value_file(const std::filesystem::path& file, const RtValue& value, const std::string& name) {
  FileValue f = to_file(value);
  f.name = name;
  write_value(f, message_type(value), file);
}

}  // namespace onnxopt
