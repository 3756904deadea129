#include <cmath>
#include <map>
#include <type_traits>

#include "passes/cleanup/facts.h"

namespace onnxopt {
namespace {

template <class T>
struct Names;
template <>
struct Names<std::int64_t> {
  static constexpr const char *keys = "keys_int64s", *values = "values_int64s", *otherwise = "default_int64";
};
template <>
struct Names<float> {
  static constexpr const char *keys = "keys_floats", *values = "values_floats", *otherwise = "default_float";
};
template <>
struct Names<std::string> {
  static constexpr const char *keys = "keys_strings", *values = "values_strings", *otherwise = "default_string";
};

const Node* encoder(const Node* n) {
  return n && !n->kept && n->op().domain == "ai.onnx.ml" && n->op().name == "LabelEncoder" && plain(*n) ? n : nullptr;
}

// A value of the first as the second reads it; none if that is not exact, or no number.
template <class M, class A>
std::optional<M> as_read(const A& v) {
  if constexpr (std::is_same_v<A, std::int64_t> && std::is_same_v<M, float>) {
    constexpr std::int64_t kExact = std::int64_t{1} << 24;
    if (v < -kExact || v > kExact) return std::nullopt;
    return static_cast<float>(v);
  } else {
    if constexpr (std::is_same_v<A, float>)
      if (std::isnan(v)) return std::nullopt;
    return v;
  }
}

// `second` after `first`, which makes A, read as M: the keys of `first`, and what `second` makes of its values.
template <class A, class M, class V>
std::optional<Attrs> joined(const Node& first, const Node& second) {
  const auto* values = first.attrs().get<std::vector<A>>(Names<A>::values);
  const auto* keys = second.attrs().get<std::vector<M>>(Names<M>::keys);
  const auto* results = second.attrs().get<std::vector<V>>(Names<V>::values);
  if (!values || !keys || !results || keys->size() != results->size()) return std::nullopt;
  std::map<M, V> table;
  for (std::size_t i = 0; i < keys->size(); ++i)  // which of two counts is not said
    if (!as_read<M>((*keys)[i]) || !table.emplace((*keys)[i], (*results)[i]).second) return std::nullopt;
  const V otherwise = second.attr<V>(Names<V>::otherwise);
  const auto through = [&](const A& a) -> std::optional<V> {
    const auto m = as_read<M>(a);
    if (!m) return std::nullopt;
    const auto it = table.find(*m);
    return it == table.end() ? otherwise : it->second;
  };
  Attrs attrs;
  for (const Attribute& a : first.attrs())
    if (a.name.starts_with("keys_")) attrs.add(a);
  std::vector<V> out;
  for (const A& a : *values) {
    const auto v = through(a);
    if (!v) return std::nullopt;
    out.push_back(*v);
  }
  const auto last = through(first.attr<A>(Names<A>::otherwise));
  if (!last) return std::nullopt;
  attrs.set(Names<V>::values, out);
  attrs.set(Names<V>::otherwise, *last);
  return attrs;
}

template <class A, class M>
std::optional<Attrs> joined_by(const Node& first, const Node& second) {
  if (auto a = joined<A, M, std::int64_t>(first, second)) return a;
  if (auto a = joined<A, M, std::string>(first, second)) return a;
  return joined<A, M, float>(first, second);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* between = made_by(n.input(0), "Cast");
  if (between && (between->attr<std::int64_t>("to") != static_cast<std::int64_t>(DType::float32) || !n.input(0)->used_once())) between = nullptr;
  const Value* made = between ? between->input(0) : n.input(0);
  const Node* first = encoder(made->producer());
  if (!first || !made->used_once()) return no(rw, "the input is not a LabelEncoder that nobody else reads");
  std::optional<Attrs> attrs;
  if (between) {
    attrs = joined_by<std::int64_t, float>(*first, n);
  } else {
    attrs = joined_by<std::int64_t, std::int64_t>(*first, n);
    if (!attrs) attrs = joined_by<std::string, std::string>(*first, n);
    if (!attrs) attrs = joined_by<float, float>(*first, n);
  }
  if (!attrs) return no(rw, "no lists of keys and values, or a key stands twice");
  if (between) rw.consume(*between);
  return becomes(n, rw, rw.call(n.op(), {first->input(0)}, std::move(*attrs)).front());
}

}  // namespace

// LabelEncoder <keys = l, values = m> (LabelEncoder <keys = k, values = l> (x))  ==>  LabelEncoder <keys = k, values = m> (x)
NodeRule merge_label_encoders() { return {"merge-label-encoders", "One LabelEncoder for two in a row", "ai.onnx.ml.LabelEncoder", Level::o1, visit}; }

}  // namespace onnxopt
