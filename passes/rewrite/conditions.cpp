// The conditions that most rules need. Each holds for an absent optional input: what is not there cannot be wrong.
#include <fmt/format.h>

#include "passes/rewrite/rule.h"
#include "passes/rewrite/words.h"

namespace onnxopt {
namespace {

std::vector<std::string> words(std::string_view names) {
  std::vector<std::string> list;
  for (const std::string_view w : split_words(names)) list.emplace_back(w);
  return list;
}

// `test` sees every named value that is present.
template <class F>
Where for_each(std::string_view condition, std::string_view names, F test) {
  return {.what = fmt::format("{}({})", condition, names), .names = words(names), .each = [test](const Match& m, std::string_view name) {
            const Value* v = m[name];
            return !v || test(*v, m);
          }};
}

// `test` sees the node that makes `output`.
template <class F>
Where for_node(std::string what, std::string_view output, F test) {
  return {.what = std::move(what),
          .holds = [test, name = std::string(output)](const Match& m) { return !m.has_node(name) || test(m.node(name)); },
          .names = {std::string(output)}};
}

}  // namespace

const Tensor* constant_of(const Value* v, const PassContext& ctx) {
  if (!v || !v->constant()) return nullptr;
  if (v->extra() && v->extra()->sparse) return nullptr;
  return ctx.keep_overridable && v->is_graph_input() ? nullptr : v->constant();
}

Where is_constant(std::string_view names) {
  return for_each("is_constant", names, [](const Value& v, const Match& m) { return constant_of(&v, m.context()) != nullptr; });
}

Where used_once(std::string_view names) {
  return for_each("used_once", names, [](const Value& v, const Match&) { return v.used_once(); });
}

Where attr_is(std::string_view output, std::string_view attr, std::int64_t v) {
  return for_node(fmt::format("attr_is({}, {}, {})", output, attr, v), output, [attr = std::string(attr), v](const Node& n) {
    if (!n.attrs().has(attr) && !n.op().find_attr(attr)) return true;  // an op without this attribute
    if (n.attrs().has(attr)) return n.attr_or<std::int64_t>(attr, v - 1) == v;
    const AttrSpec* spec = n.op().find_attr(attr);
    return spec->has_default && spec->i == v;
  });
}

Where attr_is(std::string_view output, std::string_view attr, std::string_view v) {
  return for_node(fmt::format("attr_is({}, {}, {})", output, attr, v), output, [attr = std::string(attr), v = std::string(v)](const Node& n) {
    if (!n.attrs().has(attr) && !n.op().find_attr(attr)) return true;
    if (n.attrs().has(attr)) return n.attr_or<std::string>(attr, v + "?") == v;
    const AttrSpec* spec = n.op().find_attr(attr);
    return spec->has_default && spec->s == v;
  });
}

Where attr_absent(std::string_view output, std::string_view attr) {
  return for_node(fmt::format("attr_absent({}, {})", output, attr), output,
                  [attr = std::string(attr)](const Node& n) { return !n.attrs().has(attr); });
}

Where input_absent(std::string_view names) {
  return for_each("input_absent", names, [](const Value&, const Match&) { return false; });
}

Where has_rank(std::string_view name, std::int64_t rank) {
  Where w = for_each("has_rank", name, [rank](const Value& v, const Match&) { return v.type.has_rank() && v.type.rank() == rank; });
  w.what = fmt::format("has_rank({}, {})", name, rank);
  return w;
}

Where rank_known(std::string_view names) {
  return for_each("rank_known", names, [](const Value& v, const Match&) { return v.type.has_rank(); });
}

Where static_shape(std::string_view names) {
  return for_each("static_shape", names, [](const Value& v, const Match&) { return v.type.is_static(); });
}

Where same_shape(std::string_view a, std::string_view b) {
  return {.what = fmt::format("same_shape({}, {})", a, b),
          .holds =
              [a = std::string(a), b = std::string(b)](const Match& m) {
                const Value *x = m[a], *y = m[b];
                if (!x || !y) return true;
                if (!x->type.has_rank() || !y->type.has_rank() || x->type.rank() != y->type.rank()) return false;
                for (std::size_t i = 0; i < x->type.shape->size(); ++i)
                  if (!same((*x->type.shape)[i], (*y->type.shape)[i]) &&
                      !m.context().model->symbols().provably_equal((*x->type.shape)[i], (*y->type.shape)[i]))
                    return false;
                return true;
              },
          .names = {std::string(a), std::string(b)}};
}

Where is_float_tensor(std::string_view names) {
  return for_each("is_float_tensor", names, [](const Value& v, const Match&) { return v.type.is_tensor() && is_float(v.type.dtype); });
}

Where dtype_is(std::string_view names, DType t) {
  Where w = for_each("dtype_is", names, [t](const Value& v, const Match&) { return v.type.is_tensor() && v.type.dtype == t; });
  w.what = fmt::format("dtype_is({}, {})", names, dtype_name(t));
  return w;
}

Where custom(std::string what, std::function<bool(const Match&)> holds) { return {.what = std::move(what), .holds = std::move(holds)}; }

}  // namespace onnxopt
