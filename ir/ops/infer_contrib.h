// Inference functions of com.microsoft operators; the table is in infer_contrib.cpp.
#pragma once

#include "ir/ops/infer.h"

namespace onnxopt::infer_fn {

// infer_contrib_attention.cpp
void ms_attention(InferCtx& ctx);
void ms_qattention(InferCtx& ctx);
void ms_multi_head_attention(InferCtx& ctx);
void ms_group_query_attention(InferCtx& ctx);
void ms_sparse_attention(InferCtx& ctx);
void ms_beam_search(InferCtx& ctx);
void ms_greedy_search(InferCtx& ctx);  // and Sampling
void ms_gemma_rotary(InferCtx& ctx);
void ms_embed_layer_normalization(InferCtx& ctx);
void ms_skip_layer_normalization(InferCtx& ctx);

}  // namespace onnxopt::infer_fn
