"""Traits of operators that the schema registries do not carry. Read by generate_op_table.py; the names are those of ir/ops/op_schema.h."""

_words = str.split

# output[i] depends only on input[i], with numpy broadcasting. Rows of before opset 7 that broadcast by an attribute are left out by the generator.
ELEMENTWISE = set(_words("""
    Abs Acos Acosh Add And Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh Div Elu Equal
    Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu
    Pow Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor BitCast
    StringConcat"""))

COMMUTATIVE = set(_words("Add Mul And Or Xor Equal Max Min Sum Mean BitwiseAnd BitwiseOr BitwiseXor"))

# Output elements are input elements, exactly, for every type.
DATA_MOVEMENT = set(_words("""
    Compress Concat DepthToSpace Expand Flatten Gather GatherElements GatherND Identity Reshape ReverseSequence Slice SpaceToDepth Split Squeeze Tile
    Transpose Unsqueeze"""))

SHAPE_ONLY = set(_words("Shape Size"))

# Draws random numbers. Dropout 7 and 10 only exist in inference mode.
NONDETERMINISTIC = set(_words("Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike"))
NONDETERMINISTIC_VERSIONS = {("Dropout", v) for v in (1, 6, 12, 13, 22)}
MICROSOFT_NONDETERMINISTIC = set(_words("BiasDropout BitmaskBiasDropout BitmaskDropout Sampling"))

QUANTIZE = set(_words("ConvInteger DequantizeLinear DynamicQuantizeLinear MatMulInteger QLinearConv QLinearMatMul QuantizeLinear"))
MICROSOFT_QUANTIZE = set(_words("""
    DequantizeBFP DequantizeLinear DequantizeWithOrder DynamicQuantizeLSTM DynamicQuantizeMatMul GatherBlockQuantized MatMulBnb4 MatMulFpQ4
    MatMulInteger16 MatMulIntegerToFloat MatMulNBits MatMulNBitsMlp MatMulNBitsQkv MulInteger QAttention QEmbedLayerNormalization QGemm QLinearAdd
    QLinearAveragePool QLinearConcat QLinearConv QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearReduceMean QLinearSigmoid QLinearSoftmax
    QLinearWhere QMoE QOrderedAttention QOrderedGelu QOrderedLayerNormalization QOrderedLongformerAttention QOrderedMatMul QuantizeBFP QuantizeLinear
    QuantizeWithOrder ReduceSumInteger"""))
MICROSOFT_ELEMENTWISE = set(_words("BiasGelu FastGelu Gelu QuickGelu"))

# Domain "" rows that ONNX Runtime knows and the onnx package does not: experimental operators of the first opsets (deprecated at 10), and the
# normalizations that its optimizer writes.
EXTRA_AI_ONNX = set(_words("""
    Affine Crop DynamicSlice GivenTensorFill ImageScaler LayerNormalization MeanVarianceNormalization ParametricSoftplus Scale ScaledTanh
    SimplifiedLayerNormalization ThresholdedRelu"""))


def traits(domain, name, since, attrs, deprecated, has_function, has_graph_attribute):
    t = set()
    old_broadcast = "broadcast" in attrs
    if domain == "":
        if name in ELEMENTWISE and not old_broadcast:
            t.add("kElementwise")
        if name in COMMUTATIVE and not old_broadcast:
            t.add("kCommutative")
        if name in DATA_MOVEMENT:
            t.add("kDataMovement")
        if name in SHAPE_ONLY:
            t.add("kShapeOnly")
        if name in NONDETERMINISTIC or (name, since) in NONDETERMINISTIC_VERSIONS:
            t.add("kNondeterministic")
        if name in QUANTIZE:
            t.add("kQuantize")
    if domain == "com.microsoft":
        if name in MICROSOFT_ELEMENTWISE:
            t.add("kElementwise")
        if name in MICROSOFT_QUANTIZE:
            t.add("kQuantize")
        if name in MICROSOFT_NONDETERMINISTIC:
            t.add("kNondeterministic")
    if has_graph_attribute:
        t.add("kControlFlow")
    if deprecated:
        t.add("kDeprecated")
    if has_function:
        t.add("kHasFunctionBody")
    return t
