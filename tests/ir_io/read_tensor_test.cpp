#include <doctest/doctest.h>

#include "ir/io/sha1.h"
#include "tests/ir_io/wire_builder.h"
#include "tests/source_dir.h"

TEST_SUITE_BEGIN("read_tensor_test");

namespace onnxopt {
namespace {

using namespace test;

Wire initializer(const Wire& tensor) { return model(Wire().add(5, Wire(tensor).bytes(8, "w"))); }
Tensor tensor(const Wire& t) { return *read(initializer(t))->graph().constants()[0]->constant(); }
std::string why_not(const Wire& t) { return refusal(initializer(t)); }
std::string raw(const Tensor& t) { return {reinterpret_cast<const char*>(t.bytes().data()), t.byte_size()}; }
Wire of(DType t, std::initializer_list<std::uint64_t> dims) {
  Wire w;
  for (const auto d : dims) w.number(1, d);
  return w.number(2, static_cast<std::uint64_t>(t));
}

TEST_CASE("raw_data, float_data and double_data are views with their bytes") {
  const std::string bytes("\x00\x00\x80\x3f\x00\x00\x00\x40", 8);
  CHECK(raw(tensor(of(DType::float32, {2}).bytes(9, bytes))) == bytes);
  CHECK(raw(tensor(of(DType::float32, {2}).bytes(4, bytes))) == bytes);
  CHECK(raw(tensor(of(DType::float32, {2}).fixed32(4, 1).fixed32(4, 2))) == bytes);
  CHECK(raw(tensor(of(DType::float32, {2}).bytes(4, bytes.substr(0, 4)).fixed32(4, 2))) == bytes);
  CHECK(raw(tensor(of(DType::complex64, {1}).bytes(4, bytes))) == bytes);
  CHECK(raw(tensor(of(DType::float64, {1}).bytes(10, bytes))) == bytes);
}

TEST_CASE("typed integer fields") {
  CHECK(tensor(of(DType::int64, {2}).number(7, 5).number(7, ~0ull)).data<std::int64_t>()[1] == -1);
  CHECK(tensor(of(DType::int64, {2}).bytes(7, "\x05\x06")).data<std::int64_t>()[1] == 6);
  CHECK(tensor(of(DType::int32, {1}).number(5, ~0ull)).data<std::int32_t>()[0] == -1);
  CHECK(raw(tensor(of(DType::int8, {2}).number(5, ~1ull).number(5, 3))) == "\xfe\x03");
  CHECK(raw(tensor(of(DType::float16, {1}).number(5, 0x3c00))) == std::string("\x00\x3c", 2));
  CHECK(raw(tensor(of(DType::boolean, {2}).number(5, 7).number(5, 0))) == std::string("\x01\x00", 2));
  CHECK(tensor(of(DType::uint64, {1}).number(11, ~0ull)).data<std::uint64_t>()[0] == ~0ull);
  CHECK(tensor(of(DType::uint32, {1}).number(11, 4000000000u)).data<std::uint32_t>()[0] == 4000000000u);
  CHECK(raw(tensor(of(DType::int4, {3}).number(5, 0x21).number(5, 0x03))) == "\x21\x03");
  CHECK(raw(tensor(of(DType::uint2, {5}).number(5, 0x1b).number(5, 0x02))) == "\x1b\x02");
}

TEST_CASE("float6 elements come one a number and are packed") {
  const Tensor t = tensor(of(DType::float6e2m3, {5}).number(5, 1).number(5, 2).number(5, 3).number(5, 4).number(5, 63));
  // 1 | 2<<6 | 3<<12 | 4<<18 = 0x103081, then 63
  CHECK(raw(t) == "\x81\x30\x10\x3f");
}

TEST_CASE("strings, empty tensors and scalars") {
  const Tensor s = tensor(of(DType::string, {2}).bytes(6, "a").bytes(6, ""));
  CHECK(s.strings()[0] == "a");
  CHECK(s.strings()[1].empty());
  CHECK(tensor(of(DType::float32, {0})).size() == 0);
  CHECK(tensor(of(DType::float32, {0, 3}).bytes(9, "")).dims() == Dims{0, 3});
  CHECK(tensor(of(DType::float32, {}).fixed32(4, 2)).rank() == 0);
  CHECK(tensor(of(DType::string, {0})).size() == 0);
}

TEST_CASE("data that does not fit is refused") {
  CHECK(has(why_not(of(DType::float32, {2}).bytes(9, "1234")), "tensor 'w': float[2] needs 8 bytes but the file holds 4"));
  CHECK(has(why_not(of(DType::float32, {2})), "needs 8 bytes but the file holds 0"));
  CHECK(has(why_not(of(DType::float32, {1}).bytes(9, "12345678")), "needs 4 bytes but the file holds 8"));
  CHECK(has(why_not(of(DType::int64, {1, 3}).number(7, 1)), "needs 3 numbers but the file holds 1"));
  CHECK(has(why_not(of(DType::string, {3}).bytes(6, "x")), "needs 3 strings but the file holds 1"));
  CHECK(has(why_not(of(DType::float32, {~0ull}).bytes(9, "")), "negative dimension"));
  CHECK(has(why_not(of(DType::float32, {1ull << 40, 1ull << 40})), "overflows"));
  CHECK(has(why_not(of(DType::int64, {1ull << 61})), "overflows"));
  CHECK(has(why_not(of(DType::int8, {1ull << 40}).number(5, 1)), "more than the message has"));  // and nothing was allocated
  CHECK(has(why_not(of(DType::string, {1ull << 40})), "strings"));
  CHECK(has(why_not(of(DType::int32, {1}).number(7, 1)), "field for another type"));
  CHECK(has(why_not(of(DType::float32, {1}).fixed32(4, 1).bytes(9, "1234")), "more than one field"));
  CHECK(has(why_not(of(DType::string, {1}).bytes(9, "x")), "string_data"));
  CHECK(has(why_not(Wire().number(1, 1).bytes(9, "1234")), "no element type"));
  CHECK(has(why_not(Wire().number(2, 99).number(1, 1).bytes(9, "1234")), "element type 99 is not known"));
  CHECK(has(refusal(model(Wire().add(5, of(DType::float32, {0})))), "has no name"));
}

TEST_CASE("names and notes of tensors in attributes come back") {
  const Wire t = of(DType::float32, {1})
                     .bytes(8, "inner name")
                     .bytes(9, "1234")
                     .bytes(12, "a doc")
                     .add(16, Wire().bytes(1, "k").bytes(2, "v"))
                     .add(3, Wire().number(1, 0).number(2, 1));
  const auto m = read(model(Wire().add(1, node("Constant", {}, {"c"}).add(5, Wire().bytes(1, "value").add(5, t).number(20, 4)))));
  const std::string out = serialize_model(*m);
  for (const char* text : {"inner name", "a doc", "1234"}) CHECK(has(out, text));
  CHECK(has(out, Wire().add(3, Wire().number(1, 0).number(2, 1)).str()));
}

TEST_CASE("sparse tensors are checked") {
  const auto sparse = [](std::initializer_list<std::uint64_t> index_dims, std::uint64_t nnz) {
    const std::size_t count = index_dims.size() == 1 ? *index_dims.begin() : *index_dims.begin() * *(index_dims.begin() + 1);
    return model(Wire().add(15, Wire()
                                    .add(1, of(DType::float32, {nnz}).bytes(8, "s").bytes(9, std::string(4 * nnz, 'x')))
                                    .add(2, of(DType::int64, index_dims).bytes(9, std::string(8 * count, '\0')))
                                    .number(3, 4)
                                    .number(3, 5)));
  };
  CHECK(refusal(sparse({2}, 2)).empty());
  CHECK(refusal(sparse({2, 2}, 2)).empty());
  CHECK(has(refusal(sparse({3}, 2)), "sparse tensor with 2 values"));
  const auto at = [](std::string_view index, bool tuple) {
    Wire indices = Wire().number(1, 1);
    if (tuple) indices.number(1, 2);
    return model(Wire().add(15, Wire()
                                    .add(1, of(DType::float32, {1}).bytes(8, "s").bytes(9, "1234"))
                                    .add(2, indices.number(2, 7).bytes(9, index))
                                    .number(3, 4)
                                    .number(3, 5)));
  };
  const std::string zeros(7, '\0'), minus(8, '\xff');
  CHECK(refusal(at("\x13" + zeros, false)).empty());
  CHECK(has(refusal(at("\x14" + zeros, false)), "[4,5] has an element at index 20; indices go from 0 to 19"));
  CHECK(has(refusal(at(minus, false)), "at index -1"));
  CHECK(refusal(at("\x03" + zeros + "\x04" + zeros, true)).empty());
  CHECK(has(refusal(at("\x03" + zeros + "\x05" + zeros, true)), "at index 5; indices go from 0 to 4"));
  CHECK(has(refusal(sparse({2, 3}, 2)), "sparse tensor with 2 values"));
}

TEST_CASE("typed fields and raw_data agree for every element type, as the onnx package writes them") {
  const auto m = read_model(std::filesystem::path(test::source_dir()) / "tests/models/made/every_type.onnx");
  const auto constants = m->graph().constants();
  int compared = 0;
  for (std::size_t i = 0; i + 1 < constants.size(); i += 2) {
    const std::string &one = constants[i]->name(), &two = constants[i + 1]->name();
    if (!has(one, "raw_")) break;
    CAPTURE(one);
    CHECK(one.substr(4) == two.substr(6));
    CHECK(constants[i]->constant()->same_content(*constants[i + 1]->constant()));
    ++compared;
  }
  CHECK(compared == kNumDTypes - 2);  // all but undefined and string
}

TEST_CASE("SHA-1 of the standard's examples") {
  const auto sha1 = [](std::string_view text) {
    Sha1 h;
    h.update(std::as_bytes(std::span(text)));
    return h.hex();
  };
  CHECK(sha1("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(sha1("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") == "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  CHECK(sha1(std::string(1000000, 'a')) == "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
