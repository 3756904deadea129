// Which operator is inferred by which function: one table a domain, sorted by name. Functions look at the row's version themselves; Scan 8, whose
// inputs are others, is the exception.
#include <algorithm>
#include <span>
#include <string_view>

#include "ir/ops/infer_families.h"

namespace onnxopt {
namespace {

using namespace infer_fn;

struct Row {
  std::string_view name;
  InferFn fn;
};

constexpr Row kAiOnnx[] = {
    {"Abs", unary}, {"Acos", unary}, {"Acosh", unary}, {"Add", arithmetic}, {"Affine", unary}, {"AffineGrid", affine_grid}, {"And", comparison},
    {"ArgMax", arg_reduce}, {"ArgMin", arg_reduce}, {"Asin", unary}, {"Asinh", unary}, {"Atan", unary}, {"Atanh", unary},
    {"Attention", attention}, {"AveragePool", pool}, {"BatchNormalization", batch_normalization}, {"Bernoulli", random_like},
    {"BitCast", bit_cast}, {"BitShift", arithmetic}, {"BitwiseAnd", arithmetic}, {"BitwiseNot", unary}, {"BitwiseOr", arithmetic},
    {"BitwiseXor", arithmetic}, {"BlackmanWindow", window}, {"Cast", cast}, {"CastLike", cast_like},
    {"CausalConvWithState", causal_conv_with_state}, {"Ceil", unary}, {"Celu", unary}, {"CenterCropPad", center_crop_pad}, {"Clip", clip},
    {"Col2Im", col2im}, {"Compress", compress}, {"Concat", concat}, {"ConcatFromSequence", concat_from_sequence}, {"Constant", constant},
    {"ConstantOfShape", constant_of_shape}, {"Conv", conv}, {"ConvInteger", conv_integer}, {"ConvTranspose", conv_transpose}, {"Cos", unary},
    {"Cosh", unary}, {"Crop", crop}, {"CumProd", same_type}, {"CumSum", same_type}, {"DFT", dft}, {"DeformConv", deform_conv},
    {"DepthToSpace", depth_to_space}, {"DequantizeLinear", dequantize_linear}, {"Det", det}, {"Div", arithmetic}, {"Dropout", dropout},
    {"DynamicQuantizeLinear", dynamic_quantize_linear}, {"Einsum", einsum}, {"Elu", unary}, {"Equal", comparison}, {"Erf", unary},
    {"Exp", unary}, {"Expand", expand}, {"EyeLike", random_like}, {"Flatten", flatten}, {"Floor", unary}, {"GRU", rnn}, {"Gather", gather},
    {"GatherElements", gather_elements}, {"GatherND", gather_nd}, {"Gelu", unary}, {"Gemm", gemm}, {"GlobalAveragePool", global_pool},
    {"GlobalLpPool", global_pool}, {"GlobalMaxPool", global_pool}, {"Greater", comparison}, {"GreaterOrEqual", comparison},
    {"GridSample", grid_sample}, {"GroupNormalization", same_type}, {"HammingWindow", window}, {"HannWindow", window}, {"HardSigmoid", unary},
    {"HardSwish", unary}, {"Hardmax", same_type}, {"Identity", same_as_first}, {"If", if_}, {"ImageDecoder", image_decoder},
    {"ImageScaler", unary}, {"InstanceNormalization", same_type}, {"IsInf", unary}, {"IsNaN", unary}, {"LRN", same_type}, {"LSTM", rnn},
    {"LayerNormalization", layer_normalization}, {"LeakyRelu", unary}, {"Less", comparison}, {"LessOrEqual", comparison},
    {"LinearAttention", linear_attention}, {"Log", unary}, {"LogSoftmax", same_type}, {"Loop", loop}, {"LpNormalization", same_type},
    {"LpPool", pool}, {"MatMul", matmul}, {"MatMulInteger", matmul_integer}, {"Max", variadic}, {"MaxPool", pool}, {"MaxRoiPool", max_roi_pool},
    {"MaxUnpool", max_unpool}, {"Mean", variadic}, {"MeanVarianceNormalization", same_type}, {"MelWeightMatrix", mel_weight_matrix},
    {"Min", variadic}, {"Mish", unary}, {"Mod", arithmetic}, {"Mul", arithmetic}, {"Multinomial", multinomial}, {"Neg", unary},
    {"NegativeLogLikelihoodLoss", negative_log_likelihood_loss}, {"NonMaxSuppression", non_max_suppression}, {"NonZero", non_zero},
    {"Not", logical_not}, {"OneHot", one_hot}, {"Optional", make_optional}, {"OptionalGetElement", optional_get_element},
    {"OptionalHasElement", optional_has_element}, {"Or", comparison}, {"PRelu", prelu}, {"Pad", pad}, {"ParametricSoftplus", unary},
    {"Pow", arithmetic}, {"QLinearConv", qlinear_conv}, {"QLinearMatMul", qlinear_matmul}, {"QuantizeLinear", quantize_linear},
    {"RMSNormalization", rms_normalization}, {"RNN", rnn}, {"RandomNormal", random}, {"RandomNormalLike", random_like},
    {"RandomUniform", random}, {"RandomUniformLike", random_like}, {"Range", range}, {"Reciprocal", unary}, {"ReduceL1", reduce},
    {"ReduceL2", reduce}, {"ReduceLogSum", reduce}, {"ReduceLogSumExp", reduce}, {"ReduceMax", reduce}, {"ReduceMean", reduce},
    {"ReduceMin", reduce}, {"ReduceProd", reduce}, {"ReduceSum", reduce}, {"ReduceSumSquare", reduce}, {"RegexFullMatch", unary},
    {"Relu", unary}, {"Reshape", reshape}, {"Resize", resize}, {"ReverseSequence", same_type}, {"RoiAlign", roi_align},
    {"RotaryEmbedding", same_type}, {"Round", unary}, {"STFT", stft}, {"Scale", unary}, {"ScaledTanh", unary}, {"Scan", scan},
    {"Scatter", same_type}, {"ScatterElements", same_type}, {"ScatterND", same_type}, {"Selu", unary}, {"SequenceAt", sequence_at},
    {"SequenceConstruct", sequence_construct}, {"SequenceEmpty", sequence_empty}, {"SequenceErase", sequence_erase},
    {"SequenceInsert", sequence_insert}, {"SequenceLength", sequence_length}, {"SequenceMap", sequence_map}, {"Shape", shape}, {"Shrink", unary},
    {"Sigmoid", unary}, {"Sign", unary}, {"SimplifiedLayerNormalization", rms_normalization}, {"Sin", unary}, {"Sinh", unary}, {"Size", size},
    {"Slice", slice}, {"Softmax", same_type}, {"SoftmaxCrossEntropyLoss", softmax_cross_entropy_loss}, {"Softplus", unary}, {"Softsign", unary},
    {"SpaceToDepth", space_to_depth}, {"Split", split}, {"SplitToSequence", split_to_sequence}, {"Sqrt", unary}, {"Squeeze", squeeze},
    {"StringConcat", arithmetic}, {"StringNormalizer", string_normalizer}, {"StringSplit", string_split}, {"Sub", arithmetic}, {"Sum", variadic},
    {"SwiGLU", same_type}, {"Swish", unary}, {"Tan", unary}, {"Tanh", unary}, {"TensorScatter", same_type},
    {"TfIdfVectorizer", tfidf_vectorizer}, {"ThresholdedRelu", unary}, {"Tile", tile}, {"TopK", top_k}, {"Transpose", transpose},
    {"Trilu", same_type}, {"Unique", unique}, {"Unsqueeze", unsqueeze}, {"Upsample", upsample}, {"Where", where}, {"Xor", comparison},
};

constexpr Row kMl[] = {
    {"ArrayFeatureExtractor", array_feature_extractor}, {"Binarizer", same_type}, {"CastMap", cast_map}, {"CategoryMapper", category_mapper},
    {"DictVectorizer", dict_vectorizer}, {"FeatureVectorizer", feature_vectorizer}, {"Imputer", same_type}, {"LabelEncoder", label_encoder},
    {"LinearClassifier", linear_classifier}, {"LinearRegressor", linear_regressor}, {"Normalizer", float_like_first},
    {"OneHotEncoder", one_hot_encoder}, {"SVMClassifier", svm_classifier}, {"SVMRegressor", svm_regressor}, {"Scaler", float_like_first},
    {"TreeEnsemble", tree_ensemble}, {"TreeEnsembleClassifier", tree_classifier}, {"TreeEnsembleRegressor", tree_regressor}, {"ZipMap", zip_map},
};

constexpr Row kPreview[] = {
    {"FlexAttention", flex_attention},
};

constexpr Row kTraining[] = {
    {"Adagrad", optimizer_step}, {"Adam", optimizer_step}, {"Gradient", gradient}, {"Momentum", optimizer_step},
};

constexpr bool sorted(std::span<const Row> rows) {
  return std::is_sorted(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.name < b.name; });
}
static_assert(sorted(kAiOnnx) && sorted(kMl) && sorted(kPreview) && sorted(kTraining));

InferFn find(std::span<const Row> rows, std::string_view name) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), name, [](const Row& r, std::string_view n) { return r.name < n; });
  return at != rows.end() && at->name == name ? at->fn : nullptr;
}

}  // namespace

InferFn infer_function(const OpSchema& op) {
  if (op.has(kOpaque)) return nullptr;
  if (op.domain.empty()) return op.name == "Scan" && op.since == 8 ? scan8 : find(kAiOnnx, op.name);
  if (op.domain == "com.microsoft") return contrib_function(op.name);
  if (op.domain == "ai.onnx.ml") return find(kMl, op.name);
  if (op.domain == "ai.onnx.preview") return find(kPreview, op.name);
  return op.domain == "ai.onnx.preview.training" ? find(kTraining, op.name) : nullptr;
}

}  // namespace onnxopt
