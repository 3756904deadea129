#!/usr/bin/env python3
"""Converts models to several opsets with onnxopt and, for comparison, with onnx.version_converter.

convert_models.py ONNXOPT FOLDER... [--targets 7,9,13] [--peer] [--no-ours] [--out TABLE.tsv] [--limit-mb 200] [--verify] [--no-ort] [--table]

Every model of the folders is converted to every target that it is not at already. Each result must pass onnx.checker and, up to the opset that ONNX
Runtime knows, give what the original gives there, its own optimizations off. A line a conversion goes to --out: file, own opset, target, tool,
outcome (equal, checked, differs, invalid, loads-not, runs-not, refused, timeout), detail. "checked": valid, but nothing to compare with.
--verify: onnxopt's own check too. --no-ort: the checker only. Counts a target are printed at the end; --table prints those of an existing --out file.
Needs Python with onnx, numpy, ml_dtypes and onnxruntime.
"""
import argparse
import collections
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

ORT_NEWEST = 26
GOOD = ("equal", "checked")


def ort_session(path):
    import onnxruntime as ort
    ort.set_default_logger_severity(4)
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.intra_op_num_threads, o.log_severity_level = 1, 4
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def flat(v):
    import numpy as np
    if isinstance(v, dict):
        return [x for k in sorted(v, key=str) for x in flat(v[k])]
    if isinstance(v, (list, tuple)):
        return [x for e in v for x in flat(e)]
    return [] if v is None else [np.asarray(v)]


class Reference:
    """Outputs of the original, computed once, on the first likely inputs that it takes."""

    def __init__(self, path, run):
        import model_feeds
        import onnx
        self.why, self.feed, self.want = "", None, None
        if not run:
            return
        try:
            session = ort_session(path)
            for feed in model_feeds.candidates(onnx.load(str(path), load_external_data=False)):
                try:
                    self.want, self.feed = flat(session.run(None, feed)), feed
                    return
                except Exception as e:  # noqa: BLE001
                    self.why = "the original does not run: " + str(e)[:100]
        except Exception as e:  # noqa: BLE001
            self.why = "the original does not load: " + str(e)[:100]

    def judge(self, path, target):
        import numpy as np
        import onnx
        try:
            onnx.checker.check_model(str(path))
        except Exception as e:  # noqa: BLE001
            return "invalid", str(e)[:160]
        if self.want is None or target > ORT_NEWEST:
            return "checked", self.why
        try:
            s = ort_session(path)
        except Exception as e:  # noqa: BLE001
            return "loads-not", str(e)[:160]
        try:
            taken = {i.name for i in s.get_inputs()}
            got = flat(s.run(None, {k: v for k, v in self.feed.items() if k in taken}))
        except Exception as e:  # noqa: BLE001
            return "runs-not", str(e)[:160]
        if len(got) != len(self.want):
            return "differs", f"{len(self.want)} outputs became {len(got)}"
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


def last_line(text):
    return (text.strip().splitlines() or [""])[-1]


def convert_ours(binary, path, target, out, verify):
    extra = [] if verify else ["--no-verify"]
    try:
        p = subprocess.run([binary, "convert", str(path), "--opset", str(target), "-o", str(out), "-q", *extra], capture_output=True, text=True, timeout=180)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    if p.returncode == 0:
        return "written", ""
    return ("refused" if p.returncode == 3 else f"exit {p.returncode}"), last_line(p.stderr)[-400:]


def isolated(action, seconds):
    """What `action` returns, run in a child that may crash or hang."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        signal.alarm(seconds)
        try:
            text = action()
        except BaseException as e:  # noqa: BLE001
            text = f"refused\t{str(e).strip().splitlines()[-1][:200] if str(e).strip() else type(e).__name__}"
        os.write(write, text.replace("\n", " ").encode()[:4000])
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as f:
        text = f.read().decode(errors="replace")
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return ("timeout" if os.WTERMSIG(status) == signal.SIGALRM else "crash"), f"signal {os.WTERMSIG(status)}"
    outcome, _, detail = text.partition("\t")
    return outcome, detail


def convert_peer(path, target, out):
    def work():
        import onnx
        from onnx import version_converter
        onnx.save(version_converter.convert_version(onnx.load(str(path)), target), str(out))
        return "written\t"
    return isolated(work, 120)


def print_table(rows):
    counts = collections.defaultdict(collections.Counter)
    for _, _, target, tool, outcome, _ in rows:
        counts[(tool, int(target))][outcome] += 1
    for tool, target in sorted(counts):
        c = counts[(tool, target)]
        print(f"{tool:5} {target:3} good {sum(c[g] for g in GOOD):4}  {dict(c)}")


def files_in(folders, limit_mb):
    for folder in folders:
        for f in [pathlib.Path(folder)] if folder.endswith(".onnx") else sorted(pathlib.Path(folder).rglob("*.onnx")):
            if f.stat().st_size < limit_mb * 1e6:
                yield f


def own_opset(path):
    import onnx
    m = onnx.load(str(path), load_external_data=False)
    return max([i.version for i in m.opset_import if i.domain in ("", "ai.onnx")] or [0])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("onnxopt")
    ap.add_argument("folders", nargs="*")
    ap.add_argument("--targets", default="7,9,11,13,15,17,18,20,21,23,25,28")
    ap.add_argument("--peer", action="store_true")
    ap.add_argument("--no-ours", action="store_true")
    ap.add_argument("--verify", action="store_true")
    ap.add_argument("--no-ort", action="store_true")
    ap.add_argument("--table", action="store_true")
    ap.add_argument("--out", required=True)
    ap.add_argument("--limit-mb", type=float, default=200)
    a = ap.parse_args()
    if a.table:
        return print_table([line.rstrip("\n").split("\t") for line in open(a.out)])
    import onnx, onnxruntime  # noqa: F401,E401 (once, before the forks)
    tools = ([] if a.no_ours else ["ours"]) + (["peer"] if a.peer else [])
    with tempfile.TemporaryDirectory() as tmp, open(a.out, "w") as log:
        out = pathlib.Path(tmp) / "out.onnx"

        def one_model(f):
            try:
                own = own_opset(f)
            except Exception as e:  # noqa: BLE001
                return f"unreadable\t{str(e)[:80]}"
            reference = Reference(f, not a.no_ort)
            for t in [int(t) for t in a.targets.split(",")]:
                for tool in tools if t != own else []:
                    for old in pathlib.Path(tmp).iterdir():
                        old.unlink()
                    outcome, detail = convert_ours(a.onnxopt, f, t, out, a.verify) if tool == "ours" else convert_peer(f, t, out)
                    if outcome == "written":
                        outcome, detail = isolated(lambda: "\t".join(reference.judge(out, t)), 120)
                    print(f, own, t, tool, outcome, detail.replace("\t", " ").replace("\n", " "), sep="\t", file=log, flush=True)
            return "done\t"
        for f in files_in(a.folders, a.limit_mb):
            outcome, detail = isolated(lambda: one_model(f), 3000)
            if outcome != "done":
                print(f, outcome, detail, file=sys.stderr)
    print_table([line.rstrip("\n").split("\t") for line in open(a.out)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
