"""Random one-node models for fuzz_ops.py: recurrent and attention operators, quantized arithmetic, losses, detection, signals, strings, sequences."""
import math

import numpy as np

from op_cases import FLOATS, NUMBERS, gen


@gen("RNN", "LSTM", "GRU")
def recurrent(c, op):
    n, d = {"RNN": 1, "LSTM": 4, "GRU": 3}[op], c.r.choice(["forward", "reverse", "bidirectional"])
    dirs, t, b, i, h = 2 if d == "bidirectional" else 1, c.r.randint(1, 4), c.r.randint(1, 3), c.r.randint(1, 3), c.r.randint(1, 3)
    c.attrs = {"direction": d, "hidden_size": h}
    if op == "GRU":
        c.attrs["linear_before_reset"] = c.r.randint(0, 1)
    if c.maybe(0.3):
        k = {"RNN": 1, "LSTM": 3, "GRU": 2}[op]
        # ThresholdedRelu, Affine and ScaledTanh without their parameters: only here, since the defaults are the specification's
        c.attrs["activations"] = [c.r.choice(["Tanh", "Sigmoid", "Relu", "HardSigmoid", "Softsign", "Softplus", "Elu", "LeakyRelu"]) for _ in range(k * dirs)]
    if c.maybe(0.2):
        c.attrs["clip"] = c.r.choice([0.5, 2.0])
    if op == "LSTM" and c.maybe(0.2):
        c.attrs["input_forget"] = 1
    f = "float32"
    c.add(c.data([t, b, i], f, 0), c.data([dirs, n * h, i], f, 0, -1, 1), c.data([dirs, n * h, h], f, 0, -1, 1))
    c.add(c.data([dirs, 2 * n * h], f, 0, -1, 1) if c.maybe() else None, c.data([b], "int32", 0, 1, t) if c.maybe() else None)
    c.add(c.data([dirs, b, h], f, 0, -1, 1) if c.maybe() else None)
    if op == "LSTM":
        c.add(c.data([dirs, b, h], f, 0, -1, 1) if c.maybe() else None, c.data([dirs, 3 * h], f, 0, -1, 1) if c.maybe(0.3) else None)
    c.outputs = c.r.randint(1, 3 if op == "LSTM" else 2)


@gen("Attention")
def attention(c, op):
    c.opset = 23
    b, kv, g, q, k, e, v = (c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 4), c.r.randint(1, 4), c.r.choice([2, 4]), c.r.choice([2, 4]))
    h, f = kv * g, "float32"
    past = c.r.randint(0, 3) if c.maybe(0.3) else None
    flat = c.maybe(0.4)
    if flat:
        c.attrs = {"q_num_heads": h, "kv_num_heads": kv}
        c.add(c.data([b, q, h * e], f, 0), c.data([b, k, kv * e], f, 0), c.data([b, k, kv * v], f, 0))
    else:
        c.add(c.data([b, h, q, e], f, 0), c.data([b, kv, k, e], f, 0), c.data([b, kv, k, v], f, 0))
    total = k + (past or 0)
    if c.maybe():
        s = c.r.choice([[q, total], [b, h, q, total], [1, 1, q, total], [b, 1, q, total]])
        m = c.data(s, "bool") if c.maybe(0.3) else c.data(s, f, 0)
        if m.dtype == bool:
            m[..., 0] = True  # a row that may see nothing is not defined
        c.add(m)
    else:
        c.add(None)
    if past is not None:
        c.add(c.data([b, kv, past, e], f, 0), c.data([b, kv, past, v], f, 0))
        c.outputs = 3
    if c.maybe(0.4):
        c.attrs["is_causal"] = 1
    if c.maybe(0.3):
        c.attrs["scale"] = c.r.choice([0.5, 1.0, 2.0])
    if c.maybe(0.3):
        c.attrs["softcap"] = c.r.choice([1.0, 5.0])


@gen("RotaryEmbedding")
def rotary(c, op):
    c.opset = 23
    b, h, s, e = c.r.randint(1, 2), c.r.randint(1, 3), c.r.randint(1, 3), c.r.choice([2, 4, 8])
    part = c.r.choice([2, e]) if c.maybe(0.4) else 0
    flat = c.maybe(0.4)
    half = (part or e) // 2
    c.attrs = {"interleaved": c.r.randint(0, 1)}
    if part:
        c.attrs["rotary_embedding_dim"] = part
    if flat or part:
        c.attrs["num_heads"] = h
    c.add(c.data([b, s, h * e] if flat else [b, h, s, e], "float32", 0))
    if c.maybe():
        c.add(c.data([6, half], "float32", 0, -1, 1), c.data([6, half], "float32", 0, -1, 1), c.data([b, s], "int64", 0, 0, 5))
    else:
        c.add(c.data([b, s, half], "float32", 0, -1, 1), c.data([b, s, half], "float32", 0, -1, 1))


@gen("RMSNormalization", "Swish", "CumProd", "TensorScatter")
def newer(c, op):
    c.opset = 24
    if op == "Swish":
        c.attrs = {"alpha": c.r.choice([1.0, 0.5, -1.0])}
        return c.add(c.data(c.shape(), c.r.choice(FLOATS)))
    if op == "CumProd":
        c.opset = 26
        s = c.shape(1)
        c.attrs = {"exclusive": c.r.randint(0, 1), "reverse": c.r.randint(0, 1)}
        return c.add(c.data(s, c.r.choice(["float32", "float64", "int64"]), 0), np.array(c.axis(len(s)), np.int64))
    if op == "TensorScatter":
        b, h, m, s, d = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(3, 6), c.r.randint(1, 3), c.r.randint(1, 3)
        c.attrs = {"axis": -2, "mode": c.r.choice(["linear", "circular"])}
        c.add(c.data([b, h, m, d], "float32", 0), c.data([b, h, s, d], "float32", 0))
        return c.add(c.data([b], "int64", 0, 0, m - s)) if c.maybe() else None
    s = c.shape(1, 4, empty=0)
    a = c.axis(len(s))
    c.attrs = {"axis": a, "epsilon": c.r.choice([1e-5, 0.1])}
    c.add(c.data(s, "float32", 0), c.data(s[a % len(s):], "float32", 0))


@gen("MatMulInteger", "QLinearMatMul")
def matmul_integer(c, op):
    m, k, n = c.r.randint(1, 4), c.r.randint(1, 5), c.r.randint(1, 4)
    head = [c.r.randint(1, 2)] if c.maybe(0.3) else []
    ta, tb = c.r.choice(["int8", "uint8"]), c.r.choice(["int8", "uint8"])
    a, b = c.data([*head, m, k], ta, 0.1, None), c.data([*head, k, n], tb, 0.1, None)
    if op == "MatMulInteger":
        c.add(a, b)
        if c.maybe():
            c.add(c.data([], ta, 0), c.data([n] if c.maybe(0.3) and not head else [], tb, 0))
        return
    f = lambda: c.scale([], 0.01, 0.5)
    ty = c.r.choice(["int8", "uint8"])
    c.add(a, f(), c.data([], ta, 0), b, f(), c.data([], tb, 0), f(), c.data([], ty, 0))


@gen("ConvInteger", "QLinearConv")
def conv_integer(c, op):
    from op_cases_nn import window_attrs
    rank, g = 2, c.r.choice([1, 1, 2])
    cin, cout, k = g * c.r.randint(1, 3), g * c.r.randint(1, 3), [c.r.randint(1, 3) for _ in range(rank)]
    c.attrs = {"group": g, **window_attrs(c, rank)}
    tx = c.r.choice(["uint8", "int8"])
    tw = "int8" if tx == "int8" or c.maybe() else "uint8"
    x, w = c.data([1, cin, *[c.r.randint(3, 6) for _ in k]], tx, 0.1), c.data([cout, cin // g, *k], tw, 0.1)
    if op == "ConvInteger":
        c.add(x, w)
        return c.add(c.data([], tx, 0)) if c.maybe() else None
    per = c.maybe(0.4)
    c.add(x, c.scale([], 0.01, 0.5), c.data([], tx, 0), w, c.scale([cout] if per else [], 0.01, 0.5),
          np.zeros([cout] if per else [], tw), c.scale([], 0.05, 0.9), c.data([], tx, 0))
    if c.maybe():
        c.add(c.data([cout], "int32", 0, -200, 200))


@gen("DynamicQuantizeLinear", "Det", "Flatten", "GlobalLpPool", "Dropout", "CastLike")
def small(c, op):
    if op == "Det":
        n = c.r.randint(1, 4)
        return c.add(c.data([*c.shape(0, 2), n, n], "float32", 0))
    if op == "Flatten":
        s = c.shape()
        c.attrs = {"axis": c.r.randint(-len(s), len(s))}
        return c.add(c.data(s, c.r.choice(NUMBERS)))
    if op == "GlobalLpPool":
        c.attrs = {"p": c.r.choice([1, 2, 3])}
        return c.add(c.data(c.shape(3, 5, empty=0), "float32", 0))
    if op == "Dropout":
        c.outputs = c.r.randint(1, 2)
        c.add(c.data(c.shape(), c.r.choice(FLOATS)))
        return c.add(np.array(0.5, np.float32)) if c.maybe() else None
    if op == "CastLike":
        return c.add(c.data(c.shape(), c.r.choice(NUMBERS), 0, 0, 100), c.data([1], c.r.choice(NUMBERS), 0))
    c.outputs = 3
    c.add(c.data(c.shape(1, empty=0), "float32", 0))


@gen("ScatterND")
def scatter_nd(c, op):
    s = c.shape(1, 4, empty=0)
    q, red = c.r.randint(1, len(s)), c.r.choice(["none", "add", "mul", "max", "min"])
    head = [c.r.randint(1, 3) for _ in range(c.r.randint(0, 2))]
    t = c.r.choice(["float32", "int32", "int64"])
    idx = np.stack([c.data(head, "int64", 0, -s[i], s[i] - 1) for i in range(q)], -1) if q else np.zeros([*head, 0], np.int64)
    if red == "none":
        flat = idx.reshape(-1, q) % np.array(s[:q])
        if len({tuple(r) for r in flat}) != len(flat):
            red = "add"  # which of two writers to one place wins is open
    c.attrs = {"reduction": red}
    c.add(c.data(s, t, 0), idx, c.data([*head, *s[q:]], t, 0))


@gen("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(c, op):
    n, k = c.r.randint(1, 3), c.r.randint(2, 4)
    d = [c.r.randint(1, 3) for _ in range(c.r.randint(0, 2))]
    c.attrs = {"reduction": c.r.choice(["none", "sum", "mean"])}
    if c.maybe(0.4):
        c.attrs["ignore_index"] = c.r.choice([-1, 0, 1])
    low = -1 if c.attrs.get("ignore_index") == -1 else 0
    c.add(c.data([n, k, *d], "float32", 0), c.data([n, *d], c.r.choice(["int32", "int64"]), 0, low, k - 1))
    if c.maybe(0.4):
        c.add(c.data([k], "float32", 0, 0.1, 2))
    if op[0] == "S" and c.maybe():
        c.outputs = 2


@gen("NonMaxSuppression")
def nms(c, op):
    n, k, b = c.r.randint(1, 2), c.r.randint(1, 2), c.r.randint(1, 8)
    c.attrs = {"center_point_box": c.r.randint(0, 1)}
    c.add(c.data([n, b, 4], "float32", 0, 0, 4), c.data([n, k, b], "float32", 0, 0, 1), np.array(c.r.choice([0, 1, 3, 2**62]), np.int64))
    c.add(np.array(c.r.choice([0.0, 0.3, 1.0]), np.float32), np.array(c.r.choice([0.0, 0.5]), np.float32) if c.maybe() else None)


@gen("RoiAlign", "MaxRoiPool")
def roi(c, op):
    ch, h, w, n = c.r.randint(1, 3), c.r.randint(4, 9), c.r.randint(4, 9), c.r.randint(1, 3)
    x, lo, size = c.data([2, ch, h, w], "float32", 0), c.data([n, 2], "float32", 0, 0, 4), c.data([n, 2], "float32", 0, 0.5, 5)
    box = np.concatenate([lo, lo + size], 1)
    if op == "MaxRoiPool":
        c.attrs = {"pooled_shape": [c.r.randint(1, 3), c.r.randint(1, 3)], "spatial_scale": c.r.choice([1.0, 0.5])}
        return c.add(x, np.concatenate([c.data([n, 1], "int32", 0, 0, 1).astype(np.float32), np.round(box)], 1).astype(np.float32))
    c.attrs = {"mode": c.r.choice(["avg", "max"]), "output_height": c.r.randint(1, 3), "output_width": c.r.randint(1, 3), "sampling_ratio": c.r.randint(0, 2),
               "spatial_scale": c.r.choice([1.0, 0.5]), "coordinate_transformation_mode": c.r.choice(["half_pixel", "output_half_pixel"])}
    c.add(x, box.astype(np.float32), c.data([n], "int64", 0, 0, 1))


@gen("AffineGrid", "CenterCropPad", "Col2Im", "MaxUnpool", "DeformConv")
def images(c, op):
    n, ch = c.r.randint(1, 2), c.r.randint(1, 2)
    if op == "AffineGrid":
        three = c.maybe(0.3)
        c.attrs = {"align_corners": c.r.randint(0, 1)}
        return c.add(c.data([n, 3, 4] if three else [n, 2, 3], "float32", 0, -1, 1), np.array([n, ch, *[c.r.randint(1, 4) for _ in range(3 if three else 2)]], np.int64))
    if op == "CenterCropPad":
        s = c.shape(1, 4, empty=0)
        axes = c.r.sample(range(len(s)), c.r.randint(1, len(s)))
        c.attrs = {"axes": [a - len(s) if c.maybe() else a for a in axes]}
        return c.add(c.data(s, c.r.choice(["float32", "int64"])), np.array([c.r.randint(1, 7) for _ in axes], np.int64))
    if op == "Col2Im":
        im, blk = [c.r.randint(3, 6), c.r.randint(3, 6)], [c.r.randint(1, 3), c.r.randint(1, 3)]
        st, p, d = [c.r.randint(1, 2) for _ in im], [c.r.randint(0, 1) for _ in range(4)], [1, 1]
        count = math.prod((im[i] + p[i] + p[i + 2] - d[i] * (blk[i] - 1) - 1) // st[i] + 1 for i in range(2))
        c.attrs = {"strides": st, "pads": p, "dilations": d}
        return c.add(c.data([n, ch * math.prod(blk), count], "float32", 0), np.array(im, np.int64), np.array(blk, np.int64))
    if op == "MaxUnpool":
        h, w = c.r.randint(1, 3), c.r.randint(1, 3)
        flat = [c.r.sample(range(4 * h * w), h * w) for _ in range(n * ch)]
        idx = np.array([[v + k * 4 * h * w for v in f] for k, f in enumerate(flat)], np.int64).reshape(n, ch, h, w)
        c.attrs = {"kernel_shape": [2, 2], "strides": [2, 2]}
        return c.add(c.data([n, ch, h, w], "float32", 0), idx)
    oc, k, h, w = c.r.randint(1, 2), [c.r.randint(1, 3), c.r.randint(1, 3)], c.r.randint(3, 5), c.r.randint(3, 5)
    oh, ow, og = h - k[0] + 1, w - k[1] + 1, c.r.choice([1, ch])
    c.attrs = {"kernel_shape": k, "pads": [0] * 4, "offset_group": og}
    c.add(c.data([n, ch, h, w], "float32", 0), c.data([oc, ch, *k], "float32", 0), c.data([n, og * 2 * math.prod(k), oh, ow], "float32", 0, -1.5, 1.5))
    c.add(c.data([oc], "float32", 0) if c.maybe() else None, c.data([n, og * math.prod(k), oh, ow], "float32", 0, 0, 1) if c.maybe() else None)


@gen("DFT", "STFT", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix")
def signal(c, op):
    if op.endswith("Window"):
        c.attrs = {"periodic": c.r.randint(0, 1)}
        return c.add(np.array(c.r.choice([1, 2, 3, 5, 8, 16]), c.r.choice(["int32", "int64"])))
    if op == "MelWeightMatrix":
        a = [c.r.randint(1, 8), c.r.choice([8, 16, 32]), c.r.choice([8000, 16000])]
        return c.add(*[np.array(x, np.int64) for x in a], np.array(c.r.choice([0.0, 20.0]), np.float32), np.array(a[2] / 2, np.float32))
    t = c.r.choice(["float32", "float64"])
    if op == "STFT":
        n, f = c.r.choice([8, 12, 16]), c.r.choice([4, 8])
        c.attrs = {"onesided": c.r.randint(0, 1)}
        c.add(c.data([c.r.randint(1, 2), n, 1], t, 0), np.array(c.r.randint(1, 4), np.int64))
        return c.add(c.data([f], t, 0, 0, 1) if c.maybe() else None, np.array(f, np.int64))
    s = c.shape(1, 3, empty=0) + [c.r.choice([1, 2])]
    if len(s) < 3:
        s = [1, *s]
    axis = c.r.randrange(1, len(s) - 1)
    c.attrs = {"inverse": c.r.randint(0, 1)}
    if s[-1] == 1 and not c.attrs["inverse"]:
        c.attrs["onesided"] = c.r.randint(0, 1)
    c.add(c.data(s, t, 0), np.array(c.r.randint(1, 7), np.int64) if c.maybe(0.4) else None, np.array(axis - (len(s) if c.maybe() else 0), np.int64))


def words(c, shape):
    pick = ["", "a", "Ab", "the cat", "x,y,z", "ÄÖ", "123", "a@b.c", "  two  "]
    return np.array([c.r.choice(pick) for _ in range(math.prod(shape))], object).reshape(shape)


@gen("StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch", "TfIdfVectorizer")
def strings(c, op):
    s = c.shape(1, 3)
    if op == "StringConcat":
        from op_cases import broadcast
        return c.add(words(c, broadcast(c, s)), words(c, broadcast(c, s)))
    if op == "StringNormalizer":
        c.attrs = {"case_change_action": c.r.choice(["LOWER", "UPPER", "NONE"]), "is_case_sensitive": c.r.randint(0, 1)}
        if c.maybe():
            c.attrs["stopwords"] = ["a", "123", "THE CAT"]
        return c.add(words(c, c.r.choice([[3], [1, 4], [5]])))
    if op == "StringSplit":
        if c.maybe(0.6):
            c.attrs["delimiter"] = c.r.choice([",", " ", "a"])
        if c.maybe(0.4):
            c.attrs["maxsplit"] = c.r.randint(0, 2)
        c.outputs = 2
        return c.add(words(c, s))
    if op == "RegexFullMatch":
        c.attrs = {"pattern": c.r.choice([r"[a-z]+", r".*", r"\d{3}", r"(a|b)*@.+", ""])}
        return c.add(words(c, s))
    lo, hi = c.r.randint(1, 2), c.r.randint(2, 3)
    c.attrs = {"mode": c.r.choice(["TF", "IDF", "TFIDF"]), "min_gram_length": lo, "max_gram_length": hi, "max_skip_count": c.r.randint(0, 2),
               "ngram_counts": [0, 4, 10], "ngram_indexes": [0, 1, 2, 3, 4, 5, 6], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7], "weights": [1.0, 0.5, 2.0, 1.0, 1.0, 3.0, 1.0]}
    if hi == 3:
        c.attrs["max_gram_length"] = 2
    c.add(c.data(c.r.choice([[9], [2, 6]]), c.r.choice(["int32", "int64"]), 0, 0, 9))


@gen("SplitToSequence", "BitCast")
def sequences(c, op):
    if op == "BitCast":
        c.opset = 26
        a, b = c.r.choice([("float32", 6), ("int32", 1), ("float64", 7), ("uint8", 3), ("int64", 11), ("float16", 4)])
        c.attrs = {"to": b}
        return c.add(c.data(c.shape(), a))
    s = c.shape(1, 4, empty=0)
    a = c.axis(len(s))
    c.attrs = {"axis": a, "keepdims": c.r.randint(0, 1)}
    c.add(c.data(s, c.r.choice(["float32", "int64"])))
    if c.maybe():
        c.add(np.array(c.r.randint(1, s[a]), np.int64) if c.maybe() else np.diff([0, *sorted(c.r.randint(0, s[a]) for _ in range(2)), s[a]]).astype(np.int64))
