// The rows of disputed.h. tests/tools/check_disputed.py reads the releases and shows the evidence again.
#include "verify/conformance/disputed.h"

namespace onnxopt {
namespace {

constexpr std::string_view kHardmax = "stores and declares double for float inputs; since 1.2.3 float, same values";
constexpr std::string_view kTopK = "stores and declares int64 values and int32 indices for float inputs; since 1.2.3 float and int64, same values";
constexpr std::string_view kStrings = "3 of 12 strings are in the file; since 1.5.0 all";
constexpr std::string_view kNearestMode = "the model lacks the nearest_mode of its name and outputs; since 1.7.0 it has it, same outputs";
constexpr std::string_view kUnique = "Y is sorted, the indices are not; since 1.7.0 neither, same model and inputs";
constexpr std::string_view kAdam = "the model lacks the epsilon of its outputs; since 1.23.2 it has it (0.01), same outputs";
constexpr std::string_view kMomentum = "X_new without the learning rate of the text; since 1.8.1 with it, same model and inputs";
constexpr std::string_view kInsert = "the tensor is at the end, position is 0; since 1.9.0 it is at the front, same model and inputs";
constexpr std::string_view kSameLower = "the model says SAME_LOWER, the output is of SAME_UPPER; since 1.10.2 the model says so, same output";
constexpr std::string_view kAveragePool = "counts elements beyond the padding; since 1.18.0 not, same model and inputs";
constexpr std::string_view kInt4 =
    "values out of range, which ONNX leaves undefined, saturate; since 1.23.2 they lose their upper bits, same model and inputs";
constexpr std::string_view kFloat4 = "NaN gives 6; since 1.23.2 it gives -0, same model and inputs";
constexpr std::string_view kSaturate =
    "wraps around where the text says saturate; since 1.23.2 the outputs of the 2D tests saturate, same model and inputs";
constexpr std::string_view kAttention3d = "rank 3 is split into heads without the transposition; since 1.23.2 with it, same inputs";
constexpr std::string_view kGqa = "heads of K and V are tiled, not repeated; since 1.23.2 repeated, same model and inputs";
constexpr std::string_view kScoresMode =
    "the mask is added before the softcap, and modes 1 and 2 are swapped; since 1.23.2 softcap, then mask, same inputs";
constexpr std::string_view kDft =
    "noise of a transform in float (NumPy 2): 1.9e-7 where 0 is exact, beyond the test's 1e-7; 1.12.0 to 1.18.0 store a transform in double, same "
    "model and inputs";

constexpr DisputedTest kRows[] = {
    {"test_hardmax_axis_0", "50fd71ff2931e611", "1.1.2", kHardmax},
    {"test_hardmax_axis_1", "350e8395c79d2808", "1.1.2", kHardmax},
    {"test_hardmax_axis_2", "6ab72f6096684974", "1.1.2", kHardmax},
    {"test_hardmax_default_axis", "79ebda8ab078130d", "1.1.2", kHardmax},
    {"test_top_k", "576297cb015749e4", "1.1.2", kTopK},
    {"test_cast_FLOAT_to_STRING", "17fce75390bb643f", "1.4.1", kStrings},
    {"test_cast_STRING_to_FLOAT", "8fcd6e85c6b1b32b", "1.4.1", kStrings},
    {"test_resize_upsample_sizes_nearest_ceil_half_pixel", "90eb9b1207bc7e90", "1.6.0", kNearestMode},
    {"test_resize_upsample_sizes_nearest_floor_align_corners", "cc51d7870dcb3c43", "1.6.0", kNearestMode},
    {"test_resize_upsample_sizes_nearest_round_prefer_ceil_asymmetric", "d9ad0a51aa123135", "1.6.0", kNearestMode},
    {"test_unique_not_sorted_without_axis", "9b8830e3a11b7345", "1.6.0", kUnique},
    {"test_adam_multiple", "cc75f29b930add7c", "1.7.0 to 1.18.0", kAdam},
    {"test_momentum", "417bca96dec6b215", "1.7.0", kMomentum},
    {"test_momentum_multiple", "937d695a2cf2c67d", "1.7.0", kMomentum},
    {"test_nesterov_momentum", "b2ae9e200e3b7221", "1.7.0", kMomentum},
    {"test_sequence_insert_at_front", "ce1050b870e4a90d", "1.8.1", kInsert},
    {"test_convtranspose_autopad_same", "499b76d6f1b63977", "1.9.0", kSameLower},
    {"test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True", "e02560d4819c2b24", "1.16.2", kAveragePool},
    {"test_cast_FLOAT16_to_INT4", "9ae3cc358e13806c", "1.16.2", kInt4},
    {"test_cast_FLOAT16_to_UINT4", "e5cf967675cd05c9", "1.16.2", kInt4},
    {"test_cast_FLOAT_to_INT4", "b21e7355c42485b5", "1.16.2", kInt4},
    {"test_cast_FLOAT_to_UINT4", "e59af370d86a6042", "1.16.2", kInt4},
    {"test_qlinearmatmul_2D_int8_float16", "5bf0ec2d479c947e", "1.16.2, 1.18.0", kSaturate},
    {"test_qlinearmatmul_2D_int8_float32", "d403a0b7ef8b911c", "1.16.2, 1.18.0", kSaturate},
    {"test_qlinearmatmul_3D_int8_float16", "c2981bcaf70bb761", "1.16.2, 1.18.0", kSaturate},
    {"test_qlinearmatmul_3D_int8_float32", "c456652d4c10f663", "1.16.2, 1.18.0", kSaturate},
    {"test_attention_3d", "a3227879d3958ca2", "1.18.0", kAttention3d},
    {"test_attention_3d_attn_mask", "4d20b0f775f82a49", "1.18.0", kAttention3d},
    {"test_attention_3d_causal", "f5746070c8bf950b", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_sizes", "820e46967cb147cd", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_sizes_attn_mask", "e7cd5ebd7ccdc981", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_sizes_causal", "0ad703df0e17a814", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_sizes_scaled", "f2380c4d0d8e4ca1", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_sizes_softcap", "f659ac94b4b2b38f", "1.18.0", kAttention3d},
    {"test_attention_3d_diff_heads_with_past_and_present", "97c4326dab3094e0", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa", "a041a4e5fd06fc6f", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa_attn_mask", "2b9074dae01ad85d", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa_causal", "4be2ec15dcc7457f", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa_scaled", "5d7921b84ecd601e", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa_softcap", "8d6bdf8c15ba637c", "1.18.0", kAttention3d},
    {"test_attention_3d_gqa_with_past_and_present", "5c0f5a52333cca9a", "1.18.0", kAttention3d},
    {"test_attention_3d_scaled", "975fd3258d97fdbb", "1.18.0", kAttention3d},
    {"test_attention_3d_softcap", "7c90fd0433cd92c7", "1.18.0", kAttention3d},
    {"test_attention_3d_with_past_and_present", "85f7cf434799b098", "1.18.0", kAttention3d},
    {"test_attention_3d_with_past_and_present_qk_matmul", "6259e3f36df61837", "1.18.0", kAttention3d},
    {"test_attention_3d_with_past_and_present_qk_matmul_bias", "090c8c40605f2807", "1.18.0", kAttention3d},
    {"test_attention_3d_with_past_and_present_qk_matmul_softcap", "0f45ea4d2dfeae19", "1.18.0", kAttention3d},
    {"test_attention_3d_with_past_and_present_qk_matmul_softmax", "7942594ffa6ccc0a", "1.18.0", kAttention3d},
    {"test_attention_4d_gqa", "58747c8a61aeb730", "1.18.0", kGqa},
    {"test_attention_4d_gqa_attn_mask", "867ee10649d67a40", "1.18.0", kGqa},
    {"test_attention_4d_gqa_causal", "fca8224dc275d411", "1.18.0", kGqa},
    {"test_attention_4d_gqa_scaled", "85011080e1bb217c", "1.18.0", kGqa},
    {"test_attention_4d_gqa_softcap", "658fa74fb9284282", "1.18.0", kGqa},
    {"test_attention_4d_gqa_with_past_and_present", "6819ad79f1aa65bf", "1.18.0", kGqa},
    {"test_attention_4d_with_past_and_present_qk_matmul_bias", "e61179efbeb8e60f", "1.18.0", kScoresMode},
    {"test_attention_4d_with_qk_matmul_bias", "a9003ad758ad93d6", "1.18.0", kScoresMode},
    {"test_attention_4d_with_qk_matmul_softcap", "2f6f0cbcc638ab22", "1.18.0", kScoresMode},
    {"test_cast_FLOAT16_to_FLOAT4E2M1", "fb74ae3d65f5783a", "1.18.0", kFloat4},
    {"test_cast_FLOAT16_to_INT4", "7354ddb90befb4d7", "1.18.0", kInt4},
    {"test_cast_FLOAT16_to_UINT4", "6e6c1ac9fa036e46", "1.18.0", kInt4},
    {"test_cast_FLOAT_to_FLOAT4E2M1", "733a8957d8e29752", "1.18.0", kFloat4},
    {"test_cast_FLOAT_to_INT4", "99ff5b661a32bdd1", "1.18.0", kInt4},
    {"test_cast_FLOAT_to_UINT4", "64d19ddcd4eb21ef", "1.18.0", kInt4},
    {"test_dft_inverse", "142a187df14ac11a", "1.23.2", kDft},
    {"test_dft_inverse_opset19", "d74eb81225314a90", "1.23.2", kDft},
};

}  // namespace

std::span<const DisputedTest> disputed_tests() { return kRows; }

}  // namespace onnxopt
