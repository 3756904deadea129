#include <doctest/doctest.h>

#include <random>

#include "ir/core/model.h"
#include "ir/ops/op_table.h"
#include "ir/text/text.h"

using namespace onnxopt;

TEST_SUITE("graph_order_test") {
  void check_order(const Graph& g) {
    const Node* previous = nullptr;
    for (const Node& n : g.nodes()) {
      if (previous) REQUIRE(g.is_before(*previous, n));
      previous = &n;
    }
  }

  TEST_CASE("labels follow the list however often nodes go to one place") {
    const auto m = parse_model("g (float x) => (float y) { a = Neg (x) y = Relu (a) }");
    Graph& g = m->graph();
    Value* v = g.inputs()[0];
    for (int i = 0; i < 100000; ++i) v = g.insert_before(*g.last(), op("Neg"), {v}).output();
    check_order(g);
    for (int i = 0; i < 100000; ++i) g.insert_before(*g.first(), op("Neg"), {g.inputs()[0]});
    check_order(g);
  }

  TEST_CASE("labels follow the list when nodes go anywhere, are moved and erased") {
    const auto m = parse_model("g (float x) => (float y) { y = Relu (x) }");
    Graph& g = m->graph();
    std::vector<Node*> made{g.first()};
    std::mt19937 rng(7);
    for (int i = 0; i < 20000; ++i) {
      Node& at = *made[rng() % std::min<std::size_t>(made.size(), 50)];  // few places
      Node& n = g.insert_before(at, op("Neg"), {g.inputs()[0]});
      if (i % 3 == 0) made.push_back(&n);
      if (i % 7 == 0) g.move_before(n, *made[rng() % made.size()]);
      if (i % 5 == 4 && made.back() != &n && !n.erased()) g.erase(n);
    }
    check_order(g);
  }
}
