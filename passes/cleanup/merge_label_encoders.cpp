#include <map>

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

// `second` after `first`, which makes M: the keys of `first`, and what `second` makes of its values.
template <class M, class V>
std::optional<Attrs> joined(const Node& first, const Node& second) {
  const auto *values = first.attrs().get<std::vector<M>>(Names<M>::values), *keys = second.attrs().get<std::vector<M>>(Names<M>::keys);
  const auto* results = second.attrs().get<std::vector<V>>(Names<V>::values);
  if (!values || !keys || !results || keys->size() != results->size()) return std::nullopt;
  std::map<M, V> table;
  for (std::size_t i = 0; i < keys->size(); ++i)
    if (!table.emplace((*keys)[i], (*results)[i]).second) return std::nullopt;  // which of two counts is not said
  const V otherwise = second.attr<V>(Names<V>::otherwise);
  const auto through = [&](const M& m) {
    const auto it = table.find(m);
    return it == table.end() ? otherwise : it->second;
  };
  Attrs attrs;
  for (const Attribute& a : first.attrs())
    if (a.name.starts_with("keys_")) attrs.add(a);
  std::vector<V> out;
  for (const M& m : *values) out.push_back(through(m));
  attrs.set(Names<V>::values, out);
  attrs.set(Names<V>::otherwise, through(first.attr<M>(Names<M>::otherwise)));
  return attrs;
}

template <class M>
std::optional<Attrs> joined_by(const Node& first, const Node& second) {
  if (auto a = joined<M, std::int64_t>(first, second)) return a;
  if (auto a = joined<M, std::string>(first, second)) return a;
  return joined<M, float>(first, second);
}

bool visit(const Node& n, Rewriter& rw) {
  const Node* first = encoder(n.input(0)->producer());
  if (!first || !n.input(0)->used_once()) return no(rw, "the input is not a LabelEncoder that nobody else reads");
  auto attrs = joined_by<std::int64_t>(*first, n);
  if (!attrs) attrs = joined_by<std::string>(*first, n);
  if (!attrs) return no(rw, "no lists of keys and values, or a key stands twice");
  return becomes(n, rw, rw.call(n.op(), {first->input(0)}, std::move(*attrs)).front());
}

}  // namespace

// LabelEncoder <keys = l, values = m> (LabelEncoder <keys = k, values = l> (x))  ==>  LabelEncoder <keys = k, values = m> (x)
NodeRule merge_label_encoders() { return {"merge-label-encoders", "One LabelEncoder for two in a row", "ai.onnx.ml.LabelEncoder", Level::o1, visit}; }

}  // namespace onnxopt
