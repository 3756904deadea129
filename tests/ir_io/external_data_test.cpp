#include <doctest/doctest.h>
#include <sys/stat.h>

#include "ir/io/sha1.h"
#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("external_data_test");

namespace onnxopt {
namespace {

using namespace test;
namespace fs = std::filesystem;
using Entries = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// A model with one float[2] initializer in external data.
std::string external(const Entries& entries) {
  Wire t = Wire().number(1, 2).number(2, 1).bytes(8, "w").number(14, 1);
  for (const auto& [key, value] : entries) t.add(13, Wire().bytes(1, key).bytes(2, value));
  return model(Wire().add(5, t)).str();
}

std::string refusal_of(const fs::path& file, const ReadOptions& options = {}) {
  try {
    read_model(file, options);
  } catch (const Error& e) {
    return e.code() == ExitCode::bad_input ? e.what() : "wrong code";
  }
  return "";
}

struct Case {
  TempFolder dir;
  std::string write(const Entries& entries, const ReadOptions& options = {}) const {
    dir.write("m/m.onnx", external(entries));
    return refusal_of(dir / "m/m.onnx", options);
  }
};

TEST_CASE("offset and length, with and without") {
  const Case c;
  c.dir.write("m/w.bin", std::string("0000\x00\x00\x80\x3f\x00\x00\x00\x40", 12));
  CHECK(c.write({{"location", "w.bin"}, {"offset", "4"}, {"length", "8"}, {"future", "?"}}) == "");
  const auto m = read_model(c.dir / "m/m.onnx");
  const Tensor& t = *m->graph().constants()[0]->constant();
  CHECK(t.data<float>()[1] == 2.0f);
  REQUIRE(t.file_range());
  CHECK(t.file_range()->offset == 4);
  CHECK(c.write({{"location", "w.bin"}, {"offset", "4"}}) == "");
  CHECK(c.write({{"location", "w.bin"}, {"offset", "4"}, {"length", "0"}}) == "");  // 0 means not stated, as for onnx and ONNX Runtime
  CHECK(c.write({{"location", "./w.bin"}}) == "");
  c.dir.write("m/sub/w.bin", "12345678");
  CHECK(c.write({{"location", "sub/w.bin"}}) == "");
}

TEST_CASE("raw_data beside external data: nothing in it is nothing, bytes are refused") {
  const Case c;
  c.dir.write("m/w.bin", "12345678");
  const auto with = [&](std::string_view raw) {
    const Wire t = Wire().number(1, 2).number(2, 1).bytes(8, "w").number(14, 1).add(13, Wire().bytes(1, "location").bytes(2, "w.bin")).bytes(9, raw);
    c.dir.write("m/m.onnx", model(Wire().add(5, t)).str());
    return refusal_of(c.dir / "m/m.onnx");
  };
  CHECK(with("") == "");
  CHECK(has(with("12345678"), "external data and data inside"));
}

TEST_CASE("numbers outside the file, or that are none") {
  const Case c;
  c.dir.write("m/w.bin", "12345678");
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", "1"}}),
            "m.onnx: tensor 'w': external data 'w.bin' has 8 bytes, but the tensor wants 8 bytes from offset 1"));
  CHECK(has(c.write({{"location", "w.bin"}, {"length", "9"}}), "needs 8 bytes"));
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", "-1"}}), "not a number of bytes"));
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", "1e9"}}), "not a number of bytes"));
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", "9223372036854775807"}}), "wants 8 bytes from offset"));
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", "18446744073709551615"}}), "not a number of bytes"));
  CHECK(has(c.write({{"location", "w.bin"}, {"offset", ""}}), "not a number of bytes"));
  CHECK(has(c.write({{"location", ""}}), "no location"));
  CHECK(has(c.write({}), "no location"));
}

TEST_CASE("files outside the model's folder are refused") {
  const Case c;
  c.dir.write("w.bin", "12345678");
  CHECK(has(c.write({{"location", "../w.bin"}}), "contains '..'"));
  CHECK(has(c.write({{"location", "sub/../../w.bin"}}), "contains '..'"));
  CHECK(has(c.write({{"location", (c.dir / "w.bin").string()}}), "absolute path"));
  CHECK(has(c.write({{"location", "missing.bin"}}), "is missing"));
  CHECK(has(c.write({{"location", std::string_view("w.bin\0x", 7)}}), "zero byte"));
  fs::create_symlink(c.dir / "w.bin", c.dir / "m/link.bin");
  CHECK(has(c.write({{"location", "link.bin"}}), "outside the model's folder"));
  fs::create_directory_symlink(c.dir.path(), c.dir / "m/up");
  CHECK(has(c.write({{"location", "up/w.bin"}}), "outside the model's folder"));
}

TEST_CASE("folders and devices are refused, without opening them") {
  const Case c;
  CHECK(c.write({{"location", "x"}}) != "");
  fs::create_directory(c.dir / "m/folder");
  CHECK(has(c.write({{"location", "folder"}}), "is a folder"));
  CHECK(has(c.write({{"location", "."}}), "external data '.'"));
  REQUIRE(::mkfifo((c.dir / "m/pipe").c_str(), 0600) == 0);
  CHECK(has(c.write({{"location", "pipe"}}), "is a pipe"));
  CHECK(has(refusal_of(c.dir / "m/pipe"), "is a pipe"));
  CHECK(has(refusal_of(c.dir / "m"), "is a folder"));
  CHECK(has(refusal_of(c.dir / "nothing.onnx"), "no such file"));
  c.dir.write("m/empty.onnx", "");
  CHECK(has(refusal_of(c.dir / "m/empty.onnx"), "is empty"));
}

TEST_CASE("links inside the folder, and model caches that link model and data to a shared folder") {
  const Case c;
  c.dir.write("m/real.bin", "12345678");
  fs::create_symlink("real.bin", c.dir / "m/link.bin");
  CHECK(c.write({{"location", "link.bin"}}) == "");
  c.dir.write("cache/blobs/aaa", external({{"location", "model.data"}}));
  c.dir.write("cache/blobs/bbb", "12345678");
  fs::create_directories(c.dir / "cache/snapshots/1");
  fs::create_symlink("../../blobs/aaa", c.dir / "cache/snapshots/1/model.onnx");
  fs::create_symlink("../../blobs/bbb", c.dir / "cache/snapshots/1/model.data");
  CHECK(refusal_of(c.dir / "cache/snapshots/1/model.onnx") == "");
}

TEST_CASE("hard links are read unless strict_links") {
  const Case c;
  c.dir.write("w.bin", "12345678");
  c.dir.write("m/m.onnx", "");
  fs::create_hard_link(c.dir / "w.bin", c.dir / "m/hard.bin");
  CHECK(c.write({{"location", "hard.bin"}}) == "");
  CHECK(has(c.write({{"location", "hard.bin"}}, {.strict_links = true}), "hard links"));
}

TEST_CASE("checksums are verified when asked") {
  const Case c;
  c.dir.write("m/w.bin", "12345678");
  const std::string good = "7c222fb2927d828af22f592134e8932480637c0d";
  CHECK(c.write({{"location", "w.bin"}, {"checksum", good}}, {.verify_checksums = true}) == "");
  CHECK(has(c.write({{"location", "w.bin"}, {"checksum", "00"}}, {.verify_checksums = true}), "has SHA-1 7c222fb2"));
  CHECK(c.write({{"location", "w.bin"}, {"checksum", "00"}}) == "");
}

TEST_CASE("strings and tensors with data inside cannot be external") {
  const Case c;
  c.dir.write("m/w.bin", "12345678");
  const auto with = [&](Wire t) {
    c.dir.write("m/m.onnx", model(Wire().add(5, t.bytes(8, "w").number(14, 1).add(13, Wire().bytes(1, "location").bytes(2, "w.bin")))).str());
    return refusal_of(c.dir / "m/m.onnx");
  };
  CHECK(has(with(Wire().number(1, 1).number(2, 8)), "strings cannot"));
  CHECK(has(with(Wire().number(1, 2).number(2, 1).bytes(9, "12345678")), "data inside as well"));
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
