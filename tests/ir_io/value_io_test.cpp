#include "ir/io/value_io.h"

#include <doctest/doctest.h>

#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("value_io_test");

namespace onnxopt {
namespace {

using namespace test;
using Kind = FileValue::Kind;

const Type kTensor = Type::tensor(DType::float32);

FileValue again(const FileValue& v, const Type& type) {
  const std::string bytes = serialize_value(v, type);
  return read_value(std::as_bytes(std::span(bytes)), nullptr, type);
}

FileValue tensor(float x) {
  FileValue v;
  v.kind = Kind::tensor;
  v.tensor = Tensor::scalar(x);
  return v;
}

TEST_CASE("a tensor, through a file") {
  const TempFolder dir;
  FileValue v = tensor(1.5f);
  v.name = "x";
  write_value(v, kTensor, dir / "input_0.pb");
  const FileValue r = read_value(dir / "input_0.pb", kTensor);
  CHECK(r.name == "x");
  CHECK(r.tensor.same_content(v.tensor));
}

TEST_CASE("sequences, empty ones too") {
  FileValue s;
  s.kind = Kind::sequence;
  s.element_kind = 1;
  CHECK(again(s, Type::sequence(kTensor)).elements.empty());
  CHECK(again(s, Type::sequence(kTensor)).element_kind == 1);
  s.elements = {tensor(1), tensor(2)};
  const FileValue r = again(s, Type::sequence(kTensor));
  REQUIRE(r.elements.size() == 2);
  CHECK(r.elements[1].tensor.data<float>()[0] == 2);
}

TEST_CASE("optionals with and without a value") {
  const Type type = Type::optional(kTensor);
  CHECK(again(FileValue(), type).kind == Kind::none);
  CHECK(again(tensor(3), type).tensor.data<float>()[0] == 3);
  FileValue s;
  s.kind = Kind::sequence;
  s.elements = {tensor(4)};
  CHECK(again(s, Type::optional(Type::sequence(kTensor))).elements[0].tensor.data<float>()[0] == 4);
}

TEST_CASE("maps") {
  FileValue m;
  m.kind = Kind::map;
  m.key = DType::string;
  m.string_keys = {"a", "b"};
  m.elements = {tensor(1), tensor(2)};
  Type type;
  type.kind = Type::Kind::map;
  const FileValue r = again(m, type);
  CHECK(r.string_keys == m.string_keys);
  CHECK(r.key == DType::string);
  CHECK(r.elements[1].tensor.data<float>()[0] == 2);
  m.string_keys.pop_back();
  CHECK_THROWS_AS(again(m, type), Error);
}

TEST_CASE("external data and damaged files are refused") {
  const auto refuse = [](const Wire& w) { read_value(std::as_bytes(std::span(w.str())), nullptr, kTensor); };
  CHECK_THROWS_AS(refuse(Wire().number(1, 1).number(2, 1).number(14, 1).add(13, Wire().bytes(1, "location").bytes(2, "x"))), Error);
  CHECK_THROWS_AS(refuse(Wire().number(1, 1).number(2, 1).bytes(9, "123")), Error);
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
