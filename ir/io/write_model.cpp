// write_model: where the bytes go, in which order, and what happens to files that are there already (see io.h).
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "ir/io/check_structure.h"
#include "ir/io/io.h"
#include "ir/io/mapped_file.h"
#include "ir/io/model_writer.h"
#include "ir/io/output_file.h"
#include "ir/io/stream_target.h"
#include "ir/io/write_file.h"

namespace onnxopt {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kProtobufLimit = (std::uint64_t{1} << 31) - 1;  // no protobuf library reads a longer message
constexpr unsigned kMostDataNames = 10000;

// A measured model: what WireWriter's first run found, and the plan it was measured with.
struct Measured {
  ModelWriterOptions options;
  std::unique_ptr<ModelWriter> writer;
  WireWriter sizes;
};

Measured measure(const Model& model, const ModelWriterOptions& options) {
  Measured m{options, std::make_unique<ModelWriter>(model, options), {}};
  m.writer->write(m.sizes);
  return m;
}

// A second link: somebody's copy, or a file of another run that may yet fail and take it away.
bool holds_exactly(const fs::path& file, const ExternalPlan& plan) {
  struct stat info;
  if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 || static_cast<std::uint64_t>(info.st_size) != plan.size())
    return false;
  const auto there = MappedFile::open(file);
  constexpr std::size_t kChunk = std::size_t{4} << 20;
  for (const ExternalPlan::Item& item : plan.items())
    for (std::size_t at = 0; at < item.bytes.size(); at += kChunk) {
      const auto wanted = item.bytes.subspan(at, std::min(kChunk, item.bytes.size() - at));
      const auto found = there->bytes().subspan(item.offset + at, wanted.size());
      const bool same = std::memcmp(wanted.data(), found.data(), wanted.size()) == 0;
      if (item.mapped) release_pages(wanted);
      release_pages(found);
      if (!same) return false;
    }
  return true;
}

bool is_same_name(const fs::path& a, const fs::path& b) { return fs::absolute(a).lexically_normal() == fs::absolute(b).lexically_normal(); }

// The data file; removed again unless the model that needs it is in place.
class DataFile {
 public:
  ~DataFile() {
    if (!created_.empty()) ::unlink(created_.c_str());
  }
  // Writes the plan's tensors to `wanted` beside `model`, or to the first name after it that is free or holds the same bytes.
  void write(const fs::path& model, const std::string& wanted, ExternalPlan& plan) {
    const fs::path folder = model.parent_path();
    for (unsigned n = 0; n < kMostDataNames; ++n) {
      plan.location = n == 0 ? wanted : fmt::format("{}.{}", wanted, n);
      const fs::path path = folder / plan.location;
      if (is_same_name(path, model)) continue;  // the model would replace its own weights
      struct stat info;
      const bool exists = ::lstat(path.c_str(), &info) == 0;
      if (exists) reused_ = holds_exactly(path, plan);
      if (reused_) return;
      if (!exists && write_new(path, model, plan)) return;
    }
    bad_input(fmt::format("cannot write {}: {} names like it are taken; remove old data files", (folder / wanted).string(), kMostDataNames));
  }
  bool reused() const { return reused_; }
  // Before the model gets its name: from then on a signal must not take its data away.
  void let_be() { unfinished_.forget(); }
  void keep() {
    created_.clear();
    if (file_) file_->release();
  }

 private:
  bool write_new(const fs::path& path, const fs::path& model, const ExternalPlan& plan) {
    OutputFile& out = file_.emplace(path);
    out.take_rights_of(model);  // weights that only some may read stay so
    for (const ExternalPlan::Item& item : plan.items()) {
      out.skip_to(item.offset);
      const std::string_view bytes(reinterpret_cast<const char*>(item.bytes.data()), item.bytes.size());
      if (item.mapped) out.write_mapped(bytes);
      else out.write(bytes);
    }
    if (!out.publish_new()) return false;  // somebody was faster
    created_ = path;
    unfinished_ = UnfinishedFile(path);
    return true;
  }

  std::optional<OutputFile> file_;
  fs::path created_;
  UnfinishedFile unfinished_;
  bool reused_ = false;
};

void check_data_name(const std::string& name, const fs::path& model) {
  const fs::path path(name);
  if (path.is_absolute() || std::find(path.begin(), path.end(), fs::path("..")) != path.end() || !path.has_filename())
    throw Error(ExitCode::usage, fmt::format("external data file '{}' must be a file name inside the model's folder", name));
  if (is_same_name(model.parent_path() / path, model))
    throw Error(ExitCode::usage, fmt::format("external data file '{}' is the model file itself; name another one", name));
}

// Beside the longest of names there is no room for an ending.
std::string data_name(std::string model) {
  constexpr std::size_t kMost = 240;
  std::size_t end = std::min(model.size(), kMost);
  while (end > 0 && end < model.size() && (static_cast<unsigned char>(model[end]) & 0xC0) == 0x80) --end;  // not within a character
  model.resize(end);
  return model + ".data";
}

void stream(Measured& m, ByteSink& sink) {
  WireWriter out(std::move(m.sizes), sink);
  m.writer->write(out);
  out.finish();
}

// What was written must be readable: a broken file of ours is a bug and must not replace a good one.
void read_back(const fs::path& file) {
  try {
    check_structure(file);
  } catch (const Error& e) {
    throw InternalError(std::string("the written model does not read back: ") + e.what());
  }
}

}  // namespace

std::string serialize_model(const Model& model) {
  const ModelWriter writer(model, {});
  std::string out;
  serialize_to(out, [&](WireWriter& w) { writer.write(w); });
  return out;
}

WriteResult write_model(const Model& model, const fs::path& file, const WriteOptions& options) {
  check_target(file);
  const bool special = is_stream_target(file);
  if (options.external_data && !options.external_data->empty()) check_data_name(*options.external_data, file);
  if (special && options.external_data) bad_input(fmt::format("cannot write {} with external data: it is not a regular file", file.string()));

  ModelWriterOptions writing;
  writing.inferred_types = options.inferred_types;
  std::optional<Measured> measured;
  ExternalPlan plan(options.external_threshold);
  DataFile data;
  if (!options.external_data) measured = measure(model, writing);
  const bool too_large = measured && measured->sizes.size() > kProtobufLimit;
  if (options.external_data || (too_large && !special)) {
    plan_model(plan, model, false);
    writing.external = &plan;
    plan.location = "unknown yet";
    measured = measure(model, writing);
    if (measured->sizes.size() > kProtobufLimit - (std::uint64_t{1} << 20)) {  // attributes hold the bulk (the margin: the real name may be longer)
      writing.external_attributes = true;
      plan_model(plan, model, true);
    }
    if (plan.size() > 0) {
      const std::string wanted =
          options.external_data && !options.external_data->empty() ? *options.external_data : data_name(file.filename().string());
      data.write(file, wanted, plan);
    }
    measured = measure(model, writing);
  }
  if (measured->sizes.size() > kProtobufLimit)
    bad_input(
        fmt::format("cannot write {}: {} bytes remain in the model file, more than the 2 GiB that protobuf allows; lower the external data threshold",
                    file.string(), measured->sizes.size()));

  WriteResult result{measured->sizes.size(), plan.size(), plan.size() > 0 ? plan.location : "", data.reused()};
  if (special) {
    StreamFile out(file);
    stream(*measured, out);
    return result;
  }
  OutputFile out(file);
  stream(*measured, out);
  const fs::path temporary = out.publish_temporary();
  read_back(temporary);
  if (options.before_commit) options.before_commit(temporary);
  data.let_be();
  out.replace_target();
  data.keep();
  return result;
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

}  // namespace onnxopt
