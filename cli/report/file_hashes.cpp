#include "cli/report/file_hashes.h"

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "ir/io/io.h"
#include "ir/io/mapped_file.h"
#include "ir/text/digest.h"
#include "ir/text/read_file.h"

namespace onnxopt {
namespace {

constexpr std::size_t kBlock = std::size_t{16} << 20;

std::string sha256_of(const MappedFile& file) {
  text::Sha256 digest;
  for (std::size_t at = 0; at < file.size(); at += kBlock) {
    const auto block = file.bytes().subspan(at, std::min<std::size_t>(kBlock, file.size() - at));
    digest.add(block);
    release_pages(block);
  }
  return digest.hex();
}

}  // namespace

std::string file_sha256(const std::filesystem::path& file) { return sha256_of(*MappedFile::open(file)); }

FileHashes hash_files(const std::filesystem::path& model, bool hash_data) {
  const auto file = MappedFile::open(model);
  FileHashes r{model.string(), sha256_of(*file), file->size(), {}};
  if (is_text_file(model)) return r;  // a text has no external data
  const auto m = read_model(model);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> known;  // device and inode: position in r.external
  for (Graph* root : m->root_graphs())
    for_each_graph(*root, [&](Graph& g) {
      for (Value* v : g.constants()) {
        const FileRange* range = v->constant()->file_range();
        if (!range) continue;
        const auto& data = *static_cast<const MappedFile*>(range->file.get());
        if (data.device() == file->device() && data.inode() == file->inode()) continue;
        const auto [it, fresh] = known.try_emplace({data.device(), data.inode()}, r.external.size());
        if (fresh) r.external.push_back({data.path().string(), data.size(), hash_data ? sha256_of(data) : std::string(), {}});
        r.external[it->second].ranges.push_back({v->name(), range->offset, v->constant()->byte_size()});
      }
    });
  return r;
}

nlohmann::json hashes_json(const FileHashes& h) {
  nlohmann::json j = {{"file", h.file}, {"bytes", h.bytes}, {"sha256", h.sha256}};
  for (const ExternalFile& e : h.external) {
    nlohmann::json ranges = nlohmann::json::array();
    for (const ExternalRange& t : e.ranges) ranges.push_back({{"tensor", t.tensor}, {"offset", t.offset}, {"length", t.length}});
    nlohmann::json one = {{"file", e.file}, {"bytes", e.bytes}, {"tensors", ranges}};
    if (!e.sha256.empty()) one["sha256"] = e.sha256;
    j["external_data"].push_back(one);
  }
  return j;
}

nlohmann::json hashes_json(const std::filesystem::path& model) { return hashes_json(hash_files(model, false)); }

}  // namespace onnxopt
