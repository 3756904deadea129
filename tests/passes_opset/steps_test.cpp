#include <doctest/doctest.h>

#include <map>
#include <string>

#include "ir/ops/op_table.h"
#include "passes/opset/step.h"

using namespace onnxopt;

TEST_SUITE("steps_test") {
  std::map<std::string, int> listed() {
    std::map<std::string, int> r;
    for (const auto steps : {steps_broadcast(), steps_legacy(), steps_shape(), steps_axis(), steps_reduce(), steps_nn(), steps_resize(),
                             steps_quant(), steps_misc(), steps_ml()})
      for (const Step& s : steps)
        if (s.to_op.empty()) ++r[std::string(s.op) + " " + std::to_string(s.from) + " " + std::to_string(s.to)];
    for (const Relabel& s : relabel_steps()) ++r[std::string(s.op) + " " + std::to_string(s.from) + " " + std::to_string(s.to)];
    return r;
  }

  TEST_CASE("every pair of neighbouring versions is in exactly one table") {
    auto steps = listed();
    const auto rows = all_op_versions();
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i].name != rows[i - 1].name || rows[i].domain != rows[i - 1].domain || rows[i].has(kDeprecated)) continue;
      const std::string key = std::string(rows[i].name) + " " + std::to_string(rows[i - 1].since) + " " + std::to_string(rows[i].since);
      CHECK_MESSAGE(steps[key] == 1, key);
      steps.erase(key);
    }
    for (const auto& [key, count] : steps) CHECK_MESSAGE(count == 0, key);
  }

  TEST_CASE("steps that rename an operator have rows") {
    for (const auto steps : {steps_shape(), steps_resize()})
      for (const Step& s : steps) {
        if (s.to_op.empty()) continue;
        const OpSchema* from = find_op("", s.op, s.from);
        const OpSchema* to = find_op("", s.to_op, s.to);
        REQUIRE(from);
        REQUIRE(to);
        CHECK(from->since == s.from);
        CHECK(to->since == s.to);
      }
  }
}
