// com.microsoft BeamSearch, WhisperBeamSearch, GreedySearch and Sampling. As in ONNX Runtime: scores are sums of log-softmax, hypotheses are scored
// by their length with the prompt.
#include "verify/kernels_ref/beam_search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "verify/kernels_ref/random.h"
#include "verify/kernels_ref/search_model.h"
#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }
constexpr float kLowest = -std::numeric_limits<float>::max();

void log_softmax(std::span<float> v) {
  const float top = *std::max_element(v.begin(), v.end());
  double sum = 0;
  for (float x : v) sum += std::exp(static_cast<double>(x) - top);
  const auto shift = static_cast<float>(std::log(sum));
  for (float& x : v) x = x - top - shift;
}

// What penalties, repeated n-grams, masks and the least length leave of a row's scores.
void process(const SearchModel& s, const SearchRequest& q, const Ints& tokens, int64_t batch, bool first, std::span<float> scores) {
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
  if (q.temperature != 1)
    for (float& score : scores) score /= q.temperature;
}

struct Hypothesis {
  double score;
  Ints tokens;
};
// The best finished sequences of one batch element.
struct Finished {
  std::vector<Hypothesis> best;  // best first
  bool done = false;
  void add(const SearchRequest& q, const Ints& tokens, double sum) {
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
std::vector<Next> next_beams(const SearchModel& s, const SearchRequest& q, const SearchRows& r, int64_t batch, std::span<const float> scores,
                             int64_t words, Finished& finished) {
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

void advance(const SearchModel& s, SearchRows& r, const std::vector<Next>& next) {
  Ints from, tokens;
  for (const Next& n : next) {
    from.push_back(n.row);
    tokens.push_back(n.token);
  }
  advance_rows(s, r, from, tokens);
}

std::vector<float> scores_of(const Tensor& logits, const SearchModel& s, const SearchRequest& q, const SearchRows& r, bool first, bool logs) {
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

void write_sequences(KernelIo& io, const SearchRequest& q, const SearchModel& s, const std::vector<Ints>& sequences, Dims dims) {
  Ints all;
  for (const Ints& t : sequences)
    for (int64_t i = 0; i < q.most; ++i) all.push_back(i < static_cast<int64_t>(t.size()) ? t[at(i)] : s.pad);
  io.set(0, narrow(DType::int32, std::move(dims), all));
}

void run_beam_search(KernelIo& io, ExecEnv& env, const SearchModel& s, const SearchRequest& q, SearchRows r) {
  std::vector<Finished> finished(at(q.batch));
  std::vector<float> all;  // scores of every step
  int64_t last_words = 0;
  std::vector<float> sums(at(q.batch * q.beams));
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = i % at(q.beams) == 0 ? 0.0f : -1e9f;  // the beams begin equal: one of them counts
  const auto all_done = [&] { return std::all_of(finished.begin(), finished.end(), [](const Finished& f) { return f.done; }); };
  for (int64_t length = q.prompt; length < q.most && !all_done(); ++length) {
    const Tensor logits = search_step(env, s, r, length == q.prompt);
    std::vector<float> scores = scores_of(logits, s, q, r, length == q.prompt, true);
    const int64_t words = last_words = logits.dims()[1];
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += sums[i / at(words)];
    if (io.num_outputs() > 2) all.insert(all.end(), scores.begin(), scores.end());
    std::vector<Next> next;
    for (int64_t b = 0; b < q.batch; ++b) {
      const std::span<const float> own(scores.data() + b * q.beams * words, at(q.beams * words));
      for (const Next& n : next_beams(s, q, r, b, own, words, finished[at(b)])) next.push_back(n);
    }
    advance(s, r, next);
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
  if (io.num_outputs() <= 2) return;
  const Dims dims{q.most - q.prompt, q.batch, q.beams, last_words};
  all.resize(at(element_count(dims)));  // zeros where all beams were done before
  io.set(2, narrow(DType::float32, dims, all));
}

// Sampling: of the likeliest tokens that together have a probability of top_p, one is drawn.
struct Sampler {
  bool custom = false;  // counts from the likeliest token on, not from the least likely
  float top_p = 0, filtered = -1e20f;
  int64_t keep = 0;  // at least so many
  RandomStream random{0};

  int64_t draw(std::span<float> scores) {
    Ints order(scores.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      const float x = scores[at(a)], y = scores[at(b)];
      return custom ? x > y : x < y;
    });
    const std::vector<double> p = softmax(scores);
    double sum = 0;
    const auto words = static_cast<int64_t>(scores.size());
    for (int64_t i = 0; i < (custom ? words - 1 : words - keep); ++i) {
      sum += p[at(order[at(i)])];
      if (custom && sum > static_cast<double>(top_p)) scores[at(order[at(i + 1)])] = filtered;
      if (!custom && sum <= 1 - static_cast<double>(top_p)) scores[at(order[at(i)])] = filtered;
    }
    const std::vector<double> left = softmax(scores);
    double until = random.uniform();
    for (int64_t t = 0; t < words; ++t)
      if ((until -= left[at(t)]) < 0) return t;
    return std::max_element(left.begin(), left.end()) - left.begin();
  }

 private:
  static std::vector<double> softmax(std::span<const float> scores) {
    const double top = static_cast<double>(*std::max_element(scores.begin(), scores.end()));
    std::vector<double> p;
    double sum = 0;
    for (float x : scores) sum += p.emplace_back(std::exp(static_cast<double>(x) - top));
    for (double& x : p) x /= sum;
    return p;
  }
};

void run_greedy_search(KernelIo& io, ExecEnv& env, const SearchModel& s, const SearchRequest& q, SearchRows r, Sampler* sampler) {
  std::vector<bool> done(at(q.batch));
  for (int64_t length = q.prompt; length < q.most && std::find(done.begin(), done.end(), false) != done.end(); ++length) {
    const Tensor logits = search_step(env, s, r, length == q.prompt);
    std::vector<float> scores = scores_of(logits, s, q, r, length == q.prompt, false);
    const auto words = logits.dims()[1];
    std::vector<Next> next;
    for (int64_t b = 0; b < q.batch; ++b) {
      const auto own = scores.begin() + b * words;
      int64_t best = s.pad;
      if (!done[at(b)]) best = sampler ? sampler->draw({own, own + words}) : std::max_element(own, own + words) - own;
      done[at(b)] = done[at(b)] || best == s.eos;
      next.push_back({done[at(b)] ? s.pad : best, b, 0});
    }
    advance(s, r, next);
  }
  write_sequences(io, q, s, r.tokens, {q.batch, q.most});
}

// The names of inputs by position: those of BeamSearch and WhisperBeamSearch, and those of GreedySearch.
struct Positions {
  std::size_t repetition, attention_mask, temperature;  // 0: none
};
constexpr Positions kBeamInputs{6, 9, 0}, kWhisperInputs{6, 9, 14}, kGreedyInputs{3, 6, 0};

SearchRequest read_request(const KernelIo& io, const SearchModel& s, bool beams, const Positions& at_input) {
  const auto number = [&](std::size_t i, int64_t otherwise) { return io.has(i) ? scalar_of<int64_t>(io.in(i)) : otherwise; };
  const Tensor prompt = prompt_of(io, s);
  if (prompt.rank() != 2 || prompt.size() == 0 || prompt.dims()[0] != io.in(0).dims()[0])
    bad_input(fmt::format("input_ids of {} and {}", dims_text(io.in(0).dims()), dims_text(prompt.dims())));
  SearchRequest q;
  q.batch = prompt.dims()[0];
  q.prompt = prompt.dims()[1];
  q.most = number(1, 0);
  q.least = number(2, 0);
  if (beams) q.beams = number(3, 1), q.results = number(4, 1), q.length_penalty = io.has(5) ? scalar_of<double>(io.in(5)) : 1;
  const std::size_t after = at_input.repetition;  // then vocab_mask, prefix_vocab_mask
  if (io.has(after)) q.repetition = scalar_of<float>(io.in(after));
  if (io.has(after + 1)) q.allowed = ints_of(io.in(after + 1));
  if (io.has(after + 2)) q.first_allowed = ints_of(io.in(after + 2));
  if (at_input.temperature && io.has(at_input.temperature)) q.temperature = scalar_of<float>(io.in(at_input.temperature));
  if (q.most <= q.prompt || q.most > 1 << 20 || q.beams < 1 || q.beams > 1 << 10 || q.results < 1 || q.results > q.beams || !(q.repetition > 0) ||
      !(q.temperature > 0))
    bad_input(fmt::format("max_length {} for a prompt of {}, {} beams, {} results, a repetition_penalty of {}, a temperature of {}", q.most, q.prompt,
                          q.beams, q.results, q.repetition, q.temperature));
  return q;
}

Maybe<RunFn> prepare(const OpCall& call, ExecEnv& env, SearchForm form, bool beams, const Positions& at_input) {
  Maybe<SearchModel> model = read_search_model(call, form);
  if (!model) return Maybe<RunFn>::none(model.reason);
  if (call.num_outputs > 3) return Maybe<RunFn>::none("scores of cross attention and of silence are not kept here");
  return RunFn([&env, s = *model, beams, at_input](KernelIo& io) {
    const SearchRequest q = read_request(io, s, beams, at_input);
    if (beams && io.has(11) && scalar_of<int64_t>(io.in(11)) != 0) bad_input("a logits_processor is not run here");
    if (io.has(13)) bad_input("extra_decoding_ids are not run here");
    SearchRows r = start_search(env, s, q, io, io.has(at_input.attention_mask) ? &io.in(at_input.attention_mask) : nullptr);
    if (beams) run_beam_search(io, env, s, q, std::move(r));
    else run_greedy_search(io, env, s, q, std::move(r), nullptr);
  });
}

SearchForm form_of(const OpCall& call, int64_t otherwise) {
  const auto form = attr_or<int64_t>(call, "model_type", otherwise);
  if (form < 0 || form > 2) bad_input(fmt::format("attribute 'model_type' is {}", form));
  return static_cast<SearchForm>(form);
}

Maybe<RunFn> prepare_beam_search(const OpCall& call, ExecEnv& env) { return prepare(call, env, form_of(call, 0), true, kBeamInputs); }
Maybe<RunFn> prepare_whisper(const OpCall& call, ExecEnv& env) { return prepare(call, env, form_of(call, 2), true, kWhisperInputs); }
Maybe<RunFn> prepare_greedy(const OpCall& call, ExecEnv& env) {
  if (form_of(call, 0) != SearchForm::gpt) return Maybe<RunFn>::none("GreedySearch of an encoder and a decoder is not run here");
  return prepare(call, env, SearchForm::gpt, false, kGreedyInputs);
}

Maybe<RunFn> prepare_sampling(const OpCall& call, ExecEnv& env) {
  if (form_of(call, 0) != SearchForm::gpt) return Maybe<RunFn>::none("Sampling of an encoder and a decoder is not run here");
  Maybe<SearchModel> model = read_search_model(call, SearchForm::gpt);
  if (!model) return Maybe<RunFn>::none(model.reason);
  if (call.num_outputs > 1) return Maybe<RunFn>::none("filtered_logits are not kept here");
  const float temperature = attr_or<float>(call, "temperature", 1);
  Sampler sampler{attr_or<int64_t>(call, "custom", 0) != 0, attr_or<float>(call, "top_p", 0), attr_or<float>(call, "filter_value", -1e20f),
                  attr_or<int64_t>(call, "min_tokens_to_keep", 0), stream_of(call, env)};
  if (!(temperature > 0) || sampler.keep < 0 || !(sampler.top_p >= 0 && sampler.top_p <= 1))
    bad_input("attributes 'temperature', 'top_p' and 'min_tokens_to_keep' are out of range");
  const bool penalized = attr_or<float>(call, "presence_penalty", 0) != 0;
  return RunFn([&env, s = *model, sampler, temperature, penalized](KernelIo& io) {
    SearchRequest q = read_request(io, s, false, kGreedyInputs);
    q.temperature = temperature;
    if (penalized && io.has(7)) bad_input("a presence_penalty is not run here");
    Sampler own = sampler;
    if (io.has(8)) own.random = RandomStream(static_cast<std::uint64_t>(scalar_of<int64_t>(io.in(8))));
    SearchRows r = start_search(env, s, q, io, io.has(6) ? &io.in(6) : nullptr);
    run_greedy_search(io, env, s, q, std::move(r), &own);
  });
}

constexpr Kernel kKernels[] = {
    {"com.microsoft", "BeamSearch", 1, kAnyVersion, prepare_beam_search},
    {"com.microsoft", "WhisperBeamSearch", 1, kAnyVersion, prepare_whisper},
    {"com.microsoft", "GreedySearch", 1, kAnyVersion, prepare_greedy},
    {"com.microsoft", "Sampling", 1, kAnyVersion, prepare_sampling},
};

}  // namespace

std::span<const Kernel> search_kernels() { return kKernels; }

}  // namespace onnxopt::ref
