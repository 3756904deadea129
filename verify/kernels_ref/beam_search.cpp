// com.microsoft BeamSearch and GreedySearch over a decoder of the GPT-2 form (model_type 0): (input_ids, position_ids, attention_mask, past...) ->
// (logits, present...). As in ONNX Runtime: scores are sums of log-softmax, hypotheses are scored by their length with the prompt.
#include "verify/kernels_ref/beam_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }
constexpr float kLowest = -std::numeric_limits<float>::max();

struct Settings {
  Graph* decoder = nullptr;
  Graph* first = nullptr;  // of the prompt; null: the same
  int64_t eos = 0, pad = 0, ngram = 0, vocab = -1;
  bool early_stopping = false;
};

struct Request {
  int64_t batch = 0, beams = 1, results = 1, prompt = 0, most = 0, least = 0;
  double length_penalty = 1;
  float repetition = 1;
  Ints allowed, first_allowed;  // 0: a token that is never (not at first, [batch, words]) taken
};

// What every row (batch x beams) has read and said so far.
struct Rows {
  std::vector<Ints> tokens, mask;
  Ints next_position;
  std::vector<Tensor> past;
};

Graph* subgraph(const OpCall& call, std::string_view name) {
  const auto* g = call.attrs->get<std::shared_ptr<Graph>>(name);
  return g ? g->get() : nullptr;
}

Maybe<Settings> read_settings(const OpCall& call) {
  Settings s;
  s.decoder = subgraph(call, "decoder");
  s.first = subgraph(call, "init_decoder");
  if (!s.decoder) bad_input("attribute 'decoder' is missing");
  if (attr_or<int64_t>(call, "model_type", 0) != 0) return Maybe<Settings>::none("only decoders of the GPT-2 form (model_type 0) run here");
  for (const Graph* g : {s.decoder, s.first})
    if (g && (g->inputs().size() < 4 || g->inputs().size() != g->outputs().size() + 2))
      return Maybe<Settings>::none("the decoder's inputs are not input_ids, position_ids, attention_mask and a past for each present");
  if (call.num_outputs > 2) return Maybe<Settings>::none("the scores of all steps are not kept here");
  s.eos = attr<int64_t>(call, "eos_token_id");
  s.pad = attr<int64_t>(call, "pad_token_id");
  s.ngram = attr_or<int64_t>(call, "no_repeat_ngram_size", 0);
  s.vocab = attr_or<int64_t>(call, "vocab_size", -1);
  s.early_stopping = attr_or<int64_t>(call, "early_stopping", 0) != 0;
  return s;
}

Tensor int32_rows(const std::vector<Ints>& rows) {
  Ints all;
  for (const Ints& r : rows) all.insert(all.end(), r.begin(), r.end());
  return narrow(DType::int32, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.empty() ? 0 : rows[0].size())}, all);
}

// [2, rows, heads, 0, size] with heads and size as the decoder declares them.
Tensor empty_past(const Value& input, int64_t rows) {
  const Type& t = input.type.is_tensor() || !input.extra() ? input.type : input.extra()->declared;
  if (!t.has_rank() || t.shape->size() != 5 || !(*t.shape)[2].is_value() || !(*t.shape)[4].is_value())
    bad_input(fmt::format("the decoder does not declare heads and size of '{}'", input.name()));
  return Tensor::zeros(t.dtype, {2, rows, (*t.shape)[2].value(), 0, (*t.shape)[4].value()});
}

// Rows of axis 1.
Tensor pick_rows(const Tensor& x, const Ints& rows) {
  if (x.rank() != 5) bad_input(fmt::format("a present of {}", dims_text(x.dims())));
  const std::size_t width = static_cast<std::size_t>(bit_width(x.dtype())) / 8 * at(product(x.dims(), 2));
  Dims dims = x.dims();
  dims[1] = static_cast<int64_t>(rows.size());
  Buffer out(x.dtype(), dims);
  std::byte* to = out.bytes();
  for (int64_t half = 0; half < dims[0]; ++half)
    for (int64_t r : rows) to = std::copy_n(x.bytes().data() + at(half * x.dims()[1] + r) * width, width, to);
  return std::move(out).tensor();
}

// The prompt in every beam. Padding counts for no position and is masked, unless a mask is given.
Rows start(const Settings& s, const Request& q, const Tensor& ids, const Tensor* given_mask) {
  const Ints tokens = ints_of(ids), mask = given_mask ? ints_of(*given_mask) : Ints();
  if (given_mask && given_mask->dims() != ids.dims()) bad_input(fmt::format("an attention_mask of {}", dims_text(given_mask->dims())));
  Rows r;
  for (int64_t b = 0; b < q.batch; ++b)
    for (int64_t k = 0; k < q.beams; ++k) {
      const auto from = tokens.begin() + b * q.prompt;
      r.tokens.emplace_back(from, from + q.prompt);
      Ints seen;
      for (int64_t i = 0; i < q.prompt; ++i) seen.push_back(given_mask ? mask[at(b * q.prompt + i)] : from[i] != s.pad);
      r.next_position.push_back(q.prompt - std::count(from, from + q.prompt, s.pad));
      r.mask.push_back(std::move(seen));
    }
  const auto& inputs = (s.first ? s.first : s.decoder)->inputs();
  for (std::size_t i = 3; i < inputs.size(); ++i) r.past.push_back(empty_past(*inputs[i], q.batch * q.beams));
  return r;
}

// Logits of each row's last token: [rows, words].
Tensor step(ExecEnv& env, const Settings& s, Rows& r, bool first) {
  std::vector<Ints> ids = r.tokens, positions;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    Ints p;
    if (first) {
      int64_t position = 0;
      for (int64_t t : r.tokens[row]) p.push_back(t == s.pad ? 0 : position++);
    } else {
      ids[row].erase(ids[row].begin(), ids[row].end() - 1);
      p.push_back(r.next_position[row]++);
      r.mask[row].push_back(1);
    }
    positions.push_back(std::move(p));
  }
  std::vector<RtValue> in{int32_rows(ids), int32_rows(positions), int32_rows(r.mask)};
  for (Tensor& t : r.past) in.emplace_back(std::move(t));
  std::vector<RtValue> out = env.run_subgraph(first && s.first ? *s.first : *s.decoder, std::move(in));
  r.past.clear();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!out[i].is_tensor()) bad_input("the decoder gives something that is no tensor");
    if (i > 0) r.past.push_back(out[i].tensor());
  }
  const Tensor& logits = out[0].tensor();
  if (logits.rank() != 3 || logits.dims()[0] != static_cast<int64_t>(ids.size()) || logits.dims()[1] < 1)
    bad_input(fmt::format("logits of {}", dims_text(logits.dims())));
  const std::vector<float> all = widen<float>(logits);
  const auto words = at(logits.dims()[2]), length = at(logits.dims()[1]);
  std::vector<float> last;
  for (std::size_t row = 0; row < ids.size(); ++row) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>((row * length + length - 1) * words);
    last.insert(last.end(), from, from + static_cast<std::ptrdiff_t>(words));
  }
  return narrow(DType::float32, {static_cast<int64_t>(ids.size()), logits.dims()[2]}, last);
}

void log_softmax(std::span<float> v) {
  const float top = *std::max_element(v.begin(), v.end());
  double sum = 0;
  for (float x : v) sum += std::exp(static_cast<double>(x) - top);
  const auto shift = static_cast<float>(std::log(sum));
  for (float& x : v) x = x - top - shift;
}

// What penalties, repeated n-grams, masks and the least length leave of a row's scores.
void process(const Settings& s, const Request& q, const Ints& tokens, int64_t batch, bool first, std::span<float> scores) {
  const auto words = static_cast<int64_t>(scores.size());
  const auto known = [&](int64_t t) { return t >= 0 && t < words; };
  if (q.repetition != 1)
    for (int64_t t : std::set<int64_t>(tokens.begin(), tokens.end()))
      if (known(t)) scores[at(t)] *= scores[at(t)] < 0 ? q.repetition : 1 / q.repetition;
  const auto length = static_cast<int64_t>(tokens.size());
  for (int64_t i = 0; s.ngram > 0 && i + s.ngram <= length; ++i)
    if (std::equal(tokens.begin() + i, tokens.begin() + i + s.ngram - 1, tokens.end() - (s.ngram - 1)) && known(tokens[at(i + s.ngram - 1)]))
      scores[at(tokens[at(i + s.ngram - 1)])] = kLowest;
  for (int64_t t = 0; t < words; ++t) {
    if (!q.allowed.empty() && q.allowed[at(t)] == 0) scores[at(t)] = kLowest;
    if (first && !q.first_allowed.empty() && q.first_allowed[at(batch * words + t)] == 0) scores[at(t)] = kLowest;
  }
  if (length < q.least && known(s.eos)) scores[at(s.eos)] = kLowest;
}

struct Hypothesis {
  double score;
  Ints tokens;
};
// The best finished sequences of one batch element.
struct Finished {
  std::vector<Hypothesis> best;  // best first
  bool done = false;
  void add(const Request& q, const Ints& tokens, double sum) {
    const double score = sum / std::pow(static_cast<double>(tokens.size()), q.length_penalty);
    const auto where = std::find_if(best.begin(), best.end(), [&](const Hypothesis& h) { return h.score < score; });
    best.insert(where, {score, tokens});
    if (static_cast<int64_t>(best.size()) > q.beams) best.pop_back();
  }
};

// One batch element's next beams: (token, row, score) each, of the 2 * beams best continuations.
struct Next {
  int64_t token, row;
  float score;
};
std::vector<Next> next_beams(const Settings& s, const Request& q, const Rows& r, int64_t batch, std::span<const float> scores, int64_t words,
                             Finished& finished) {
  std::vector<Next> next;
  if (finished.done) return std::vector<Next>(at(q.beams), {s.pad, batch * q.beams, 0});
  Ints order(at(q.beams * words));
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min(2 * q.beams, static_cast<int64_t>(order.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](int64_t a, int64_t b) { return scores[at(a)] != scores[at(b)] ? scores[at(a)] > scores[at(b)] : a < b; });
  for (int64_t j = 0; j < count && static_cast<int64_t>(next.size()) < q.beams; ++j) {
    const int64_t token = order[at(j)] % words, row = batch * q.beams + order[at(j)] / words;
    const float score = scores[at(order[at(j)])];
    if (token != s.eos) next.push_back({token, row, score});
    else if (j < q.beams) finished.add(q, r.tokens[at(row)], static_cast<double>(score));
  }
  if (static_cast<int64_t>(next.size()) < q.beams) bad_input(fmt::format("{} words are too few for {} beams", words, q.beams));
  if (static_cast<int64_t>(finished.best.size()) == q.beams) {
    const double length = static_cast<double>(r.tokens[0].size()), reachable = static_cast<double>(scores[at(order[0])]);
    finished.done = s.early_stopping || finished.best.back().score >= reachable / std::pow(length, q.length_penalty);
  }
  return next;
}

// All rows move on to `next`: their tokens, masks and pasts come from the rows that they continue.
void advance(Rows& r, const std::vector<Next>& next) {
  Rows moved;
  Ints from;
  for (const Next& n : next) {
    from.push_back(n.row);
    moved.tokens.push_back(r.tokens[at(n.row)]);
    moved.tokens.back().push_back(n.token);
    moved.mask.push_back(r.mask[at(n.row)]);
    moved.next_position.push_back(r.next_position[at(n.row)]);
  }
  for (const Tensor& t : r.past) moved.past.push_back(pick_rows(t, from));
  r = std::move(moved);
}

std::vector<float> scores_of(const Tensor& logits, const Settings& s, const Request& q, const Rows& r, bool first, bool logs) {
  std::vector<float> scores = widen<float>(logits);
  const auto words = at(logits.dims()[1]);
  if (words == 0 || (!q.allowed.empty() && q.allowed.size() != words) || (!q.first_allowed.empty() && q.first_allowed.size() != words * at(q.batch)))
    bad_input(fmt::format("{} words, a mask of {} and one of {}", words, q.allowed.size(), q.first_allowed.size()));
  for (std::size_t row = 0; row < r.tokens.size(); ++row) {
    const std::span<float> own(scores.data() + row * words, words);
    if (logs) log_softmax(own);
    process(s, q, r.tokens[row], static_cast<int64_t>(row) / q.beams, first, own);
  }
  return scores;
}

void write_sequences(KernelIo& io, const Request& q, const Settings& s, const std::vector<Ints>& sequences, Dims dims) {
  Ints all;
  for (const Ints& t : sequences)
    for (int64_t i = 0; i < q.most; ++i) all.push_back(i < static_cast<int64_t>(t.size()) ? t[at(i)] : s.pad);
  io.set(0, narrow(DType::int32, std::move(dims), all));
}

void run_beam_search(KernelIo& io, ExecEnv& env, const Settings& s, const Request& q, Rows r) {
  std::vector<Finished> finished(at(q.batch));
  std::vector<float> sums(at(q.batch * q.beams));
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = i % at(q.beams) == 0 ? 0.0f : -1e9f;  // the beams begin equal: one of them counts
  const auto all_done = [&] { return std::all_of(finished.begin(), finished.end(), [](const Finished& f) { return f.done; }); };
  for (int64_t length = q.prompt; length < q.most && !all_done(); ++length) {
    const Tensor logits = step(env, s, r, length == q.prompt);
    std::vector<float> scores = scores_of(logits, s, q, r, length == q.prompt, true);
    const int64_t words = logits.dims()[1];
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += sums[i / at(words)];
    std::vector<Next> next;
    for (int64_t b = 0; b < q.batch; ++b) {
      const std::span<const float> own(scores.data() + b * q.beams * words, at(q.beams * words));
      for (const Next& n : next_beams(s, q, r, b, own, words, finished[at(b)])) next.push_back(n);
    }
    advance(r, next);
    for (std::size_t i = 0; i < next.size(); ++i) sums[i] = next[i].score;
  }
  std::vector<Ints> sequences;
  std::vector<float> scores;
  for (int64_t b = 0; b < q.batch; ++b) {
    Finished& f = finished[at(b)];
    for (int64_t k = 0; !f.done && k < q.beams; ++k) f.add(q, r.tokens[at(b * q.beams + k)], static_cast<double>(sums[at(b * q.beams + k)]));
    for (int64_t k = 0; k < q.results; ++k) {
      sequences.push_back(f.best[at(k)].tokens);
      scores.push_back(static_cast<float>(f.best[at(k)].score));
    }
  }
  write_sequences(io, q, s, sequences, {q.batch, q.results, q.most});
  if (io.num_outputs() > 1) io.set(1, narrow(DType::float32, {q.batch, q.results}, scores));
}

void run_greedy_search(KernelIo& io, ExecEnv& env, const Settings& s, const Request& q, Rows r) {
  std::vector<bool> done(at(q.batch));
  for (int64_t length = q.prompt; length < q.most && std::find(done.begin(), done.end(), false) != done.end(); ++length) {
    const Tensor logits = step(env, s, r, length == q.prompt);
    const std::vector<float> scores = scores_of(logits, s, q, r, length == q.prompt, false);
    const auto words = logits.dims()[1];
    std::vector<Next> next;
    for (int64_t b = 0; b < q.batch; ++b) {
      const auto own = scores.begin() + b * words;
      const int64_t best = done[at(b)] ? s.pad : std::max_element(own, own + words) - own;
      done[at(b)] = done[at(b)] || best == s.eos;
      next.push_back({done[at(b)] ? s.pad : best, b, 0});
    }
    advance(r, next);
  }
  write_sequences(io, q, s, r.tokens, {q.batch, q.most});
}

Request read_request(const KernelIo& io, bool beams) {
  const auto number = [&](std::size_t i, int64_t otherwise) { return io.has(i) ? scalar_of<int64_t>(io.in(i)) : otherwise; };
  const Tensor& ids = io.in(0);
  if (ids.rank() != 2 || ids.size() == 0) bad_input(fmt::format("input_ids of {}", dims_text(ids.dims())));
  const std::size_t after = beams ? 6 : 3;  // repetition_penalty, vocab_mask, prefix_vocab_mask
  Request q;
  q.batch = ids.dims()[0];
  q.prompt = ids.dims()[1];
  q.most = number(1, 0);
  q.least = number(2, 0);
  if (beams) q.beams = number(3, 1), q.results = number(4, 1), q.length_penalty = io.has(5) ? scalar_of<double>(io.in(5)) : 1;
  if (io.has(after)) q.repetition = scalar_of<float>(io.in(after));
  if (io.has(after + 1)) q.allowed = ints_of(io.in(after + 1));
  if (io.has(after + 2)) q.first_allowed = ints_of(io.in(after + 2));
  if (q.most <= q.prompt || q.most > 1 << 20 || q.beams < 1 || q.beams > 1 << 10 || q.results < 1 || q.results > q.beams || !(q.repetition > 0))
    bad_input(fmt::format("max_length {} for a prompt of {}, {} beams, {} results, a repetition_penalty of {}", q.most, q.prompt, q.beams, q.results,
                          q.repetition));
  return q;
}

template <bool kBeams>
Maybe<RunFn> prepare_search(const OpCall& call, ExecEnv& env) {
  Maybe<Settings> settings = read_settings(call);
  if (!settings) return Maybe<RunFn>::none(settings.reason);
  return RunFn([&env, s = *settings](KernelIo& io) {
    const Request q = read_request(io, kBeams);
    const std::size_t mask = kBeams ? 9 : 6;
    Rows r = start(s, q, io.in(0), io.has(mask) ? &io.in(mask) : nullptr);
    if (kBeams) run_beam_search(io, env, s, q, std::move(r));
    else run_greedy_search(io, env, s, q, std::move(r));
  });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "BeamSearch", 1, kAnyVersion, prepare_search<true>},
    {"com.microsoft", "GreedySearch", 1, kAnyVersion, prepare_search<false>},
};

}  // namespace

std::span<const Kernel> search_kernels() { return kKernels; }

}  // namespace onnxopt::ref
