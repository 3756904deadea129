#!/usr/bin/env python3
"""Node tests converted to other opsets and run in ONNX Runtime: does it have the operators that a conversion makes, in these types, and what do they give?

convert_node_tests_runtime.py ONNXOPT FOLDER --targets 7,12,17 [--stored]

FOLDER holds tests (NAME/model.onnx, NAME/test_data_set_0). Compared is with what ONNX Runtime gives for the original, without its optimizations; with
--stored only tests whose original it does not run are taken, and compared with their stored outputs. Prints what fails or differs, and a tally.
"""
import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def read(path):
    x = numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
    return x if x.dtype != object else np.array([v.decode() if isinstance(v, bytes) else v for v in x.ravel()], object).reshape(x.shape)


def equal(a, b):
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind in "Obiu":
        return np.array_equal(a, b)
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    return np.allclose(a.astype(wide), b.astype(wide), rtol=2e-3, atol=1e-4, equal_nan=True)


def run(path, feed):
    o = onnxruntime.SessionOptions()
    o.log_severity_level, o.intra_op_num_threads = 4, 1
    o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), o, providers=["CPUExecutionProvider"]).run(None, feed)


def expected(folder, model, feed, stored):
    """None: not asked for, random, or not to be run."""
    try:
        once = run(folder / "model.onnx", feed)
    except Exception:  # noqa: BLE001 - whatever the runtime raises
        return [read(folder / f"test_data_set_0/output_{k}.pb") for k in range(len(model.graph.output))] if stored else None
    again = run(folder / "model.onnx", feed)
    return once if not stored and all(equal(x, y) for x, y in zip(once, again)) else None


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("onnxopt")
    ap.add_argument("folder", type=pathlib.Path)
    ap.add_argument("--targets", default="7,12,17")
    ap.add_argument("--stored", action="store_true")
    a = ap.parse_args()
    tally, out = collections.Counter(), pathlib.Path(tempfile.mkdtemp()) / "converted.onnx"
    for path in sorted(a.folder.glob("*/model.onnx")):
        folder, model = path.parent, onnx.load(path)
        if any(v.type.WhichOneof("value") != "tensor_type" for v in [*model.graph.input, *model.graph.output]):
            continue
        feed = {v.name: read(folder / f"test_data_set_0/input_{k}.pb") for k, v in enumerate(model.graph.input)}
        wanted = expected(folder, model, feed, a.stored)
        own = [str(i.version) for i in model.opset_import if i.domain in ("", "ai.onnx")]
        for target in a.targets.split(",") if wanted else []:
            if target in own:
                continue
            if subprocess.run([a.onnxopt, "convert", path, "--opset", target, "-o", out, "--no-verify"], capture_output=True).returncode:
                tally["refused"] += 1
                continue
            try:
                got = run(out, feed)
            except Exception as e:  # noqa: BLE001
                tally["fails"] += 1
                print("FAILS", folder.name, "->", target, str(e).replace("\n", " ")[:160], flush=True)
                continue
            good = len(got) == len(wanted) and all(equal(x, y) for x, y in zip(wanted, got))
            tally["equal" if good else "differs"] += 1
            if not good:
                print("DIFFERS", folder.name, "->", target, flush=True)
    print(", ".join(f"{k} {n}" for k, n in sorted(tally.items())))
    return 1 if tally["fails"] + tally["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
