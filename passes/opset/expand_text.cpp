// Strings, of which older opsets only copy and, from 9 on, count those that are in a list.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "passes/opset/expand_families.h"
#include "passes/opset/expand_index.h"
#include "passes/opset/finite_pattern.h"

namespace onnxopt::expand_fn {
namespace {

// For each of the strings [n, 1] its place in `words`, from 1; 0: it is not there. As float [n, 1].
Value* places_in(Expansion& e, Value* column, const std::vector<std::string>& words) {
  Floats places;
  for (std::size_t i = 0; i < words.size(); ++i) places.push_back(static_cast<float>(i + 1));
  return e.op("TfIdfVectorizer", {column},
              {{"mode", std::string("TFIDF")},
               {"min_gram_length", std::int64_t{1}},
               {"max_gram_length", std::int64_t{1}},
               {"max_skip_count", std::int64_t{0}},
               {"ngram_counts", Ints{0}},
               {"ngram_indexes", Ints(words.size(), 0)},
               {"weights", places},
               {"pool_strings", Strings(words.begin(), words.end())}});
}

std::vector<std::string> distinct(std::span<const std::string> all) {
  const std::set<std::string> set(all.begin(), all.end());
  return {set.begin(), set.end()};
}

const Tensor* constant_strings(const Expansion& e, std::size_t i) {
  const Tensor* t = e.constant(i);
  return t && t->dtype() == DType::string ? t : nullptr;
}

// int64 in the shape of input i.
Value* numbered(Expansion& e, std::size_t i, const std::vector<std::string>& words) {
  if (const Tensor* t = constant_strings(e, i)) {
    Ints places;
    for (const std::string& s : t->strings()) places.push_back(std::lower_bound(words.begin(), words.end(), s) - words.begin() + 1);
    return e.tensor(Tensor::of<std::int64_t>(t->dims(), places), "places");
  }
  Value* found = places_in(e, e.reshape(e.in(i), {-1, 1}), words);
  return e.reshape_like(e.cast(found, DType::int64), e.in(i));
}

}  // namespace

// Equal took strings from opset 19 on: their numbers are compared.
std::string equal_strings(Expansion& e) {
  if (e.opset() >= 11) {
    Value *a = e.reshape(e.in(0), {-1}), *b = e.reshape(e.in(1), {-1});
    Value* number = e.make("Unique", {e.concat({a, b}, 0)}, {{"sorted", std::int64_t{0}}}, 3).output(2);
    Value* middle = e.shape_value(a);
    Value* first = e.op("Slice", {number, e.ints({0}, "starts"), middle, e.ints({0}, "axes")});
    Value* second = e.op("Slice", {number, middle, e.ints({INT64_MAX}, "ends"), e.ints({0}, "axes")});
    e.result(0, e.op("Equal", {e.reshape_like(first, e.in(0)), e.reshape_like(second, e.in(1))}));
    return "";
  }
  if (e.opset() < 9) return "type: strings that are compared before opset 9";
  const Tensor* known = constant_strings(e, 0) ? constant_strings(e, 0) : constant_strings(e, 1);
  if (!known) return "non-constant operand: two strings before opset 11";
  if (known->size() == 0) return "no decomposition: no strings";
  const auto words = distinct(known->strings());
  e.result(0, e.op("Equal", {numbered(e, 0, words), numbered(e, 1, words)}));
  return "";
}

// A pattern that only some strings match is a list of these.
std::string regex_full_match(Expansion& e) {
  const auto words = strings_of_pattern(e.text("pattern"));
  if (!words) return "no decomposition: a pattern that is no list of strings";
  if (const Tensor* x = constant_strings(e, 0)) {
    std::vector<std::byte> hits;
    for (const std::string& s : x->strings()) hits.push_back(std::byte(std::ranges::binary_search(*words, s) ? 1 : 0));
    e.result(0, e.op("Identity", {e.tensor(Tensor::from_bytes(DType::boolean, x->dims(), std::move(hits)), "matches")}));
    return "";
  }
  if (e.opset() < 9) return "type: strings that are compared before opset 9";
  Value* found = places_in(e, e.reshape(e.in(0), {-1, 1}), *words);
  e.result(0, e.op("Greater", {e.reshape_like(found, e.in(0)), e.scalar(DType::float32, 0)}));
  return "";
}

namespace {

std::size_t place(const Dims& dims, const Dims& to, std::size_t i) {
  std::size_t at = 0, stride = 1;
  for (std::size_t d = to.size(), k = dims.size(); d-- > 0 && k > 0;) {
    --k;
    const auto size = static_cast<std::size_t>(to[d]);
    if (dims[k] != 1) at += i % size * stride;
    stride *= static_cast<std::size_t>(dims[k]);
    i /= size;
  }
  return at;
}

bool empty_text(const Tensor* t) { return t && t->size() == 1 && t->strings()[0].empty(); }

}  // namespace

// No older operator makes a string; of constants the result is one.
std::string string_concat(Expansion& e) {
  const Tensor *a = constant_strings(e, 0), *b = constant_strings(e, 1);
  for (const auto& [text, other] : {std::pair{a, std::size_t{1}}, std::pair{b, std::size_t{0}}})
    if (empty_text(text) && !(a && b) && text->rank() == 0) {
      e.result(0, e.op("Identity", {e.in(other)}));
      return "";
    }
  const Shape* s = Expansion::shape_of(e.node().output());
  if (!a || !b || !s) return "non-constant operand: strings";
  Dims dims;
  std::size_t count = 1;
  for (const Dim& d : *s) {
    dims.push_back(d.value());
    count *= static_cast<std::size_t>(d.value());
  }
  Strings made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(a->strings()[place(a->dims(), dims, i)] + b->strings()[place(b->dims(), dims, i)]);
  e.result(0, e.op("Identity", {e.tensor(Tensor::from_strings(dims, std::move(made)), "text")}));
  return "";
}

namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";

// As Python splits.
Strings parts_of(const std::string& s, const std::string& delimiter, std::size_t most) {
  Strings parts;
  if (delimiter.empty()) {
    for (std::size_t at = s.find_first_not_of(kSpace); at != s.npos;) {
      const bool last = parts.size() == most;
      const std::size_t end = last ? s.find_last_not_of(kSpace) + 1 : std::min(s.find_first_of(kSpace, at), s.size());
      parts.push_back(s.substr(at, end - at));
      at = last ? s.npos : s.find_first_not_of(kSpace, end);
    }
    return parts;
  }
  std::size_t at = 0;
  for (std::size_t end; parts.size() < most && (end = s.find(delimiter, at)) != s.npos; at = end + delimiter.size())
    parts.push_back(s.substr(at, end - at));
  parts.push_back(s.substr(at));
  return parts;
}

bool is_ascii(std::span<const std::string> all) {
  return std::ranges::all_of(all,
                             [](const std::string& s) { return std::ranges::all_of(s, [](char c) { return static_cast<unsigned char>(c) < 128; }); });
}

}  // namespace

std::string string_split(Expansion& e) {
  const Tensor* x = constant_strings(e, 0);
  if (!x) return "non-constant operand: strings";
  if (!is_ascii(x->strings())) return "no decomposition: white space beyond ASCII";
  const std::int64_t most = e.node().attrs().has("maxsplit") ? e.integer("maxsplit") : -1;
  std::vector<Strings> all;
  Ints counts;
  std::size_t width = 0;
  for (const std::string& s : x->strings()) {
    all.push_back(parts_of(s, e.text("delimiter"), most < 0 ? SIZE_MAX : static_cast<std::size_t>(most)));
    counts.push_back(static_cast<std::int64_t>(all.back().size()));
    width = std::max(width, all.back().size());
  }
  Strings made;
  for (Strings& parts : all) {
    parts.resize(width);
    made.insert(made.end(), parts.begin(), parts.end());
  }
  Dims dims = x->dims();
  e.result(1, e.op("Identity", {e.tensor(Tensor::of<std::int64_t>(dims, counts), "counts")}));
  dims.push_back(static_cast<std::int64_t>(width));
  e.result(0, e.op("Identity", {e.tensor(Tensor::from_strings(dims, std::move(made)), "text")}));
  return "";
}

namespace {

std::string in_case(std::string s, const std::string& change) {
  const bool up = change == "UPPER", down = change == "LOWER";
  for (char& c : s)
    if ((up && c >= 'a' && c <= 'z') || (down && c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 32);
  return s;
}

// What is left, or one empty string. `kept` [n] strings of one axis, the last of `rank`.
Value* or_an_empty_one(Expansion& e, Value* kept, std::int64_t rank) {
  const Index n = dim_of(e, kept, 0);
  Value* y = kept;
  if (!n.number || *n.number == 0) {
    Value* one = e.tensor(Tensor::from_strings({1}, {""}), "empty");
    y = e.op("Gather", {e.concat({kept, one}, 0), range(e, 0, max(e, n, 1))}, {{"axis", std::int64_t{0}}});
  }
  return rank == 2 ? e.reshape(y, {1, -1}) : y;
}

}  // namespace

// Before opset 10 strings may be left out, from 9 on, but not changed.
std::string string_normalizer(Expansion& e) {
  const auto rank = e.rank(0);
  if (!rank || *rank < 1 || *rank > 2) return "the rank of the input is not known";
  const auto* listed = e.node().attrs().get<Strings>("stopwords");
  const Strings stop = listed ? *listed : Strings();
  const std::string change = e.text("case_change_action", "NONE");
  const bool exact = e.integer("is_case_sensitive", 0) != 0;
  if (const Tensor* x = constant_strings(e, 0)) {
    if (!is_ascii(x->strings()) || !is_ascii(stop)) return "no decomposition: the case of characters beyond ASCII";
    const std::string compared = exact ? "NONE" : "LOWER";
    Strings left;
    for (const std::string& s : x->strings())
      if (std::ranges::none_of(stop, [&](const std::string& w) { return in_case(w, compared) == in_case(s, compared); }))
        left.push_back(in_case(s, change));
    if (left.empty()) left.emplace_back();
    Dims dims(static_cast<std::size_t>(*rank), 1);
    dims.back() = static_cast<std::int64_t>(left.size());
    e.result(0, e.op("Identity", {e.tensor(Tensor::from_strings(dims, std::move(left)), "text")}));
    return "";
  }
  if (change != "NONE" || (!stop.empty() && !exact)) return "non-constant operand: strings whose case is changed or not looked at";
  Value* x = *rank == 1 ? e.in(0) : e.reshape(e.in(0), {-1});
  if (!stop.empty()) {
    if (e.opset() < 9) return "type: strings that are compared before opset 9";
    Value* found = e.reshape(places_in(e, e.reshape(x, {-1, 1}), distinct(stop)), {-1});
    x = e.op("Compress", {x, e.op("Not", {e.cast(found, DType::boolean)})}, {{"axis", std::int64_t{0}}});
  }
  Value* y = or_an_empty_one(e, x, *rank);
  e.result(0, y == e.in(0) ? e.op("Identity", {y}) : y);
  return "";
}

namespace {

struct Grams {
  std::int64_t length;
  Ints items, columns;  // the items one gram after the other, and where each gram counts
  Floats weights;
};

std::string read_grams(const Expansion& e, std::vector<Grams>& all, std::int64_t& width) {
  const std::string malformed = "no decomposition: this form of TfIdfVectorizer";
  const Ints *pool = e.integers("pool_int64s"), *starts = e.integers("ngram_counts"), *columns = e.integers("ngram_indexes");
  const auto* weights = e.node().attrs().get<Floats>("weights");
  const std::string mode = e.text("mode");
  const std::int64_t shortest = e.integer("min_gram_length"), longest = e.integer("max_gram_length");
  if (!pool || !starts || !columns || columns->empty() || (mode != "TF" && mode != "IDF" && mode != "TFIDF")) return malformed;
  if (weights && !weights->empty() && weights->size() != columns->size()) return malformed;
  for (const std::int64_t c : *columns) {
    if (c < 0 || c > INT32_MAX) return malformed;
    width = std::max(width, c + 1);
  }
  std::set<Ints> seen;
  std::size_t gram = 0;
  for (std::size_t k = 0; k < starts->size(); ++k) {
    const auto length = static_cast<std::int64_t>(k) + 1, size = static_cast<std::int64_t>(pool->size());
    const std::int64_t from = (*starts)[k], to = k + 1 < starts->size() ? (*starts)[k + 1] : size;
    if (from < 0 || to < from || to > size || (to - from) % length != 0) return malformed;
    Grams g{length, {}, {}, {}};
    for (std::int64_t at = from; at < to; at += length, ++gram) {
      const Ints one(pool->begin() + at, pool->begin() + at + length);
      const float weight = mode == "TF" || !weights || weights->empty() ? 1.0f : (*weights)[std::min(gram, weights->size() - 1)];
      if (gram >= columns->size() || !seen.insert(one).second || !std::isfinite(weight)) return malformed;
      g.items.insert(g.items.end(), one.begin(), one.end());
      g.columns.push_back((*columns)[gram]);
      g.weights.push_back(weight);
    }
    if (length >= shortest && length <= longest && !g.columns.empty()) all.push_back(std::move(g));
  }
  return "";
}

// How often each gram of one length stands in each row of x [n, c], its items `distance` apart: float [n, grams].
Value* counted(Expansion& e, Value* x, const Grams& g, std::int64_t distance) {
  const auto grams = static_cast<std::int64_t>(g.columns.size());
  Value* all = nullptr;
  for (std::int64_t k = 0; k < g.length; ++k) {
    const std::int64_t behind = (g.length - 1 - k) * distance;
    Value* items = e.slice(x, k * distance, behind == 0 ? INT64_MAX : -behind, 1);
    Ints wanted;
    for (std::int64_t i = 0; i < grams; ++i) wanted.push_back(g.items[static_cast<std::size_t>(i * g.length + k)]);
    Value* hit = e.op("Equal", {e.unsqueeze(items, {2}), e.tensor(Tensor::of<std::int64_t>({1, 1, grams}, wanted), "items")});
    all = all ? e.op("And", {all, hit}) : hit;
  }
  return e.reduce("ReduceSum", e.cast(all, DType::float32), {1}, false);
}

}  // namespace

// The grams of integers are compared with what stands at every place.
std::string tfidf_vectorizer(Expansion& e) {
  const auto rank = e.rank(0);
  const std::int64_t skips = e.integer("max_skip_count");
  if (!rank || *rank < 1 || *rank > 2) return "the rank of the input is not known";
  if (e.dtype(0) != DType::int64 && e.dtype(0) != DType::int32) return "type: strings that are compared before opset 9";
  std::vector<Grams> all;
  std::int64_t width = 0;
  if (auto why = read_grams(e, all, width); !why.empty()) return why;
  if (skips < 0 || skips > 256 || width * static_cast<std::int64_t>(e.integers("ngram_indexes")->size()) > std::int64_t{1} << 24)
    return "no decomposition: this form of TfIdfVectorizer";
  Value* x = e.cast(e.in(0), DType::int64);
  if (*rank == 1) x = e.unsqueeze(x, {0});
  Value* sum = nullptr;
  for (const Grams& g : all) {
    Value* counts = counted(e, x, g, 1);
    for (std::int64_t d = 2; d <= skips + 1 && g.length > 1; ++d) counts = e.add(counts, counted(e, x, g, d));
    if (e.text("mode") == "IDF") counts = e.cast(e.cast(counts, DType::boolean), DType::float32);
    std::vector<float> to(g.columns.size() * static_cast<std::size_t>(width));
    for (std::size_t i = 0; i < g.columns.size(); ++i)
      to[i * static_cast<std::size_t>(width) + static_cast<std::size_t>(g.columns[i])] = g.weights[i];
    Value* part = e.op("MatMul", {counts, e.tensor(Tensor::of<float>({static_cast<std::int64_t>(g.columns.size()), width}, to), "weights")});
    sum = sum ? e.add(sum, part) : part;
  }
  if (!sum) sum = e.op("Expand", {e.scalar(DType::float32, 0), vector_of(e, {dim_of(e, x, 0), Index(width)})});
  e.result(0, *rank == 1 ? e.squeeze(sum, {0}) : sum);
  return "";
}

}  // namespace onnxopt::expand_fn
