#!/usr/bin/env python3
"""Holds our inference against the shapes that ONNX Runtime computes: every value of the main graph becomes an output, the model runs without
optimization on inputs of several sizes, and our dims (symbols replaced by the sizes) must be the real ones.

  check_inference_runtime.py --dump BUILD/tests/onnxopt_infer_dump MODEL..."""
import argparse, fractions, json, math, os, re, subprocess, sys
import numpy, onnx, onnxruntime
onnxruntime.set_default_logger_severity(4)

parser = argparse.ArgumentParser()
parser.add_argument("--dump", required=True)
parser.add_argument("--max-mb", type=float, default=60)
parser.add_argument("models", nargs="+")
args = parser.parse_args()

def value(dim, sizes):
    """A dim as printed, with its symbols replaced; None if a symbol is not bound."""
    if not isinstance(dim, str): return dim
    if dim in sizes: return sizes[dim]
    names = {}
    def bind(match):
        word = match.group(0).strip("'")
        if word in ("floor", "ceil", "mod", "min", "max"): return word
        names[f"v{len(names)}"] = sizes[word]
        return f"v{len(names) - 1}"
    try:
        text = re.sub(r"'[^']*'|[A-Za-z_][A-Za-z0-9_.:]*", bind, dim)
        env = {k: fractions.Fraction(v) for k, v in names.items()}
        return int(eval(text, {"floor": math.floor, "ceil": math.ceil, "mod": lambda a, b: a % b, "min": min, "max": max}, env))
    except KeyError: return None

DTYPES = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(float16)": "f2", "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(bool)": "?",
          "tensor(uint8)": "u1", "tensor(int8)": "i1", "tensor(uint32)": "u4", "tensor(uint64)": "u8", "tensor(int16)": "i2", "tensor(uint16)": "u2", "tensor(string)": "O"}

def run(session, shapes):
    rng = numpy.random.default_rng(0)
    feeds = {}
    for i in session.get_inputs():
        t = numpy.dtype(DTYPES[i.type])
        shape = shapes[i.name]
        if t.kind == "f": feeds[i.name] = rng.random(shape).astype(t)
        elif t.kind == "O": feeds[i.name] = numpy.full(shape, "a", dtype=object)
        else: feeds[i.name] = numpy.ones(shape, t)
    return session.run(None, feeds)

total = bad = 0
checked = 0
for path in args.models:
    try:
        if os.path.getsize(path) > args.max_mb * 2**20: continue
        m = onnx.load(path)
    except Exception: continue
    out = subprocess.run([args.dump, path], capture_output=True, text=True).stdout
    mine = {}
    for line in out.splitlines():
        j = json.loads(line)
        if "error" not in j and j["graph"] == "main" and j["kind"] == "tensor": mine[j["value"]] = j
    had = {o.name for o in m.graph.output}
    for name in mine:
        if name not in had: m.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    try: session = onnxruntime.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as e: print("SKIP", path, str(e)[:100].replace("\n", " ")); continue
    ran = 0
    for sizes_try in ((2, 67, 131, 99, 71), (1, 32, 64, 96, 128), (2, 3, 5, 7, 11), (1, 1, 1, 1, 1), (1, 64, 64, 64, 64), (1, 320, 256, 320, 320), (1, 224, 224, 224, 224), (4, 8, 8, 8, 8), (1, 512, 512, 512, 512)):
        sizes, shapes, k = {}, {}, 0
        for i in session.get_inputs():
            shape = []
            for d in (i.shape or []):
                if isinstance(d, int) and d >= 0: shape.append(d); continue
                if d is None or d == "" or isinstance(d, int): shape.append(sizes_try[k % 5]); k += 1; continue
                if d not in sizes: sizes[d] = sizes_try[k % 5]; k += 1
                shape.append(sizes[d])
            shapes[i.name] = shape
        try: results = run(session, shapes)
        except Exception as e: error = str(e); continue
        ran += 1
        for o, r in zip(session.get_outputs(), results):
            j = mine.get(o.name)
            if j is None or not isinstance(r, numpy.ndarray): continue
            total += 1
            real = list(r.shape)
            wrong = j["shape"] is not None and (len(j["shape"]) != len(real) or any(
                (v := value(d, sizes)) is not None and v != x for d, x in zip(j["shape"], real)))
            if "known" in j and not wrong and len(j["known"]) == r.size:
                wrong = any((v := value(d, sizes)) is not None and int(v) != int(x) for d, x in zip(j["known"], r.reshape(-1).tolist()))
                real = [real, r.reshape(-1).tolist()] if wrong else real
            if wrong: bad += 1; print("WRONG", path, j["op"], o.name, j["shape"], j.get("known"), "real", real, sizes)
        if ran >= 2 or k == 0: break
    checked += ran > 0
    if not ran: print("NORUN", path, error[:120].replace("\n", " "))
print(f"{checked} models ran, {total} values compared, {bad} wrong")
sys.exit(1 if bad else 0)
