#!/usr/bin/env python3
"""Does onnx.version_converter do what onnxopt refuses?

refused_by_us.py REFUSED.txt FOLDER... [--limit N]

REFUSED.txt: what onnxopt_convert_prover --refused printed for the node tests below the folders. Each refused conversion is given to
onnx.version_converter; a result counts if onnx.checker takes it, it has no operator of another version left in it, and ONNX Runtime computes the stored
outputs with it. Those are listed: each is a defect, or a difference that stands to reason. Exit status 0: there are none.
"""
import argparse
import collections
import pathlib
import re
import sys

from convert_models import isolated


def read_value(path):
    import onnx
    from onnx import numpy_helper as nh
    data = path.read_bytes()
    t = onnx.TensorProto()
    try:
        t.ParseFromString(data)
        if t.data_type:
            return nh.to_array(t)
    except Exception:  # noqa: BLE001
        pass
    s = onnx.SequenceProto()
    s.ParseFromString(data)
    return nh.to_list(s)


def judge(folder, target):
    import numpy as np
    import onnx
    import onnxruntime as ort
    from onnx import version_converter
    from convert_models import flat, worst_error
    model = onnx.load(str(folder / "model.onnx"))
    made = version_converter.convert_version(model, target)
    onnx.checker.check_model(made, full_check=True)
    if target > 26:
        return "beyond\t"
    ort.set_default_logger_severity(4)
    o = ort.SessionOptions()
    o.graph_optimization_level, o.intra_op_num_threads = ort.GraphOptimizationLevel.ORT_DISABLE_ALL, 1
    session = ort.InferenceSession(made.SerializeToString(), o, providers=["CPUExecutionProvider"])
    stored = {i.name for i in model.graph.initializer}
    data = folder / "test_data_set_0"
    names = [i.name for i in model.graph.input if i.name not in stored]
    taken = {i.name for i in session.get_inputs()}
    got = flat(session.run(None, {n: read_value(data / f"input_{k}.pb") for k, n in enumerate(names) if n in taken}))
    want = flat([read_value(data / f"output_{k}.pb") for k in range(len(model.graph.output))])
    error = worst_error([np.asarray(x) for x in want], [np.asarray(x) for x in got])
    return "differs\t" + error if isinstance(error, str) else f"{'equal' if error <= 1e-3 else 'differs'}\t{error}"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("refused")
    ap.add_argument("folders", nargs="+", type=pathlib.Path)
    ap.add_argument("--limit", type=int, default=10**9)
    a = ap.parse_args()
    import onnx, onnxruntime  # noqa: F401,E401 (once, before the forks)
    where = {f"{m.parent.parent.name}/{m.parent.name}": m.parent for f in a.folders for m in f.rglob("model.onnx")}
    tally = collections.Counter()
    for line in list(dict.fromkeys(open(a.refused)))[:a.limit]:
        m = re.match(r"REFUSED (\S+) -> (\d+): (.*)", line)
        if not m or m.group(1) not in where or m.group(3).startswith("ai.onnx.ml"):
            continue
        outcome, detail = isolated(lambda: judge(where[m.group(1)], int(m.group(2))), 60)
        tally[outcome] += 1
        if outcome == "equal":
            print(f"{m.group(1)} -> {m.group(2)}: refused for '{m.group(3)}', {detail}", flush=True)
    print(dict(tally))
    return 1 if tally["equal"] else 0


if __name__ == "__main__":
    sys.exit(main())
