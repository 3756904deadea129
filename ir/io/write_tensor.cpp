// Tensor to TensorProto: raw_data (streamed from the mapped file where it comes from one), string_data, or a reference to external data.
#include <string>

#include "ir/io/fields.h"
#include "ir/io/model_writer.h"

namespace onnxopt {

void write_tensor(WireWriter& out, const Tensor& t, std::string_view name, const ExternalPlan* external) {
  for (const std::int64_t d : t.dims()) out.sint(pb::tensor::dims, d);
  out.uint(pb::tensor::data_type, static_cast<std::uint64_t>(t.dtype()));
  const auto place = external ? external->offset(t) : std::nullopt;
  if (t.dtype() == DType::string)
    for (const std::string& s : t.strings()) out.bytes(pb::tensor::string_data, s);
  out.text(pb::tensor::name, name);
  if (!place && t.dtype() != DType::string) {
    const std::string_view bytes(reinterpret_cast<const char*>(t.bytes().data()), t.byte_size());
    if (t.file_range()) out.mapped_bytes(pb::tensor::raw_data, bytes);
    else out.bytes(pb::tensor::raw_data, bytes);
  }
  const TensorNotes* notes = t.notes();
  if (notes) out.text(pb::tensor::doc_string, notes->doc_string);
  if (place) {
    out.string_entry(pb::tensor::external_data, "location", external->location);
    out.string_entry(pb::tensor::external_data, "offset", std::to_string(*place));
    out.string_entry(pb::tensor::external_data, "length", std::to_string(t.byte_size()));
    out.uint(pb::tensor::data_location, 1);
  }
  if (!notes) return;
  for (const auto& [key, value] : notes->metadata) out.string_entry(pb::tensor::metadata_props, key, value);
  out.verbatim(notes->unknown);
}

void write_sparse_tensor(WireWriter& out, const SparseTensor& t, std::string_view name) {
  out.message(pb::sparse_tensor::values, [&] { write_tensor(out, t.values, name, nullptr); });
  const TensorNotes* notes = t.indices.notes();
  out.message(pb::sparse_tensor::indices, [&] { write_tensor(out, t.indices, notes ? std::string_view(notes->name) : std::string_view(), nullptr); });
  for (const std::int64_t d : t.dims) out.sint(pb::sparse_tensor::dims, d);
  out.verbatim(t.unknown);
}

}  // namespace onnxopt
