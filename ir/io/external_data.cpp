#include "ir/io/external_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "ir/core/error.h"
#include "ir/io/sha1.h"

namespace onnxopt {
namespace fs = std::filesystem;
namespace {

bool is_inside(const fs::path& file, const fs::path& folder) {
  const auto [end, at] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end() && at != file.end();
}

std::uint64_t parse_number(std::string_view key, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > static_cast<std::uint64_t>(INT64_MAX))
    bad_input(fmt::format("external data has {} '{}', which is not a number of bytes", key, text.substr(0, 40)));
  return value;
}

}  // namespace

ExternalData::ExternalData(fs::path folder, fs::path model_file, bool strict_links)
    : folder_(folder.empty() ? fs::path(".") : std::move(folder)), model_file_(std::move(model_file)), strict_links_(strict_links) {}

fs::path ExternalData::resolve(std::string_view location) const {
  const auto refuse = [&](std::string_view why) { bad_input(fmt::format("external data '{}' {}", location.substr(0, 200), why)); };
  if (location.empty()) bad_input("external data has no location");
  if (location.find('\0') != std::string_view::npos) bad_input("the location of external data holds a zero byte");
  const fs::path relative(location);
  if (relative.is_absolute()) refuse("is an absolute path; only files in the model's folder are read");
  if (std::find(relative.begin(), relative.end(), fs::path("..")) != relative.end())
    refuse("contains '..'; only files in the model's folder are read");

  std::error_code error;
  std::vector<fs::path> roots = {fs::canonical(folder_, error)};
  if (error) roots.clear();
  if (!model_file_.empty()) {
    const fs::path real = fs::canonical(model_file_, error);
    if (!error) roots.push_back(real.parent_path());
  }
  for (const fs::path& start : roots) {
    const fs::path found = fs::canonical(start / relative, error);
    if (error) continue;
    if (std::none_of(roots.begin(), roots.end(), [&](const fs::path& r) { return is_inside(found, r); }))
      refuse(fmt::format("is a link to {}, which is outside the model's folder; copy the file there", found.string()));
    return found;
  }
  refuse(fmt::format("is missing in {}; put the file beside the model", folder_.string()));
  return {};
}

ExternalData::Entry& ExternalData::entry(std::string_view location) {
  const auto known = by_location_.find(location);
  if (known != by_location_.end()) return *known->second;
  const fs::path path = resolve(location);
  std::shared_ptr<Entry>& e = by_path_[path.string()];
  if (!e) {
    auto made = std::make_shared<Entry>();
    made->file = with_context(fmt::format("external data '{}'", location), [&] { return MappedFile::open(path); });
    if (strict_links_ && made->file->hard_links() > 1)
      bad_input(fmt::format("external data '{}' has {} hard links, which --strict-links refuses; copy the file", location, made->file->hard_links()));
    e = std::move(made);
  }
  by_location_.emplace(location, e);
  return *e;
}

const std::shared_ptr<const MappedFile>& ExternalData::open(std::string_view location) { return entry(location).file; }

const std::string& ExternalData::sha1(std::string_view location) {
  Entry& e = entry(location);
  if (e.sha1.empty()) {
    Sha1 hash;
    const auto bytes = e.file->bytes();
    constexpr std::size_t kChunk = std::size_t{8} << 20;  // pages are given back behind us, so that memory stays small
    for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
      const auto part = bytes.subspan(at, std::min(kChunk, bytes.size() - at));
      hash.update(part);
      release_pages(part);
    }
    e.sha1 = hash.hex();
  }
  return e.sha1;
}

ExternalRef parse_external_ref(const std::vector<std::pair<std::string, std::string>>& entries) {
  ExternalRef r;
  for (const auto& [key, value] : entries) {
    if (key == "location") r.location = value;
    if (key == "offset") r.offset = parse_number("offset", value);
    if (key == "checksum") r.checksum = value;
    if (key == "length") {
      r.length = parse_number("length", value);
      r.has_length = r.length != 0;  // some write 0 for what they do not say
    }
  }
  return r;
}

}  // namespace onnxopt
