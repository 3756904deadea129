"""Random one-node models for fuzz_ops.py: elementwise, reductions, shapes, gathering. A generator fills a Case with inputs and attributes."""
import math

import numpy as np
from onnx import helper

FLOATS = ["float32", "float64", "float16"]
INTS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
NUMBERS = FLOATS + INTS
OPSET = 21
GENERATORS = {}


def gen(*names):
    def add(f):
        for n in names:
            GENERATORS[n] = f
        return f
    return add


class Case:
    def __init__(self, rng):
        self.r, self.inputs, self.attrs, self.outputs, self.opset = rng, [], {}, 1, OPSET
        self.nodes = None  # several instead of one of the operator: from i0, i1, ... to o0, o1, ...

    def shape(self, low=0, high=6, most=5, empty=0.06):
        rank = self.r.choice([x for x in (0, 1, 2, 2, 3, 3, 4, 4, 5, 6) if low <= x <= high])
        s = [self.r.choice([1, 2, 3, 4, most]) for _ in range(rank)]
        if s and self.r.random() < empty:
            s[self.r.randrange(rank)] = 0
        return s

    def data(self, shape, dtype, special=0.1, low=None, high=None):
        n = math.prod(shape)
        if dtype == "bool":
            return np.array([self.r.random() < 0.5 for _ in range(n)], bool).reshape(shape)
        t = np.dtype(dtype)
        if t.kind == "f":
            v = np.array([self.r.uniform(-4 if low is None else low, 4 if high is None else high) for _ in range(n)], np.float64)
            if self.r.random() < 0.2:
                v = np.round(v)
            if n and self.r.random() < special:
                for _ in range(3):
                    v[self.r.randrange(n)] = self.r.choice([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, 1e-30])
            with np.errstate(over="ignore"):
                return v.astype(t).reshape(shape)
        info = np.iinfo(t)
        a, b = (max(info.min, -20) if low is None else low), (min(info.max, 20) if high is None else high)
        v = [self.r.randint(a, b) for _ in range(n)]
        if n and low is None and self.r.random() < special:
            v[self.r.randrange(n)] = self.r.choice([info.min, info.max])
        return np.array(v, t).reshape(shape)

    def scale(self, shape, low, high):
        """Of a quantization: never 0."""
        return np.array([self.r.uniform(low, high) for _ in range(math.prod(shape))], np.float32).reshape(shape)

    def axis(self, rank):
        return self.r.randrange(-rank, rank) if rank else 0

    def axes(self, rank):
        some = self.r.sample(range(rank), self.r.randint(0, rank))
        return np.array([a - rank if self.r.random() < 0.5 else a for a in some], np.int64)

    def add(self, *arrays):
        self.inputs.extend(arrays)

    def maybe(self, p=0.5):
        return self.r.random() < p


def broadcast(c, shape):
    s = [1 if c.maybe(0.3) else d for d in shape]
    return s[c.r.randint(0, len(s)):] if c.maybe(0.3) else s


@gen("Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Sqrt", "Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh",
     "Acosh", "Atanh", "Erf", "Sigmoid", "Relu", "Softplus", "Softsign", "Reciprocal", "HardSwish", "Mish", "IsNaN", "IsInf", "Identity", "Not",
     "BitwiseNot", "NonZero", "Shape", "Size", "Gelu")
def unary(c, op):
    t = "bool" if op == "Not" else c.r.choice(INTS if op == "BitwiseNot" else NUMBERS + (["bool"] if op in ("NonZero", "Identity", "Shape") else []))
    if op == "Shape" and c.maybe():
        c.attrs = {"start": c.r.randint(-8, 8), "end": c.r.randint(-8, 8)}
    if op == "IsInf" and c.maybe():
        c.attrs = {"detect_negative": c.r.randint(0, 1), "detect_positive": c.r.randint(0, 1)}
    if op == "Gelu" and c.maybe():
        c.attrs = {"approximate": "tanh"}
    c.add(c.data(c.shape(), t, 0.3))


@gen("Elu", "Selu", "Celu", "LeakyRelu", "ThresholdedRelu", "HardSigmoid", "Shrink")
def activation(c, op):
    names = {"Selu": ["alpha", "gamma"], "HardSigmoid": ["alpha", "beta"], "Shrink": ["lambd", "bias"]}.get(op, ["alpha"])
    c.attrs = {n: c.r.choice([0.1, 0.5, 1.0, 2.0, -0.5]) for n in names if c.maybe()}
    c.add(c.data(c.shape(), c.r.choice(FLOATS if op != "Shrink" else NUMBERS), 0.2))


@gen("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Less", "Greater", "Equal", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "BitwiseAnd", "BitwiseOr",
     "BitwiseXor", "PRelu", "BitShift")
def binary(c, op):
    s = c.shape()
    t = "bool" if op in ("And", "Or", "Xor") else c.r.choice(INTS if op.startswith("Bitwise") else INTS[4:] if op == "BitShift" else NUMBERS)
    a, b = broadcast(c, s), broadcast(c, s)
    if op == "PRelu":
        a = s
    y = c.data(b, t)
    if t in INTS and op in ("Div", "Mod"):
        y = np.where(y == 0, np.ones_like(y), y).astype(t)
    if op == "Mod":
        c.attrs = {"fmod": 1 if t in FLOATS else c.r.randint(0, 1)}
    if op == "BitShift":
        c.attrs = {"direction": c.r.choice(["LEFT", "RIGHT"])}
        y = c.data(b, t, low=0, high=7)
    if op == "Pow":
        u = c.r.choice(["float32", "int32", "int64"])
        y = c.data(b, u, low=0, high=4)
    c.add(c.data(a, t), y)


@gen("Max", "Min", "Sum", "Mean")
def variadic(c, op):
    s, t = c.shape(), c.r.choice(NUMBERS if op[0:2] == "Ma" or op == "Min" else FLOATS)
    for _ in range(c.r.randint(1, 4)):
        c.add(c.data(broadcast(c, s), t))


@gen("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare")
def reduce(c, op):
    s = c.shape()
    c.attrs = {"keepdims": c.r.randint(0, 1), "noop_with_empty_axes": c.r.randint(0, 1)}
    c.add(c.data(s, c.r.choice(["float32", "float64", "int32", "int64", "float16"]), 0.05))
    if c.maybe(0.8):
        c.add(c.axes(len(s)))


@gen("ArgMax", "ArgMin")
def arg(c, op):
    s = c.shape(1)
    c.attrs = {"axis": c.axis(len(s)), "keepdims": c.r.randint(0, 1), "select_last_index": c.r.randint(0, 1)}
    c.add(c.data(s, c.r.choice(["float32", "int32", "int8", "uint8", "float64"]), 0, -3, 3) if c.maybe() and False else c.data(s, "float32", 0))


@gen("Softmax", "LogSoftmax", "Hardmax", "LpNormalization")
def soft(c, op):
    s = c.shape(1)
    c.attrs = {"axis": c.axis(len(s))}
    if op == "LpNormalization":
        c.attrs["p"] = c.r.choice([1, 2])
    c.add(c.data(s, c.r.choice(["float32", "float64"]), 0.05))


@gen("CumSum")
def cumsum(c, op):
    s = c.shape(1)
    c.attrs = {"exclusive": c.r.randint(0, 1), "reverse": c.r.randint(0, 1)}
    c.add(c.data(s, c.r.choice(["float32", "float64", "int32", "int64"])), np.array(c.axis(len(s)), np.int64))


@gen("Concat")
def concat(c, op):
    s = c.shape(1)
    a = c.axis(len(s))
    t = c.r.choice(NUMBERS + ["bool"])
    c.attrs = {"axis": a}
    for _ in range(c.r.randint(1, 4)):
        s2 = list(s)
        s2[a] = c.r.choice([0, 1, 2, 3])
        c.add(c.data(s2, t))


@gen("Split")
def split(c, op):
    s = c.shape(1)
    a = c.axis(len(s))
    c.attrs = {"axis": a}
    c.add(c.data(s, c.r.choice(NUMBERS)))
    if c.maybe():
        c.outputs = c.r.randint(1, 4)
        cuts = sorted(c.r.randint(0, s[a]) for _ in range(c.outputs - 1))
        c.add(np.diff([0, *cuts, s[a]]).astype(np.int64))
    else:
        c.outputs = c.r.randint(1, max(1, s[a]))
        c.attrs["num_outputs"] = c.outputs


@gen("Slice")
def slice_(c, op):
    s = c.shape(1)
    axes = c.axes(len(s))
    big = [-2**63, 2**63 - 1, -2**31, 2**31 - 1]
    pick = lambda: c.r.choice(big) if c.maybe(0.1) else c.r.randint(-7, 7)
    n = len(axes)
    t = c.r.choice([np.int64, np.int32]) if not c.maybe(0.3) else np.int64
    clip = (lambda v: v) if t == np.int64 else (lambda v: max(min(v, 2**31 - 1), -2**31))
    c.add(c.data(s, c.r.choice(NUMBERS)), np.array([clip(pick()) for _ in range(n)], t), np.array([clip(pick()) for _ in range(n)], t), axes.astype(t))
    if c.maybe():
        c.add(np.array([c.r.choice([1, 2, 3, -1, -2, 100, -100]) for _ in range(n)], t))


@gen("Gather")
def gather(c, op):
    s = c.shape(1, 4)
    a = c.axis(len(s))
    c.attrs = {"axis": a}
    d = s[a]
    idx = c.shape(0, 3) if d else [0]
    c.add(c.data(s, c.r.choice(NUMBERS)), c.data(idx, c.r.choice(["int32", "int64"]), 0, -d, max(d - 1, -d)))


@gen("GatherElements")
def gather_elements(c, op):
    s = c.shape(1, 4, empty=0)
    a = c.axis(len(s))
    c.attrs = {"axis": a}
    idx = [c.r.randint(0 if c.maybe(0.1) else 1, d) for d in s]
    idx[a] = c.r.randint(1, 6)
    c.add(c.data(s, c.r.choice(NUMBERS)), c.data(idx, c.r.choice(["int32", "int64"]), 0, -s[a], s[a] - 1))


@gen("GatherND")
def gather_nd(c, op):
    s = c.shape(1, 4, empty=0)
    b = c.r.randint(0, max(len(s) - 1, 0)) if c.maybe(0.4) else 0
    q = c.r.randint(1, len(s) - b)
    head = s[:b] + [c.r.randint(1, 3) for _ in range(c.r.randint(0, 2))]
    c.attrs = {"batch_dims": b}
    idx = np.stack([c.data(head, "int64", 0, -s[b + i], s[b + i] - 1) for i in range(q)], -1)
    c.add(c.data(s, c.r.choice(NUMBERS)), idx)


@gen("ScatterElements")
def scatter_elements(c, op):
    s = c.shape(1, 3, empty=0)
    a = c.axis(len(s))
    t = c.r.choice(["float32", "int32", "int64", "float64"])
    red = c.r.choice(["none", "add", "mul", "max", "min"])
    c.attrs = {"axis": a, "reduction": red}
    idx = [c.r.randint(1, d) for d in s]
    i = c.data(idx, "int64", 0, -s[a], s[a] - 1)
    if red == "none":
        i = np.argsort(np.random.RandomState(c.r.randrange(2**31)).rand(*[*idx]), axis=a).astype(np.int64)  # no duplicates: their order is open
    c.add(c.data(s, t, 0), i, c.data(idx, t, 0))


@gen("Transpose")
def transpose(c, op):
    s = c.shape()
    if c.maybe(0.8):
        c.attrs = {"perm": c.r.sample(range(len(s)), len(s))} if s else {}
    c.add(c.data(s, c.r.choice(NUMBERS + ["bool"])))


@gen("Reshape")
def reshape(c, op):
    s = c.shape()
    n = math.prod(s)
    target = []
    while n > 1 and len(target) < 5:
        d = c.r.choice([k for k in range(1, n + 1) if n % k == 0])
        target.append(d)
        n //= d
    if n != 1:
        target.append(n)
    c.r.shuffle(target)
    if target and c.maybe(0.4) and math.prod(s):
        target[c.r.randrange(len(target))] = -1
    if c.maybe(0.3):
        for i in range(min(len(s), len(target))):
            if target[i] == s[i]:
                target[i] = 0
    if c.maybe(0.2):
        c.attrs = {"allowzero": c.r.randint(0, 1)}
    c.add(c.data(s, c.r.choice(NUMBERS)), np.array(target, np.int64))


@gen("Squeeze", "Unsqueeze")
def squeeze(c, op):
    s = c.shape(0, 4)
    if op == "Unsqueeze":
        r = len(s) + 2
        ax = c.r.sample(range(r), 2)
        ax = [a - r if c.maybe() else a for a in ax]
    else:
        for i in range(len(s)):
            s[i] = 1 if c.maybe() else s[i]
        ax = [a - len(s) if c.maybe() else a for a in range(len(s)) if s[a] == 1 and c.maybe(0.7)]
    c.add(c.data(s, c.r.choice(NUMBERS)))
    if op == "Unsqueeze" or c.maybe(0.8):
        c.add(np.array(ax, np.int64))


@gen("Expand")
def expand(c, op):
    s = c.shape()
    c.add(c.data(broadcast(c, s), c.r.choice(NUMBERS + ["bool"])), np.array(broadcast(c, s) if c.maybe(0.3) else s, np.int64))


@gen("Tile")
def tile(c, op):
    s = c.shape(1, 4)
    c.add(c.data(s, c.r.choice(["float32", "int32", "int64", "bool", "uint8"])), np.array([c.r.choice([0, 1, 2, 3]) if c.maybe(0.9) else 1 for _ in s], np.int64))


@gen("Pad")
def pad(c, op):
    s = c.shape(1, 4)
    mode = c.r.choice(["constant", "reflect", "edge", "wrap"])
    low = -2 if c.maybe(0.2) else 0
    p = [c.r.randint(low, 2) for _ in range(2 * len(s))]
    if mode in ("reflect",):
        p = [min(x, max(d - 1, 0)) for x, d in zip(p, s + s)]
    c.attrs = {"mode": mode}
    t = c.r.choice(["float32", "int32", "int64", "float64", "uint8"])
    c.add(c.data(s, t), np.array(p, np.int64))
    if c.maybe():
        c.add(np.array(3, t))


@gen("Where")
def where(c, op):
    s, t = c.shape(), c.r.choice(["float32", "int32", "int64", "uint8", "float64", "bool"])
    c.add(c.data(broadcast(c, s), "bool"), c.data(broadcast(c, s), t), c.data(broadcast(c, s), t))


@gen("Clip")
def clip(c, op):
    t = c.r.choice(NUMBERS)
    c.add(c.data(c.shape(), t, 0.2))
    c.add(np.array(1 if c.maybe() else 0, t) if c.maybe(0.7) else None, np.array(3, t) if c.maybe(0.7) else None)


@gen("Cast")
def cast(c, op):
    to = c.r.choice(NUMBERS + ["bool"])
    c.attrs = {"to": int(helper.np_dtype_to_tensor_dtype(np.dtype(to)))}
    frm = c.r.choice(NUMBERS + ["bool"])
    unsigned_target = to[0] == "u"
    c.add(c.data(c.shape(), frm, 0, *((0, 100) if frm in FLOATS and (unsigned_target or to in INTS) else (None, None))))


@gen("TopK")
def topk(c, op):
    s = c.shape(1, empty=0)
    a = c.axis(len(s))
    c.attrs = {"axis": a, "largest": c.r.randint(0, 1), "sorted": 1}
    c.outputs = 2
    c.add(c.data(s, c.r.choice(["float32", "int32", "int64", "float64"]), 0), np.array([c.r.randint(0, s[a])], np.int64))


@gen("OneHot")
def onehot(c, op):
    d = c.r.randint(1, 6)
    s = c.shape(0, 3)
    c.attrs = {"axis": c.r.randint(-len(s) - 1, len(s))}
    c.add(c.data(s, "int64", 0, -d - 1, d + 1), np.array(d, np.int64), np.array([0.5, 2], np.float32))


@gen("Trilu")
def trilu(c, op):
    c.attrs = {"upper": c.r.randint(0, 1)}
    c.add(c.data(c.shape(2, 4), c.r.choice(["float32", "int64", "float64", "bool"])))
    if c.maybe():
        c.add(np.array(c.r.choice([-10, -2, -1, 0, 1, 2, 10, 2**40]), np.int64))


@gen("MatMul")
def matmul(c, op):
    s = c.shape(2, 4)
    k = c.r.choice([0, 1, 2, 3, 7])
    head = broadcast(c, s[:-2])
    a, b = s[:-2] + [s[-2], k], head + [k, s[-1]]
    if c.maybe(0.2):
        a = [k]
    elif c.maybe(0.2):
        b = [k]
    t = c.r.choice(["float32", "float64", "int32", "int64", "uint32"])
    c.add(c.data(a, t, 0), c.data(b, t, 0))


@gen("Gemm")
def gemm(c, op):
    m, k, n = (c.r.choice([0, 1, 2, 3, 5]) for _ in range(3))
    ta, tb = c.r.randint(0, 1), c.r.randint(0, 1)
    c.attrs = {"transA": ta, "transB": tb, "alpha": c.r.choice([1.0, 0.5, 0.0]), "beta": c.r.choice([1.0, 0.25, 0.0])}
    t = c.r.choice(["float32", "float64"])
    c.add(c.data([k, m] if ta else [m, k], t, 0), c.data([n, k] if tb else [k, n], t, 0))
    if c.maybe(0.7):
        c.add(c.data(c.r.choice([[n], [m, n], [1, n], [m, 1], [1], []]), t, 0))
