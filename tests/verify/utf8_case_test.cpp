#include "verify/kernels_ref/utf8_case.h"

#include <doctest/doctest.h>

#include "ir/core/error.h"

using namespace onnxopt;
using ref::CaseChange;
using ref::change_case;

TEST_SUITE("utf8_case_test") {
  TEST_CASE("simple mappings in one, two, three and four bytes") {
    CHECK(change_case("AbC-1", CaseChange::lower) == "abc-1");
    CHECK(change_case("ÉLAN Ωmega ЖУК", CaseChange::lower) == "élan ωmega жук");
    CHECK(change_case("élan ωmega жук", CaseChange::upper) == "ÉLAN ΩMEGA ЖУК");
    CHECK(change_case("Ā ā Ă ă", CaseChange::upper) == "Ā Ā Ă Ă");  // alternating pairs
    CHECK(change_case("ẞ", CaseChange::lower) == "ß");
    CHECK(change_case("ß ﬁ", CaseChange::upper) == "ß ﬁ");  // no expansion
    CHECK(change_case("ΑΣ", CaseChange::lower) == "ασ");
    CHECK(change_case("𐐀", CaseChange::lower) == "𐐨");
    CHECK(change_case("ⱥ", CaseChange::upper) == "Ⱥ");  // three bytes become two
    CHECK(change_case("漢字", CaseChange::upper) == "漢字");
  }

  TEST_CASE("what is not UTF-8 is refused") {
    for (const char* bad : {"\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"})
      CHECK_THROWS_AS(change_case(bad, CaseChange::lower), Error);
    CHECK(change_case("\xFF", CaseChange::none) == "\xFF");
  }
}
