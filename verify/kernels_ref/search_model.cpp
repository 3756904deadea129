#include "verify/kernels_ref/search_model.h"

#include <algorithm>

#include "verify/kernels_ref/util.h"

namespace onnxopt::ref {
namespace {

using std::int64_t;
std::size_t at(int64_t i) { return static_cast<std::size_t>(i); }

Graph* subgraph(const OpCall& call, std::string_view name) {
  const auto* g = call.attrs->get<std::shared_ptr<Graph>>(name);
  return g ? g->get() : nullptr;
}

bool has_name(std::span<Value* const> values, std::string_view name) {
  return std::any_of(values.begin(), values.end(), [&](const Value* v) { return v->name() == name; });
}

// Why the graphs are not run; empty: they are.
std::string refusal(const SearchModel& s) {
  if (s.form == SearchForm::gpt) {
    for (const Graph* g : {s.decoder, s.first})
      if (g && (g->inputs().size() < 4 || g->inputs().size() != g->outputs().size() + 2))
        return "the decoder's inputs are not input_ids, position_ids, attention_mask and a past for each present";
    return "";
  }
  if (!s.encoder) bad_input("attribute 'encoder' is missing");
  for (const char* name : {"past_sequence_length", "past_seq_len", "num_beams", "beam_width", "cache_indirection"})
    if (has_name(s.decoder->inputs(), name)) return "decoders that write into a buffer of their past are not run here";
  if (!has_name(s.encoder->inputs(), "encoder_input_ids") || !has_name(s.decoder->inputs(), "input_ids"))
    return "the encoder has no encoder_input_ids, or the decoder no input_ids";
  return "";
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

// Rows of axis 0 or 1.
Tensor pick_rows(const Tensor& x, const Ints& rows, std::size_t axis) {
  if (static_cast<std::size_t>(x.rank()) <= axis || x.dtype() == DType::string ||
      std::any_of(rows.begin(), rows.end(), [&](int64_t r) { return r >= x.dims()[axis]; }))
    bad_input(fmt::format("{} rows of a present of {}", rows.size(), dims_text(x.dims())));
  const std::size_t width = static_cast<std::size_t>(bit_width(x.dtype())) / 8 * at(product(x.dims(), axis + 1));
  Dims dims = x.dims();
  dims[axis] = static_cast<int64_t>(rows.size());
  Buffer out(x.dtype(), dims);
  std::byte* to = out.bytes();
  for (int64_t half = 0; half < (axis == 0 ? 1 : dims[0]); ++half)
    for (int64_t r : rows) to = std::copy_n(x.bytes().data() + at(half * x.dims()[axis] + r) * width, width, to);
  return std::move(out).tensor();
}

// Logits of the last token of each row, of as many words as the node says; `beams` rows for each of theirs.
Tensor last_logits(const SearchModel& s, const Tensor& logits, std::size_t rows, int64_t beams) {
  if (logits.rank() != 3 || logits.dims()[0] * beams != static_cast<int64_t>(rows) || logits.dims()[1] < 1)
    bad_input(fmt::format("logits of {}", dims_text(logits.dims())));
  const std::vector<float> all = widen<float>(logits);
  const int64_t words = logits.dims()[2], length = logits.dims()[1], kept = s.vocab > 0 ? std::min(s.vocab, words) : words;
  std::vector<float> last;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto from = all.begin() + (static_cast<int64_t>(row) / beams * length + length - 1) * words;
    last.insert(last.end(), from, from + kept);
  }
  return narrow(DType::float32, {static_cast<int64_t>(rows), kept}, last);
}

// What a decoder gives: logits, and the presents, which are the next step's past.
Tensor take_past(const SearchModel& s, std::vector<RtValue> out, SearchRows& r) {
  r.past.clear();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!out[i].is_tensor()) bad_input("the decoder gives something that is no tensor");
    if (i > 0) r.past.push_back(out[i].tensor());
  }
  if (out.empty()) bad_input("the decoder gives no logits");
  return last_logits(s, out[0].tensor(), r.tokens.size(), 1);
}

// The prompt in every beam. Padding counts for no position and is masked, unless a mask is given.
SearchRows start_gpt(const SearchModel& s, const SearchRequest& q, const Tensor& ids, const Tensor* given_mask) {
  const Ints tokens = ints_of(ids), mask = given_mask ? ints_of(*given_mask) : Ints();
  if (given_mask && given_mask->dims() != ids.dims()) bad_input(fmt::format("an attention_mask of {}", dims_text(given_mask->dims())));
  SearchRows r;
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

Tensor step_gpt(ExecEnv& env, const SearchModel& s, SearchRows& r, bool first) {
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
  return take_past(s, std::move(out), r);
}

// The encoder's graph over the batch. It gives the keys and values of its own, and may begin the decoder too: logits and the first past.
SearchRows start_encoder(ExecEnv& env, const SearchModel& s, const SearchRequest& q, const KernelIo& io, const Tensor* given_mask) {
  const Tensor &x = io.in(0), prompt = prompt_of(io, s);
  std::optional<Tensor> mask;
  if (has_name(s.encoder->inputs(), "encoder_attention_mask") || has_name(s.decoder->inputs(), "encoder_attention_mask")) {
    Ints seen;
    if (!given_mask)
      for (int64_t t : ints_of(x)) seen.push_back(t != s.pad);
    mask = given_mask ? *given_mask : narrow(DType::int32, x.dims(), seen);
    if (mask->dims() != x.dims()) bad_input(fmt::format("an attention_mask of {}", dims_text(mask->dims())));
  }
  std::vector<RtValue> in;
  for (const Value* v : s.encoder->inputs()) {
    if (v->name() == "encoder_input_ids") in.emplace_back(x);
    else if (v->name() == "encoder_attention_mask") in.emplace_back(*mask);
    else if (v->name() == "decoder_input_ids") in.emplace_back(prompt);
    else bad_input(fmt::format("the encoder wants '{}'", v->name()));
  }
  const std::vector<RtValue> out = env.run_subgraph(*s.encoder, std::move(in));
  SearchRows r;
  Ints from;
  const Ints tokens = ints_of(prompt);
  for (int64_t row = 0; row < q.batch * q.beams; ++row) {
    from.push_back(row / q.beams);
    r.tokens.emplace_back(tokens.begin() + row / q.beams * q.prompt, tokens.begin() + (row / q.beams + 1) * q.prompt);
  }
  std::vector<Tensor> presents;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!out[i].is_tensor()) bad_input("the encoder gives something that is no tensor");
    const std::string& name = s.encoder->outputs()[i]->name();
    if (name == "logits") r.logits = last_logits(s, out[i].tensor(), r.tokens.size(), q.beams);
    else if (name == "encoder_hidden_states") r.hidden = pick_rows(out[i].tensor(), from, 0);
    else presents.push_back(pick_rows(out[i].tensor(), from, 0));
  }
  const std::size_t own = s.decoder->outputs().size() - 1;
  if (!r.logits) {  // nothing of the decoder has run: its past is empty, of the heads that the encoder's keys have
    for (std::size_t i = 0; i < own; ++i) {
      if (presents.empty() || presents[0].rank() != 4) bad_input("the encoder gives no keys of rank 4");
      Dims dims = presents[0].dims();
      dims[2] = 0;
      r.past.push_back(Tensor::zeros(presents[0].dtype(), dims));
    }
  }
  for (Tensor& t : presents) (r.past.size() < own ? r.past : r.fixed).push_back(std::move(t));
  if (mask) r.mask_of_encoder = pick_rows(*mask, from, 0);
  return r;
}

// Its input_ids are one token wide, or else all tokens so far.
bool wants_all_tokens(const Value& input_ids) {
  const Type& t = input_ids.extra() && input_ids.extra()->has_declared ? input_ids.extra()->declared : input_ids.type;
  return !(t.has_rank() && t.shape->size() == 2 && (*t.shape)[1].is(1));
}

Tensor step_encoder(ExecEnv& env, const SearchModel& s, SearchRows& r) {
  if (r.logits) {
    const Tensor logits = *r.logits;
    r.logits.reset();
    return logits;
  }
  std::vector<RtValue> in;
  std::size_t past = 0;
  for (const Value* v : s.decoder->inputs()) {
    if (v->name() == "input_ids") {
      std::vector<Ints> ids = r.tokens;
      if (!wants_all_tokens(*v))
        for (Ints& row : ids) row.erase(row.begin(), row.end() - 1);
      in.emplace_back(int32_rows(ids));
    } else if (v->name() == "encoder_attention_mask") {
      in.emplace_back(*r.mask_of_encoder);
    } else if (v->name() == "encoder_hidden_states") {
      if (!r.hidden) bad_input("the encoder gives no encoder_hidden_states");
      in.emplace_back(*r.hidden);
    } else {
      if (past >= r.past.size() + r.fixed.size()) bad_input(fmt::format("the encoder gives nothing for the decoder's '{}'", v->name()));
      in.emplace_back(past < r.past.size() ? r.past[past] : r.fixed[past - r.past.size()]);
      ++past;
    }
  }
  return take_past(s, env.run_subgraph(*s.decoder, std::move(in)), r);
}

}  // namespace

Maybe<SearchModel> read_search_model(const OpCall& call, SearchForm form) {
  SearchModel s;
  s.form = form;
  s.decoder = subgraph(call, "decoder");
  s.first = subgraph(call, "init_decoder");
  s.encoder = subgraph(call, "encoder");
  if (!s.decoder) bad_input("attribute 'decoder' is missing");
  if (const std::string why = refusal(s); !why.empty()) return Maybe<SearchModel>::none(why);
  s.eos = attr<int64_t>(call, "eos_token_id");
  s.pad = attr<int64_t>(call, "pad_token_id");
  s.start = attr_or<int64_t>(call, "decoder_start_token_id", -1);
  s.ngram = attr_or<int64_t>(call, "no_repeat_ngram_size", 0);
  s.vocab = attr_or<int64_t>(call, "vocab_size", -1);
  s.early_stopping = attr_or<int64_t>(call, "early_stopping", 0) != 0;
  return s;
}

Tensor prompt_of(const KernelIo& io, const SearchModel& s) {
  const Tensor& x = io.in(0);
  if (x.rank() < 2 || x.size() == 0) bad_input(fmt::format("input_ids of {}", dims_text(x.dims())));
  if (s.form == SearchForm::gpt) return x;
  if (s.form == SearchForm::whisper && io.has(10)) return io.in(10);
  return narrow(DType::int32, {x.dims()[0], 1}, Ints(at(x.dims()[0]), s.start));
}

SearchRows start_search(ExecEnv& env, const SearchModel& s, const SearchRequest& q, const KernelIo& io, const Tensor* attention_mask) {
  return s.form == SearchForm::gpt ? start_gpt(s, q, io.in(0), attention_mask) : start_encoder(env, s, q, io, attention_mask);
}

Tensor search_step(ExecEnv& env, const SearchModel& s, SearchRows& r, bool first) {
  return s.form == SearchForm::gpt ? step_gpt(env, s, r, first) : step_encoder(env, s, r);
}

void advance_rows(const SearchModel& s, SearchRows& r, const Ints& from, const Ints& tokens) {
  SearchRows moved;
  moved.fixed = std::move(r.fixed);  // the rows of one batch element share them
  moved.mask_of_encoder = std::move(r.mask_of_encoder);
  moved.hidden = std::move(r.hidden);
  for (std::size_t i = 0; i < from.size(); ++i) {
    moved.tokens.push_back(r.tokens[at(from[i])]);
    moved.tokens.back().push_back(tokens[i]);
    if (s.form != SearchForm::gpt) continue;
    moved.mask.push_back(r.mask[at(from[i])]);
    moved.next_position.push_back(r.next_position[at(from[i])]);
  }
  for (const Tensor& t : r.past) moved.past.push_back(pick_rows(t, from, s.form == SearchForm::gpt ? 1 : 0));
  r = std::move(moved);
}

}  // namespace onnxopt::ref
