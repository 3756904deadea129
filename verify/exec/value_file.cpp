#include "verify/exec/value_file.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "ir/io/fields.h"
#include "ir/io/read_tensor.h"

namespace onnxopt {
namespace {

using Kind = Type::Kind;

struct ValueReader {
  ReadContext ctx;

  RtValue tensor(std::string_view m) const {
    Tensor t = read_tensor(m, ctx);
    return RtValue(t.with_notes({}));
  }
  RtValue sequence(std::string_view m, const Type& type) const {
    const DepthGuard guard(ctx);
    auto items = std::make_shared<RtSequence>();
    const Type elem = type.elem ? *type.elem : Type();
    WireReader r(m, ctx.base);
    for (WireField f; r.next(f);) {
      if (f.number == pb::sequence::tensor_values) items->push_back(tensor(f.bytes));
      else if (f.number == pb::sequence::sequence_values) items->push_back(sequence(f.bytes, elem));
      else if (f.number == pb::sequence::map_values) items->push_back(map(f.bytes, elem));
      else if (f.number == pb::sequence::optional_values) items->push_back(optional(f.bytes, elem));
    }
    RtValue v;
    v.v = std::shared_ptr<const RtSequence>(std::move(items));
    v.type = type;
    return v;
  }
  RtValue optional(std::string_view m, const Type& type) const {
    const DepthGuard guard(ctx);
    const Type elem = type.elem ? *type.elem : Type();
    RtValue v;
    WireReader r(m, ctx.base);
    for (WireField f; r.next(f);) {
      if (f.number == pb::optional::tensor_value) v = tensor(f.bytes);
      else if (f.number == pb::optional::sequence_value) v = sequence(f.bytes, elem);
      else if (f.number == pb::optional::map_value) v = map(f.bytes, elem);
      else if (f.number == pb::optional::optional_value) v = optional(f.bytes, elem);
    }
    v.type = type;
    return v;
  }
  RtValue map(std::string_view m, const Type& type) const {
    const DepthGuard guard(ctx);
    std::vector<std::variant<std::int64_t, std::string>> keys;
    RtValue values;
    auto result = std::make_shared<RtMap>();
    WireReader r(m, ctx.base);
    for (WireField f; r.next(f);) {
      if (f.number == pb::map::key_type) result->key = static_cast<DType>(f.value);
      else if (f.number == pb::map::string_keys) keys.emplace_back(std::string(f.bytes));
      else if (f.number == pb::map::keys && f.is(WireType::varint)) keys.emplace_back(f.as_int());
      else if (f.number == pb::map::keys) {
        WireReader packed(f.bytes, ctx.base);
        while (!packed.at_end()) keys.emplace_back(static_cast<std::int64_t>(packed.varint()));
      } else if (f.number == pb::map::values) values = sequence(f.bytes, Type::sequence(type.elem ? *type.elem : Type()));
    }
    if (const auto* items = std::get_if<std::shared_ptr<const RtSequence>>(&values.v))
      for (std::size_t i = 0; i < keys.size() && i < (*items)->size(); ++i) result->entries.emplace_back(keys[i], (**items)[i]);
    RtValue v;
    v.v = std::shared_ptr<const RtMap>(std::move(result));
    v.type = type;
    return v;
  }
};

}  // namespace

RtValue read_value_file(const std::filesystem::path& file, const Type& type) {
  return with_context(fmt::format("reading {}", file.string()), [&] {
    std::ifstream stream(file, std::ios::binary);
    if (!stream) bad_input("cannot open the file");
    auto bytes = std::make_shared<const std::string>(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    ValueReader reader;
    reader.ctx.base = bytes->data();
    reader.ctx.owner = bytes;
    switch (type.kind) {
      case Kind::sequence: return reader.sequence(*bytes, type);
      case Kind::optional: return reader.optional(*bytes, type);
      case Kind::map: return reader.map(*bytes, type);
      default: return reader.tensor(*bytes);
    }
  });
}

}  // namespace onnxopt
