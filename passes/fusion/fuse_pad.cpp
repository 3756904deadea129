#include "passes/fusion/fuse_pad.h"

#include <algorithm>

#include "passes/fusion/weights.h"

namespace onnxopt {

namespace {

// Pads of all axes, begins then ends; nullopt: not constant.
std::optional<Ints> all_pads(const Node& pad, std::int64_t rank, const PassContext& ctx) {
  const auto pads = ints_of(pad.input(1), ctx);
  if (!pads) return std::nullopt;
  if (!pad.input(3)) return static_cast<std::int64_t>(pads->size()) == 2 * rank ? pads : std::nullopt;
  const auto axes = ints_of(pad.input(3), ctx);
  if (!axes || pads->size() != 2 * axes->size()) return std::nullopt;
  Ints all(static_cast<std::size_t>(2 * rank), 0);
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const std::int64_t axis = (*axes)[i] < 0 ? (*axes)[i] + rank : (*axes)[i];
    if (axis < 0 || axis >= rank) return std::nullopt;
    all[static_cast<std::size_t>(axis)] = (*pads)[i];
    all[static_cast<std::size_t>(axis + rank)] = (*pads)[i + axes->size()];
  }
  return all;
}

constexpr std::size_t kMostReaders = 16;

// Nobody reads `padded` but nodes like `n`, each of which can take the pads: the Pad goes with the last of them.
bool read_alike(const Value& padded, const Node& n) {
  if (padded.is_graph_output() || padded.uses().size() > kMostReaders) return false;
  return std::all_of(padded.uses().begin(), padded.uses().end(), [&](const Use& u) {
    const Node& other = *u.node;
    if (u.index != 0 || !other.is(n.op().name) || other.kept || other.graph() != n.graph()) return false;
    const std::string auto_pad = other.attr<std::string>("auto_pad");
    return auto_pad == "NOTSET" || auto_pad == "VALID";
  });
}

}  // namespace

std::optional<PadBefore> pad_before(const Node& n, Rewriter& rw) {
  const auto no = [&](const char* why) {
    rw.give_up(why);
    return std::nullopt;
  };
  const Value* v = n.input(0);
  const Node* pad = v ? v->producer() : nullptr;
  if (!pad || pad->kept || !pad->is("Pad")) return std::nullopt;
  if (!v->used_once() && !(n.is("Conv") && read_alike(*v, n))) return no("the padded value has another reader");
  if (pad->attr<std::string>("mode") != "constant") return no("the Pad is not of mode constant");
  const std::string auto_pad = n.attr<std::string>("auto_pad");
  if (auto_pad != "NOTSET" && auto_pad != "VALID") return no("auto_pad");
  const Type& padded = v->type;
  if (!padded.has_rank() || padded.rank() < 3) return no("the rank is not known");
  const auto all = all_pads(*pad, padded.rank(), rw.context());
  if (!all) return no("the pads are not constant");
  const auto rank = static_cast<std::size_t>(padded.rank()), spatial = rank - 2;
  if (std::any_of(all->begin(), all->end(), [](std::int64_t p) { return p < 0; })) return no("a negative pad crops");
  if ((*all)[0] || (*all)[1] || (*all)[rank] || (*all)[rank + 1]) return no("batch or channels are padded");
  PadBefore r;
  r.pad = pad;
  if (pad->input(2)) {
    const auto value = scalar_of(pad->input(2), rw.context());
    if (!value) return no("the pad value is not constant");
    r.value = *value;
  }
  const Ints own = auto_pad == "VALID" ? Ints{} : n.attr_or<Ints>("pads", {});
  if (!own.empty() && own.size() != 2 * spatial) return std::nullopt;
  for (std::size_t i = 0; i < 2 * spatial; ++i) {
    r.added.push_back((*all)[i < spatial ? 2 + i : rank + 2 + i - spatial]);
    r.pads.push_back(r.added.back() + (own.empty() ? 0 : own[i]));
  }
  r.padded_itself = std::any_of(own.begin(), own.end(), [](std::int64_t p) { return p != 0; });
  return r;
}

Attrs with_pads(const Node& n, Ints pads) {
  Attrs attrs = n.attrs();
  attrs.remove("auto_pad");
  attrs.set("pads", std::move(pads));
  return attrs;
}

}  // namespace onnxopt
