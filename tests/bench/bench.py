#!/usr/bin/env python3
"""Whole-process measurements of `onnxopt optimize IN -o OUT --no-verify`.

bench.py ONNXOPT growth              time a node and peak memory of exporter and residual networks of 1,000 to 1,000,000 nodes
bench.py ONNXOPT models MODEL...     seconds and peak memory; with --peers DIR (a bin folder that has onnxsim and onnxslim) theirs and the ratio too
bench.py ONNXOPT copy MODEL          against `cp` of the same files, and whether two runs give the same bytes

Tools run interleaved, --repeat times. `cpu` is user and system time, `wall` what a clock shows; both the median (growth: the least, since the small
networks finish before anything can disturb them and the large ones do not).
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(cmd):
    """(wall seconds, cpu seconds, peak MB)"""
    start = time.perf_counter()
    p = subprocess.Popen(list(map(str, cmd)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit(f"exit {p.returncode}: {' '.join(map(str, cmd))}")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def optimize(args, src, dst):
    return run([args.onnxopt, "optimize", src, "-o", dst, "--no-verify", "-q"])


def growth(args, tmp):
    sizes, kinds = [int(s) for s in args.sizes.split(",")], ["exporter", "residual"]
    best = {}
    for kind in kinds:
        for n in sizes:
            subprocess.run([sys.executable, HERE / "make_network.py", kind, str(n), tmp / f"{kind}{n}.onnx"], check=True)
    for _ in range(args.repeat):
        for kind in kinds:
            for n in sizes:
                for _ in range(max(1, min(10, 100000 // n))):
                    r = optimize(args, tmp / f"{kind}{n}.onnx", tmp / "out.onnx")
                    best[kind, n] = tuple(map(min, best[kind, n], r)) if (kind, n) in best else r
    print(f"{'network':10}{'nodes':>9}{'wall s':>10}{'cpu s':>10}{'us/node':>10}{'peak MB':>10}{'against 10,000':>16}")
    for kind in kinds:
        for n in sizes:
            wall, cpu, peak = best[kind, n]
            base = best.get((kind, 10000), best[kind, sizes[0]])[0] / (10000 if (kind, 10000) in best else sizes[0])
            print(f"{kind:10}{n:9}{wall:10.4f}{cpu:10.4f}{wall / n * 1e6:10.2f}{peak:10.1f}{wall / n / base:16.2f}")


def models(args, tmp):
    print(f"{'model':44}{'MB':>7}{'wall s':>9}{'cpu s':>8}{'peak MB':>9}", f"{'peer s':>9}{'wall x':>8}{'cpu x':>8}{'memory x':>9}" if args.peers else "", sep="")
    for path in args.models:
        ours, peers = [], {t: [] for t in ("onnxsim", "onnxslim")} if args.peers else {}
        for _ in range(args.repeat):
            for f in tmp.iterdir():
                f.unlink()  # every run writes new files, as in a build
            ours.append(optimize(args, path, tmp / "out.onnx"))
            for t in peers:
                peers[t].append(run([args.peers / t, path, tmp / f"{t}.onnx"]))
        wall, cpu = (statistics.median(r[i] for r in ours) for i in (0, 1))
        peak = max(r[2] for r in ours)
        line = f"{'/'.join(path.parts[-2:])[-43:]:44}{path.stat().st_size / 1e6:7.1f}{wall:9.4f}{cpu:8.4f}{peak:9.1f}"
        if peers:
            fastest = min(peers, key=lambda t: statistics.median(r[0] for r in peers[t]))
            p_wall, p_cpu = (statistics.median(r[i] for r in peers[fastest]) for i in (0, 1))
            line += f"{p_wall:9.2f}{p_wall / wall:8.0f}{p_cpu / cpu:8.0f}{min(max(r[2] for r in peers[t]) for t in peers) / peak:9.1f}"
        print(line, flush=True)


def copy(args, tmp):
    path = args.models[0]
    files = [path, *path.parent.glob(path.name + ".data*")]
    size = sum(f.stat().st_size for f in files)
    ours, cp, hashes = [], [], set()
    for _ in range(args.repeat):
        cp.append(run(["cp", *files, tmp])[0])
        for f in files:
            (tmp / f.name).unlink()
        ours.append(optimize(args, path, tmp / "out.onnx"))
        hashes.add(subprocess.run(["sha256sum", *sorted(tmp.iterdir())], capture_output=True, text=True, check=True).stdout)
        for f in tmp.iterdir():
            f.unlink()
    wall, peak = statistics.median(r[0] for r in ours), max(r[2] for r in ours)
    base = statistics.median(cp)
    print(f"{size / 2**30:.2f} GiB: onnxopt {wall:.2f} s, {peak:.0f} MB peak; cp {base:.2f} s; ratio {wall / base:.2f}; "
          f"{args.repeat} runs gave {len(hashes)} different result{'s' if len(hashes) > 1 else ''}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("onnxopt", type=Path)
    p.add_argument("what", choices=["growth", "models", "copy"])
    p.add_argument("models", nargs="*", type=Path)
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--sizes", default="1000,10000,100000,1000000")
    p.add_argument("--peers", type=Path)
    p.add_argument("--tmp", type=Path, help="where outputs go (the disk that is measured)")
    args = p.parse_intermixed_args()
    with tempfile.TemporaryDirectory(dir=args.tmp) as tmp:
        {"growth": growth, "models": models, "copy": copy}[args.what](args, Path(tmp))


if __name__ == "__main__":
    main()
