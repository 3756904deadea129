#!/usr/bin/env python3
"""Converts models to several opsets with onnxopt and, for comparison, with onnx.version_converter.

convert_models.py ONNXOPT FOLDER... --out TABLE.tsv [--targets 7,9,13] [--peer] [--peer-limit-mb 1e9] [--no-ours] [--limit-mb 1e9] [--verify] [--seeds 3]
                  [--no-ort] [--ort-limit-mb 1e9] [--resume] [--table] [--reasons]

Every model of the folders, the smallest first, is converted to every target that it is not at already. Each result must pass onnx.checker and give
what the original gives in ONNX Runtime, its own optimizations off, on --seeds inputs; beyond the opset that ONNX Runtime knows the result is converted
back to that one first. A line a conversion goes to --out: file, own opset, target, tool, outcome (equal, checked, differs, invalid, loads-not,
runs-not, refused, timeout), detail. "checked": valid, but nothing to compare with; the detail says why.
"equal*", "checked*": onnx.checker does not take the original either. --verify: onnxopt's own check too. --no-ort,
--ort-limit-mb: the checker only, for all or for larger files. --resume: keep the lines of an existing --out file and do the others.
Counts a target are printed at the end; --table prints those of existing files (--out a.tsv,b.tsv), --reasons why onnxopt refused. "wrong": what is
neither equal, nor checked, nor refused.
Needs Python with onnx, numpy, ml_dtypes and onnxruntime.
"""
import argparse
import collections
import os
import pathlib
import re
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


def error(a, b):
    """Largest difference over the output's largest finite magnitude; a text if the two cannot be equal."""
    import numpy as np
    if a.shape != b.shape or a.dtype != b.dtype:
        return f"{a.dtype}{a.shape} became {b.dtype}{b.shape}"
    if a.dtype.kind in "OUSb":
        return 0.0 if np.array_equal(a, b) else "not equal"
    x, y = a.astype(np.float64), b.astype(np.float64)
    finite = np.isfinite(x)
    if not np.array_equal(finite, np.isfinite(y)) or not np.array_equal(x[~finite], y[~finite], equal_nan=True):
        return "not finite elsewhere"
    return float(np.abs(x[finite] - y[finite]).max() / max(np.abs(x[finite]).max(), 1e-3)) if finite.any() else 0.0


def worst_error(want, got):
    if len(got) != len(want):
        return f"{len(want)} outputs became {len(got)}"
    errors = [error(a, b) for a, b in zip(want, got)]
    return next((e for e in errors if isinstance(e, str)), max(errors, default=0.0))


def checker_says(path):
    import onnx
    try:
        onnx.checker.check_model(str(path))
        return ""
    except Exception as e:  # noqa: BLE001
        return str(e)[:160] or "invalid"


class Reference:
    """Outputs of the original, computed once a seed, on the first likely inputs that it takes with every seed."""

    def __init__(self, path, seeds, binary):
        import model_feeds
        import onnx
        self.why, self.feeds, self.wants, self.binary = "", [], [], binary
        self.mark = "" if checker_says(path) == "" else "*"
        if not seeds:
            return
        try:
            session = ort_session(path)
            model = onnx.load(str(path), load_external_data=False)
            for feeds in zip(*[model_feeds.candidates(model, seed, path=path) for seed in range(seeds)]):
                try:
                    wants = [flat(session.run(None, feed)) for feed in feeds]
                except Exception as e:  # noqa: BLE001
                    self.why = "the original does not run: " + str(e)[:100]
                    continue
                if worst_error(wants[0], flat(session.run(None, feeds[0]))) != 0:
                    self.why = "the original is random"
                    return
                self.feeds, self.wants = list(feeds), wants
                return
        except Exception as e:  # noqa: BLE001
            self.why = "the original does not load: " + str(e)[:100]

    def judge(self, path, target):
        invalid = checker_says(path)
        if invalid and not self.mark:
            return "invalid", invalid
        if not self.feeds:
            return "checked" + self.mark, self.why
        if target > ORT_NEWEST:
            back = pathlib.Path(path).with_name("back.onnx")
            outcome, detail = convert_ours(self.binary, path, ORT_NEWEST, back, False)
            if outcome != "written":
                return "checked" + self.mark, f"not back to {ORT_NEWEST}: {detail}"
            path = back
        try:
            s = ort_session(path)
        except Exception as e:  # noqa: BLE001
            return "loads-not", str(e)[:160]
        worst, taken = 0.0, {i.name for i in s.get_inputs()}
        for feed, want in zip(self.feeds, self.wants):
            try:
                got = flat(s.run(None, {k: v for k, v in feed.items() if k in taken}))
            except Exception as e:  # noqa: BLE001
                return "runs-not", str(e)[:160]
            e = worst_error(want, got)
            if isinstance(e, str):
                return "differs", e
            worst = max(worst, e)
        return ("equal" + self.mark if worst <= 1e-3 else "differs"), f"{worst:.2g}"


def last_line(text):
    return (text.strip().splitlines() or [""])[-1]


def convert_ours(binary, path, target, out, verify):
    extra = [] if verify else ["--no-verify"]
    try:
        p = subprocess.run([binary, "convert", str(path), "--opset", str(target), "-o", str(out), "-q", *extra], capture_output=True, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    if p.returncode == 0:
        return "written", ""
    return ("refused" if p.returncode == 3 else f"exit {p.returncode}"), last_line(p.stderr)[:4000]


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
        os.write(write, text.replace("\n", " ").encode()[:8000])
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
        counts[(tool, int(target))][outcome.rstrip("*")] += 1
    tools = sorted({tool for tool, _ in counts})
    kinds = ("equal", "checked", "wrong", "refused")
    print("| target |" + "".join(f" {tool}: {k} |" for tool in tools for k in kinds))
    print("|---:|" + "---:|" * (len(tools) * len(kinds)))
    for target in sorted({t for _, t in counts}):
        cells = []
        for tool in tools:
            c = counts[(tool, target)]
            cells += [c["equal"], c["checked"], sum(c.values()) - c["equal"] - c["checked"] - c["refused"], c["refused"]]
        print(f"| {target} |" + "".join(f" {n} |" for n in cells))


def print_reasons(rows):
    """What onnxopt refused: reason and operator, in how many files at which targets."""
    files, targets = collections.defaultdict(set), collections.defaultdict(set)
    for path, _, target, tool, outcome, detail in rows:
        if tool != "ours" or outcome != "refused":
            continue
        for op, reason in re.findall(r"node '[^']*' \(([^)]*)\): (.*?)(?=; node '|; in '|; and \d+ more nodes|$)", detail) or [("", detail)]:
            reason = re.sub(r", the target is \d+|-\d+(?= does not take| takes|$)| \('[^']*'\)", "", reason)
            files[(reason, op)].add(path)
            targets[(reason, op)].add(int(target))
    for key in sorted(files, key=lambda k: (-len(files[k]), k)):
        print(len(files[key]), ",".join(map(str, sorted(targets[key]))), key[1], key[0], sep="\t")


def files_in(folders, limit_mb):
    found = [f for folder in folders for f in ([pathlib.Path(folder)] if folder.endswith(".onnx") else pathlib.Path(folder).rglob("*.onnx"))]
    return sorted((f for f in found if f.stat().st_size < limit_mb * 1e6), key=lambda f: (f.stat().st_size, str(f)))


def own_opset(path):
    import onnx
    m = onnx.load(str(path), load_external_data=False)
    return max([i.version for i in m.opset_import if i.domain in ("", "ai.onnx")] or [0])


def rows_of(path):
    return [line.rstrip("\n").split("\t") for line in open(path)]


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("onnxopt")
    ap.add_argument("folders", nargs="*")
    ap.add_argument("--targets", default="7,9,11,13,15,17,18,20,21,23,25,28")
    for flag in ("--peer", "--no-ours", "--verify", "--no-ort", "--table", "--reasons", "--resume"):
        ap.add_argument(flag, action="store_true")
    ap.add_argument("--out", required=True)
    ap.add_argument("--seeds", type=int, default=3)
    for flag in ("--limit-mb", "--ort-limit-mb", "--peer-limit-mb"):
        ap.add_argument(flag, type=float, default=1e9)
    a = ap.parse_args()
    if a.table or a.reasons:
        return (print_table if a.table else print_reasons)([row for path in a.out.split(",") for row in rows_of(path)])
    import onnx, onnxruntime  # noqa: F401,E401 (once, before the forks)
    done = {(r[0], int(r[2]), r[3]) for r in rows_of(a.out)} if a.resume and os.path.exists(a.out) else set()
    with tempfile.TemporaryDirectory() as tmp, open(a.out, "a" if a.resume else "w") as log:
        out = pathlib.Path(tmp) / "out.onnx"

        def one_model(f):
            try:
                own = own_opset(f)
            except Exception as e:  # noqa: BLE001
                return f"unreadable\t{str(e)[:80]}"
            megabytes = f.stat().st_size / 1e6
            tools = ([] if a.no_ours else ["ours"]) + (["peer"] if a.peer and megabytes < a.peer_limit_mb else [])
            todo = [(t, tool) for t in map(int, a.targets.split(",")) if t != own for tool in tools if (str(f), t, tool) not in done]
            reference = Reference(f, 0 if a.no_ort or megabytes > a.ort_limit_mb or not todo else a.seeds, a.onnxopt)
            for t, tool in todo:
                outcome, detail = convert_ours(a.onnxopt, f, t, out, a.verify) if tool == "ours" else convert_peer(f, t, out)
                if outcome == "written":
                    outcome, detail = isolated(lambda: "\t".join(reference.judge(out, t)), 600)
                for old in pathlib.Path(tmp).iterdir():
                    old.unlink()
                print(f, own, t, tool, outcome, detail.replace("\t", " ").replace("\n", " "), sep="\t", file=log, flush=True)
            return "done\t"
        for f in files_in(a.folders, a.limit_mb):
            outcome, detail = isolated(lambda: one_model(f), 3000)
            if outcome != "done":
                print(f, outcome, detail, file=sys.stderr)
    print_table(rows_of(a.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
