"""Cases of com.microsoft operators: the operators that belong to no family."""
import numpy as np

from contrib_case import Case, f32, generator, maybe, pick, shape
from contrib_cases_quantized import quant


@generator()
def CDist(r):
    m, k, n = shape(r, 1, 6, 3)
    t = pick(r, np.float32, np.float64)
    return Case("CDist", [r.standard_normal((m, n)).astype(t), r.standard_normal((k, n)).astype(t)], {"metric": pick(r, "sqeuclidean", "euclidean")}, limit=1e-4)


@generator()
def CropAndResize(r):
    n, c, h, w = int(r.integers(1, 3)), int(r.integers(1, 3)), int(r.integers(2, 8)), int(r.integers(2, 8))
    boxes = int(r.integers(1, 4))
    rois = (r.random((boxes, 4)) * 1.4 - 0.2).astype(np.float32)
    a = {"mode": pick(r, "bilinear", "nearest"), "extrapolation_value": 0.5}
    return Case("CropAndResize", [f32(r, n, c, h, w), rois, r.integers(0, n, boxes).astype(np.int32), r.integers(1, 5, 2).astype(np.int32)], a, limit=1e-4)


@generator()
def ConvTransposeWithDynamicPads(r):
    c, m = int(r.integers(1, 4)), int(r.integers(1, 4))
    k = [int(x) for x in r.integers(1, 4, 2)]
    a = {"kernel_shape": k, "strides": [int(x) for x in r.integers(1, 3, 2)]}
    pads = np.array([int(r.integers(0, k[i % 2])) for i in range(4)], np.int64)
    return Case("ConvTransposeWithDynamicPads", [f32(r, 1, c, 5, 6), f32(r, c, m, *k), pads, maybe(r, lambda: f32(r, m))], a)


@generator()
def ExpandDims(r):
    s = shape(r)
    return Case("ExpandDims", [f32(r, *s), np.int32(r.integers(-len(s) - 1, len(s) + 1))], constants=(1,))


@generator()
def Unique(r):
    return Case("Unique", [r.integers(0, 5, int(r.integers(1, 12))).astype(np.float32)], outputs=(True, True, True))


@generator()
def Trilu(r):
    t = pick(r, np.float32, np.float64, np.int64)
    s = shape(r, 1, 5, rank=int(r.integers(2, 5)))
    return Case("Trilu", [(r.standard_normal(s) * 9).astype(t), maybe(r, lambda: np.int64(r.integers(-4, 5)))], {"upper": int(r.integers(2))})


@generator()
def Inverse(r):
    n, t = int(r.integers(1, 5)), pick(r, np.float32, np.float64)
    return Case("Inverse", [(r.standard_normal((*shape(r, 1, 3, rank=1), n, n)) + 3 * np.eye(n)).astype(t)], limit=1e-4)


@generator()
def MurmurHash3(r):
    t = pick(r, np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64, object)
    s = shape(r)
    x = np.array(["".join(pick(r, *"abcdefg") for _ in range(int(r.integers(0, 9)))) for _ in range(int(np.prod(s)))], dtype=object).reshape(s)
    if t is not object:
        x = (r.standard_normal(s) * 100).astype(np.float64).clip(0 if t in (np.uint32, np.uint64) else -1e9).astype(t)
    return Case("MurmurHash3", [x], {"positive": int(r.integers(2)), "seed": int(r.integers(0, 50))})


@generator()
def Pad(r):
    s = shape(r)
    mode = pick(r, "constant", "edge", "reflect")
    pads = r.integers(0, 2 if mode != "reflect" else 1, 2 * len(s)).astype(np.int64)
    if r.random() < 0.5:
        pads = pads[None, :]
    return Case("Pad", [f32(r, *s), pads, maybe(r, lambda: np.array([1.5], np.float32))], {"mode": mode})


@generator()
def Range(r):
    t = pick(r, np.int32, np.int64, np.float32, np.float64, np.int16)
    start, limit = r.integers(-5, 5), r.integers(5, 15)
    return Case("Range", [t(start), t(limit), maybe(r, lambda: t(r.integers(1, 4)))])


@generator()
def SampleOp(r):
    return Case("SampleOp", [f32(r, *shape(r))])


@generator()
def BifurcationDetector(r):
    src = r.integers(0, 4, int(r.integers(1, 9))).astype(np.int64)
    cur = r.integers(0, 4, int(r.integers(1, 5))).astype(np.int64)
    prev = int(r.integers(0, len(src)))
    pred = maybe(r, lambda: np.concatenate([src[prev:], [1]]).astype(np.int64))
    if pred is not None and r.random() < 0.7:
        pred[int(r.integers(len(pred)))] = 3
    return Case("BifurcationDetector", [src, cur, np.array([prev], np.int64), pred], outputs=(True, True))


@generator()
def GridSample(r):
    n, c, h, w = shape(r, 1, 5, 4)
    a = {"mode": pick(r, "bilinear", "nearest", "bicubic"), "padding_mode": pick(r, "zeros", "border", "reflection"), "align_corners": int(r.integers(2))}
    return Case("GridSample", [f32(r, n, c, h, w), (r.random((n, 3, 4, 2)) * 2.4 - 1.2).astype(np.float32)], a, limit=1e-4)


@generator()
def GatherND(r):
    s = shape(r, rank=3)
    k = int(r.integers(1, 4))
    idx = np.stack([r.integers(0, s[i], (2, 3)) for i in range(k)], -1).astype(np.int64)
    return Case("GatherND", [f32(r, *s), idx])


@generator()
def MatMulInteger16(r):
    m, k, n = shape(r, 1, 6, 3)
    return Case("MatMulInteger16", [r.integers(-999, 999, (m, k)).astype(np.int16), r.integers(-999, 999, (k, n)).astype(np.int16)])


@generator()
def NGramRepeatBlock(r):
    b, s, v = int(r.integers(1, 4)), int(r.integers(1, 12)), 5
    return Case("NGramRepeatBlock", [r.integers(0, v, (b, s)), f32(r, b, v)], {"ngram_size": int(r.integers(1, 4))})


@generator()
def UnfoldTensor(r):
    s = shape(r, 2, 6)
    dim = int(r.integers(-len(s), len(s)))
    x = pick(r, f32(r, *s), r.integers(-9, 9, s), r.integers(-9, 9, s).astype(np.int32))
    return Case("UnfoldTensor", [x], {"dim": dim, "size": int(r.integers(1, s[dim] + 1)), **({"step": int(r.integers(1, 4))} if r.random() < 0.7 else {})})


@generator()
def DynamicTimeWarping(r):
    s = shape(r, 1, 8, rank=2)
    costs = f32(r, *s) if r.random() < 0.6 else r.integers(-2, 3, s).astype(np.float32)  # the latter with ties
    return Case("DynamicTimeWarping", [costs[None] if r.random() < 0.5 else costs])


@generator()
def ScaledSiLU(r):
    x = f32(r, *shape(r), scale=3).astype(pick(r, np.float32, np.float32, np.float16))
    return Case("ScaledSiLU", [x, maybe(r, lambda: np.array(r.random() * 2, np.float32))], {"alpha": float(r.random() * 2)} if r.random() < 0.5 else {}, floor=0.1)


@generator()
def MoE(r):
    experts, h, inner, n = (int(x) for x in r.integers(1, 6, 4))
    act = pick(r, "relu", "gelu", "silu", "identity", "swiglu")
    attrs = {"k": int(r.integers(1, experts + 1)), "activation_type": act, "normalize_routing_weights": int(r.integers(0, 2))}
    if act == "swiglu":
        attrs |= {"swiglu_fusion": 1, "activation_alpha": pick(r, 1.0, 1.702), "activation_beta": pick(r, 0.0, 1.0), **({"swiglu_limit": 0.5} if r.random() < 0.5 else {})}
    wide = inner * (2 if act == "swiglu" else 1)
    x = f32(r, n, h) if r.random() < 0.5 else f32(r, 1, n, h)
    return Case("MoE", [x, f32(r, n, experts), f32(r, experts, wide, h), maybe(r, lambda: f32(r, experts, wide)), f32(r, experts, h, inner),
                        maybe(r, lambda: f32(r, experts, h))], attrs)


@generator()
def QMoE(r):
    experts, n = (int(x) for x in r.integers(1, 5, 2))
    bits, block = pick(r, 4, 4, 8, 2), pick(r, 0, 16, 32)
    h, inner = 32 * int(r.integers(1, 3)), 32 * int(r.integers(1, 3))
    act = pick(r, "relu", "gelu", "silu", "identity", "swiglu")
    t = pick(r, np.float32, np.float32, np.float16)
    attrs = {"k": int(r.integers(1, experts + 1)), "activation_type": act, "normalize_routing_weights": int(r.integers(0, 2)), "expert_weight_bits": bits}
    if act == "swiglu":
        attrs |= {"swiglu_fusion": 1, "activation_alpha": pick(r, 1.0, 1.702), "activation_beta": pick(r, 0.0, 1.0), **({"swiglu_limit": 0.5} if r.random() < 0.5 else {})}
    if block:
        attrs["block_size"] = block
    wide = inner * (2 if act == "swiglu" else 1)

    def layer(rows, columns):
        blocks = columns // block if block else 1
        scales = (r.random((experts, rows, blocks) if block else (experts, rows)) * 0.05 + 0.01).astype(t)
        zero = quant(r, np.uint8, *((experts, rows, -(-blocks * bits // 8)) if block else (experts, -(-rows * bits // 8))))
        return quant(r, np.uint8, experts, rows, columns * bits // 8), scales, maybe(r, lambda: r.standard_normal((experts, rows)).astype(t)), maybe(r, lambda: zero)

    x = r.standard_normal((n, h) if r.random() < 0.5 else (1, n, h)).astype(t)
    w1, s1, b1, z1 = layer(wide, h)
    w2, s2, b2, z2 = layer(h, inner)
    router = maybe(r, lambda: r.random((n, experts)).astype(t), 0.3)
    inputs = [x, r.standard_normal((n, experts)).astype(t), w1, s1, b1, w2, s2, b2, None, None, None, z1, z2, None, router]
    return Case("QMoE", inputs, attrs, constants=(2, 3, 4, 5, 6, 7, 11, 12), limit=1e-4 if t == np.float32 else 5e-3)


@generator()
def AttnLSTM(r):
    """As onnxruntime/contrib_ops/cpu/attnlstm computes it. Y is always asked for: without it ONNX Runtime fails."""
    seq, batch, columns, h, steps, depth, n = (int(x) for x in r.integers(1, 5, 7))
    direction = pick(r, "forward", "reverse", "bidirectional")
    dirs = 2 if direction == "bidirectional" else 1
    layer = int(r.integers(1, 5)) if r.random() < 0.5 else 0
    lengths = lambda most: r.integers(1, most + 1, batch).astype(np.int32)
    inputs = [f32(r, seq, batch, columns), f32(r, dirs, 4 * h, columns + (layer or depth)), f32(r, dirs, 4 * h, h), maybe(r, lambda: f32(r, dirs, 8 * h)),
              maybe(r, lambda: lengths(seq)), maybe(r, lambda: f32(r, dirs, batch, h)), maybe(r, lambda: f32(r, dirs, batch, h)),
              maybe(r, lambda: f32(r, dirs, 3 * h)), f32(r, dirs, h, n), f32(r, dirs, depth, n), f32(r, dirs, n), f32(r, batch, steps, depth),
              maybe(r, lambda: lengths(steps)), f32(r, dirs, depth + h, layer) if layer else None]
    attrs = {"hidden_size": h, "direction": direction}
    if r.random() < 0.3:
        attrs["clip"] = 0.75
    if r.random() < 0.3:
        attrs["input_forget"] = 1
    if r.random() < 0.4:
        attrs["activations"] = [pick(r, "Sigmoid", "HardSigmoid", "Relu"), pick(r, "Tanh", "Softsign"), pick(r, "tanh", "Relu")] * dirs
    return Case("AttnLSTM", inputs, attrs, outputs=(True, bool(r.integers(2)), bool(r.integers(2))), limit=1e-4)
