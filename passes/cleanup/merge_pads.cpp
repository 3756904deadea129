// a = Pad (x, p, value);  y = Pad (a, q, value)  ==>  y = Pad (x, p + q, value)      mode constant, the same value, no negative pads
#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

// Pads of all `rank` dims; nullopt: not known, or a pad that cuts.
std::optional<Ints> full_pads(const Node& n, std::size_t rank) {
  const auto pads = known_ints(n.input(1));
  Ints axes;
  if (n.input(3)) {
    const auto given = known_ints(n.input(3));
    if (!given) return std::nullopt;
    axes = *given;
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  if (!pads || pads->size() != 2 * axes.size()) return std::nullopt;
  Ints r(2 * rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto a = normalize_axis(axes[i], static_cast<std::int64_t>(rank));
    if (!a || (*pads)[i] < 0 || (*pads)[i + axes.size()] < 0) return std::nullopt;
    r[static_cast<std::size_t>(*a)] += (*pads)[i];
    r[static_cast<std::size_t>(*a) + rank] += (*pads)[i + axes.size()];
  }
  return r;
}

bool same_value(const Value* a, const Value* b) {
  if (!a || !b) return (!a && !b) || (splat(a ? a : b) == 0 && !has_negative_zero_bits(a ? a : b));
  return a == b || (a->constant() && b->constant() && a->constant()->same_content(*b->constant()));
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* inner = made_by(n.input(0), "Pad");
  if (!inner || !plain(n)) return no(rw, "the input is not a Pad");
  if (n.attr<std::string>("mode") != "constant" || inner->attr<std::string>("mode") != "constant") return no(rw, "mode is not constant");
  if (!same_value(n.input(2), inner->input(2))) return no(rw, "the values are not the same");
  const auto rank = rank_of(n.input(0));
  const auto p = rank ? full_pads(*inner, static_cast<std::size_t>(*rank)) : std::nullopt;
  auto q = rank ? full_pads(n, static_cast<std::size_t>(*rank)) : std::nullopt;
  if (!p || !q) return no(rw, "the pads are not known, or negative");
  for (std::size_t i = 0; i < p->size(); ++i) (*q)[i] += (*p)[i];
  std::vector<Value*> in{inner->input(0), rw.constant(Tensor::int64s(*q), "pads")};
  if (n.input(2)) in.push_back(n.input(2));
  return becomes(n, rw, rw.op("Pad", in, n.attrs()));
}

}  // namespace

NodeRule merge_pads() { return {"merge-pads", "One Pad for two in a row", "Pad", Level::o1, visit}; }

}  // namespace onnxopt
