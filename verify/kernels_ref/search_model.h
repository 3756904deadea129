// What the searches of com.microsoft (BeamSearch, GreedySearch, Sampling, WhisperBeamSearch) run: decoders of the GPT-2 form, and encoders with
// decoders of the T5 and Whisper forms. Everything is told apart by the names and the order that ONNX Runtime demands of the subgraphs.
#pragma once

#include <optional>

#include "verify/exec/executor.h"

namespace onnxopt::ref {

enum class SearchForm { gpt, t5, whisper };  // the numbers of attribute model_type

struct SearchModel {
  SearchForm form = SearchForm::gpt;
  Graph* decoder = nullptr;
  Graph* first = nullptr;    // gpt: of the prompt; null: the same
  Graph* encoder = nullptr;  // t5, whisper
  std::int64_t eos = 0, pad = 0, start = -1, ngram = 0, vocab = -1;
  bool early_stopping = false;
};

struct SearchRequest {
  std::int64_t batch = 0, beams = 1, results = 1, prompt = 0, most = 0, least = 0;
  double length_penalty = 1;
  float repetition = 1, temperature = 1;
  Ints allowed, first_allowed;  // 0: a token that is never (not at first, [batch, words]) taken
};

// What every row (batch x beams) has read and said so far.
struct SearchRows {
  std::vector<Ints> tokens, mask;  // mask: gpt
  Ints next_position;              // gpt
  std::vector<Tensor> past;
  std::vector<Tensor> fixed;                              // t5, whisper: keys and values of the encoder
  std::optional<Tensor> mask_of_encoder, hidden, logits;  // logits: what the encoder's graph says of the first token
};

Maybe<SearchModel> read_search_model(const OpCall& call, SearchForm form);
// The tokens that the decoder begins with: [batch, prompt].
Tensor prompt_of(const KernelIo& io, const SearchModel& s);
SearchRows start_search(ExecEnv& env, const SearchModel& s, const SearchRequest& q, const KernelIo& io, const Tensor* attention_mask);
// Logits of each row's last token: [rows, words].
Tensor search_step(ExecEnv& env, const SearchModel& s, SearchRows& r, bool first);
// All rows move on: their tokens, masks and pasts come from the rows that they continue, plus one token each.
void advance_rows(const SearchModel& s, SearchRows& r, const Ints& from, const Ints& tokens);

}  // namespace onnxopt::ref
