// TfIdfVectorizer: counts of n-grams, whose items may lie up to max_skip_count apart.
#include <algorithm>
#include <unordered_map>

#include "verify/kernels_ref/families.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
using std::size_t;

constexpr size_t kNone = SIZE_MAX;

// The pool as a tree of items. Node 0 is the root; items are numbered first, so that strings and integers are one case.
struct Grams {
  std::unordered_map<int64_t, size_t> ints;
  std::unordered_map<std::string, size_t> strings;
  std::vector<std::unordered_map<size_t, size_t>> next = {{}};
  std::vector<size_t> gram = {kNone};  // where a gram ends: its place in the pool

  size_t item(const int64_t& v) { return ints.try_emplace(v, ints.size()).first->second; }
  size_t item(const std::string& v) { return strings.try_emplace(v, strings.size()).first->second; }
  size_t find(const int64_t& v) const {
    auto it = ints.find(v);
    return it == ints.end() ? kNone : it->second;
  }
  size_t find(const std::string& v) const {
    auto it = strings.find(v);
    return it == strings.end() ? kNone : it->second;
  }
  size_t step(size_t node, size_t item) const {
    auto it = next[node].find(item);
    return it == next[node].end() ? kNone : it->second;
  }
  size_t grow(size_t node, size_t item) {
    auto [it, fresh] = next[node].try_emplace(item, next.size());
    const size_t to = it->second;
    if (fresh) {
      next.emplace_back();
      gram.push_back(kNone);
    }
    return to;
  }
};

struct Model {
  Grams grams;
  int64_t shortest = 1, longest = 1, skips = 0;
  Ints columns;  // of each gram: its coordinate in the output
  size_t width = 0;
  bool truncate = false;  // IDF: a count is whether there is one
  Floats weights;         // of each gram; empty: 1

  std::vector<double> count(std::span<const size_t> row) const {
    std::vector<double> out(columns.size());
    const auto n = static_cast<int64_t>(row.size());
    int64_t first = shortest;
    for (int64_t distance = 1; distance <= skips + 1 && distance <= n && first <= n; ++distance) {
      for (int64_t start = 0; start + distance * (first - 1) < n; ++start) {
        size_t node = 0;
        int64_t length = 1;
        for (int64_t at = start; at < n && length <= longest; at += distance, ++length) {
          node = row[static_cast<size_t>(at)] == kNone ? kNone : grams.step(node, row[static_cast<size_t>(at)]);
          if (node == kNone) break;
          if (length >= first && grams.gram[node] != kNone) out[grams.gram[node]] += 1;
        }
      }
      // single items have no distances: they count once
      if (first == 1 && ++first > longest) break;
    }
    return out;
  }
  void fill(std::span<const size_t> row, std::span<double> out) const {
    const std::vector<double> counts = count(row);
    for (size_t g = 0; g < counts.size(); ++g) {
      const double c = truncate && counts[g] > 0 ? 1 : counts[g];
      if (c > 0) out[static_cast<size_t>(columns[g])] += weights.empty() ? c : c * static_cast<double>(weights[g]);
    }
  }
};

template <class Pool>
void read_pool(const Pool& pool, const Ints& starts, Model& m) {
  size_t gram = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    const int64_t end = k + 1 < starts.size() ? starts[k + 1] : static_cast<int64_t>(pool.size());
    const auto length = static_cast<int64_t>(k) + 1;
    if (starts[k] < 0 || end < starts[k] || end > static_cast<int64_t>(pool.size()) || (end - starts[k]) % length != 0)
      bad_input(fmt::format("ngram_counts: {} to {} does not hold {}-grams of a pool of {}", starts[k], end, length, pool.size()));
    for (int64_t at = starts[k]; at < end; at += length, ++gram) {
      if (gram >= m.columns.size()) bad_input(fmt::format("{} ngram_indexes are fewer than the n-grams of the pool", m.columns.size()));
      if (length < m.shortest || length > m.longest) continue;
      size_t node = 0;
      for (int64_t i = 0; i < length; ++i) node = m.grams.grow(node, m.grams.item(pool[static_cast<size_t>(at + i)]));
      m.grams.gram[node] = gram;
    }
  }
}

Model read_model(const OpCall& call) {
  Model m;
  m.shortest = attr<int64_t>(call, "min_gram_length");
  m.longest = attr<int64_t>(call, "max_gram_length");
  m.skips = attr<int64_t>(call, "max_skip_count");
  if (m.shortest < 1 || m.longest < m.shortest || m.skips < 0 || m.skips == INT64_MAX)
    bad_input(fmt::format("n-grams of {} to {} items with {} skips", m.shortest, m.longest, m.skips));
  const auto mode = attr<std::string>(call, "mode");
  if (mode != "TF" && mode != "IDF" && mode != "TFIDF") bad_input(fmt::format("mode '{}'", mode));
  m.truncate = mode == "IDF";
  if (mode != "TF") m.weights = attr_or<Floats>(call, "weights", {});
  const auto starts = attr<Ints>(call, "ngram_counts");
  m.columns = attr<Ints>(call, "ngram_indexes");
  for (int64_t c : m.columns) {
    if (c < 0 || c >= INT32_MAX) bad_input(fmt::format("an ngram_index of {}", c));
    m.width = std::max(m.width, static_cast<size_t>(c + 1));
  }
  if (!m.weights.empty() && m.weights.size() != m.columns.size())
    bad_input(fmt::format("{} weights for {} ngram_indexes", m.weights.size(), m.columns.size()));
  const auto strings = attr_or<Strings>(call, "pool_strings", {});
  if (strings.empty()) read_pool(attr_or<Ints>(call, "pool_int64s", {}), starts, m);
  else read_pool(strings, starts, m);
  return m;
}

Maybe<RunFn> prepare_tfidf(const OpCall& call, ExecEnv&) {
  return RunFn([m = std::make_shared<const Model>(read_model(call))](KernelIo& io) {
    const Tensor& x = io.in(0);
    if (x.rank() > 2) bad_input(fmt::format("a tensor of {}; [C] or [N, C] is expected", dims_text(x.dims())));
    const size_t rows = x.rank() == 2 ? static_cast<size_t>(x.dims()[0]) : 1, width = rows == 0 ? 0 : static_cast<size_t>(x.size()) / rows;
    std::vector<size_t> items;
    if (x.dtype() == DType::string)
      for (const std::string& s : x.strings()) items.push_back(m->grams.find(s));
    else
      for (int64_t v : ints_of(x)) items.push_back(m->grams.find(v));
    std::vector<double> out(rows * m->width);
    for (size_t r = 0; r < rows; ++r) m->fill(std::span(items).subspan(r * width, width), std::span(out).subspan(r * m->width, m->width));
    Dims dims = x.rank() == 2 ? Dims{x.dims()[0]} : Dims{};
    dims.push_back(static_cast<int64_t>(m->width));
    io.set(0, narrow(DType::float32, dims, out));
  });
}

constexpr Kernel kKernels[] = {{"", "TfIdfVectorizer", 9, kAnyVersion, prepare_tfidf}};

}  // namespace

std::span<const Kernel> tfidf_kernels() { return kKernels; }

}  // namespace onnxopt::ref
