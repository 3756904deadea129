#!/usr/bin/env python3
"""Converts models to several opsets with onnxopt and, for comparison, with onnx.version_converter.

convert_models.py ONNXOPT FOLDER... [--targets 7,9,13] [--peer] [--ort] [--out TABLE.tsv] [--limit-mb 200] [--verify]

Every model of the folders is converted to every target that it is not at already. --ort compares each result with the original in ONNX Runtime
(its own optimizations off; targets up to 26); --peer does the same with onnx.version_converter. A line a conversion goes to --out:
file, own opset, target, tool, outcome (equal, differs, loads-not, written, refused, timeout), detail. Counts a target are printed at the end.
Needs Python with onnx, numpy and onnxruntime.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

ORT_NEWEST = 26


def feeds(session, seed):
    import numpy as np
    rng = np.random.default_rng(seed)
    kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16, "tensor(int64)": np.int64,
             "tensor(int32)": np.int32, "tensor(uint8)": np.uint8, "tensor(int8)": np.int8, "tensor(bool)": np.bool_}
    made = {}
    for i in session.get_inputs():
        if i.type not in kinds:
            return None
        shape = [d if isinstance(d, int) and d > 0 else 2 for d in i.shape]
        t = kinds[i.type]
        if t is np.bool_:
            made[i.name] = np.ones(shape, t)
        elif np.issubdtype(t, np.integer):
            made[i.name] = rng.integers(0, 2, shape).astype(t)
        else:
            made[i.name] = rng.standard_normal(shape).astype(t)
    return made


def ort_session(path):
    import onnxruntime as ort
    ort.set_default_logger_severity(4)
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.intra_op_num_threads, o.log_severity_level = 2, 4
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def flat(v):
    import numpy as np
    if isinstance(v, dict):
        return [x for k in sorted(v, key=str) for x in flat(v[k])]
    if isinstance(v, (list, tuple)):
        return [x for e in v for x in flat(e)]
    return [] if v is None else [np.asarray(v)]


class Reference:
    """Outputs of the original, computed once."""

    def __init__(self, path):
        self.why, self.feed, self.want = "", None, None
        try:
            s = ort_session(path)
        except Exception as e:  # noqa: BLE001
            self.why = "original does not load: " + str(e)[:100]
            return
        for seed in range(3):
            self.feed = feeds(s, seed)
            if self.feed is None:
                self.why = "no inputs for these types"
                return
            try:
                self.want = flat(s.run(None, self.feed))
                return
            except Exception as e:  # noqa: BLE001
                self.why = "original does not run: " + str(e)[:100]

    def judge(self, path):
        import numpy as np
        if self.want is None:
            return "written", self.why
        try:
            s = ort_session(path)
        except Exception as e:  # noqa: BLE001
            return "loads-not", str(e)[:160]
        try:
            got = flat(s.run(None, self.feed))
        except Exception as e:  # noqa: BLE001
            return "runs-not", str(e)[:160]
        worst = 0.0
        for a, b in zip(self.want, got):
            if a.shape != b.shape or a.dtype != b.dtype:
                return "differs", f"{a.dtype}{a.shape} became {b.dtype}{b.shape}"
            if a.dtype.kind in "OUSb":
                if not np.array_equal(a, b):
                    return "differs", "not equal"
                continue
            x, y = a.astype(np.float64), b.astype(np.float64)
            fin = np.isfinite(x)
            if not np.array_equal(fin, np.isfinite(y)) or not np.array_equal(x[~fin], y[~fin], equal_nan=True):
                return "differs", "not finite elsewhere"
            if fin.any():
                worst = max(worst, float(np.abs(x[fin] - y[fin]).max() / max(np.abs(x[fin]).max(), 1e-3)))
        return ("equal", f"{worst:.2g}") if worst <= 1e-3 else ("differs", f"{worst:.2g}")


def own_opset(path):
    import onnx
    m = onnx.load(str(path), load_external_data=False)
    return max([i.version for i in m.opset_import if i.domain in ("", "ai.onnx")] or [0])


def convert_ours(binary, path, target, out, verify):
    extra = [] if verify else ["--no-verify"]
    try:
        p = subprocess.run([binary, "convert", str(path), "--opset", str(target), "-o", str(out), "--json", *extra], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    if p.returncode == 0:
        j = json.loads(p.stdout)
        v = j.get("verification") or {}
        return "written", v.get("verdict", "")
    if p.returncode == 3:
        return "refused", (p.stderr.strip().splitlines() or [""])[0][-400:]
    return f"exit {p.returncode}", (p.stderr.strip().splitlines() or [""])[0][-400:]


PEER = """
import sys, onnx
from onnx import version_converter
m = version_converter.convert_version(onnx.load(sys.argv[1]), int(sys.argv[2]))
onnx.save(m, sys.argv[3])
"""


def convert_peer(path, target, out):
    try:
        p = subprocess.run([sys.executable, "-c", PEER, str(path), str(target), str(out)], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    return ("written", "") if p.returncode == 0 else ("refused", (p.stderr.strip().splitlines() or [""])[-1][-200:])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("onnxopt")
    ap.add_argument("folders", nargs="+")
    ap.add_argument("--targets", default="7,9,11,13,15,17,18,20,21,23,25,28")
    ap.add_argument("--peer", action="store_true")
    ap.add_argument("--no-ours", action="store_true")
    ap.add_argument("--ort", action="store_true")
    ap.add_argument("--verify", action="store_true")
    ap.add_argument("--out")
    ap.add_argument("--limit-mb", type=float, default=200)
    a = ap.parse_args()
    targets = [int(t) for t in a.targets.split(",")]
    files = [f for folder in a.folders for f in ([pathlib.Path(folder)] if folder.endswith(".onnx") else sorted(pathlib.Path(folder).rglob("*.onnx")))]
    files = [f for f in files if f.stat().st_size < a.limit_mb * 1e6]
    log = open(a.out, "w") if a.out else sys.stdout
    counts = collections.defaultdict(collections.Counter)
    tools = ([] if a.no_ours else ["ours"]) + (["peer"] if a.peer else [])
    with tempfile.TemporaryDirectory() as tmp:
        out = pathlib.Path(tmp) / "out.onnx"
        for f in files:
            try:
                own = own_opset(f)
            except Exception as e:  # noqa: BLE001
                print(f.name, "unreadable", str(e)[:80], file=log)
                continue
            reference = Reference(f) if a.ort else None
            for t in targets:
                if t == own:
                    continue
                for tool in tools:
                    for old in pathlib.Path(tmp).iterdir():
                        old.unlink()
                    outcome, detail = convert_ours(a.onnxopt, f, t, out, a.verify) if tool == "ours" else convert_peer(f, t, out)
                    if outcome == "written" and reference and t <= ORT_NEWEST:
                        outcome, detail = reference.judge(out)
                    counts[(tool, t)][outcome] += 1
                    print(f, own, t, tool, outcome, detail.replace("\t", " "), sep="\t", file=log, flush=True)
    for tool in tools:
        for t in targets:
            print(tool, t, dict(counts[(tool, t)]))


if __name__ == "__main__":
    main()
