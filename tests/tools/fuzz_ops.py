#!/usr/bin/env python3
"""Differential fuzzer of operators: random models, most of one node (op_cases*.py: types, ranks 0 to 6, empty dims, broadcasting, negative axes, attribute
extremes; sequences, optionals, graphs in nodes), each run by ONNX Runtime, or by onnx's reference evaluator where that refuses, and by our reference executor.

    fuzz_ops.py ONNXOPT OUT [--infer CHECKER] [--cases 2000] [--seed 0] [--op NAME] [--hostile]

CHECKER is onnxopt_infer_check (inferred types against the values that were computed). A case that differs is held against the
other judge as well and must be one of DISAGREEMENTS (op_disagreements.py), each with its reason. Exit 1 if one is not, or if ONNXOPT or CHECKER dies.
Exit 77 (skipped) without onnxruntime.
--hostile: operators of the whole registry with inputs and attributes of any kind (op_hostile.py); then ONNXOPT should be a build with sanitizers.
"""
import argparse
import collections
import importlib.util
import json
import mmap
import os
import pickle
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

if any(importlib.util.find_spec(m) is None for m in ("numpy", "onnx", "onnxruntime")):
    print("onnx or onnxruntime is not installed")
    sys.exit(77)

import numpy as np
import onnx
from onnx import helper, numpy_helper

import op_cases_graphs  # noqa: F401  (they register their generators)
import op_cases_more  # noqa: F401
import op_cases_nn  # noqa: F401
from op_cases import GENERATORS, Case
from op_disagreements import DISAGREEMENTS
from op_hostile import build_hostile, schemas


def element_type(x):
    return onnx.TensorProto.STRING if x.dtype == object else helper.np_dtype_to_tensor_dtype(x.dtype)


def build(op, rng):
    c = Case(rng)
    GENERATORS[op](c, op)
    names = ["" if x is None else f"i{k}" for k, x in enumerate(c.inputs)]
    while names and not names[-1]:
        names.pop()
        c.inputs.pop()
    outs = [f"o{k}" for k in range(c.outputs)]
    nodes = c.nodes or [helper.make_node(op, names, outs, **c.attrs)]
    given = [(n, x) for n, x in zip(names, c.inputs) if x is not None]
    loose = rng.random() < 0.3  # unknown sizes: nothing can be decided before the run
    shape = lambda x: [None] * x.ndim if loose else list(x.shape)
    inputs = [helper.make_tensor_value_info(n, element_type(x), shape(x)) for n, x in given]
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name=o) for o in outs])
    fixed = [numpy_helper.from_array(x, n) for n, x in given[1:]] if rng.random() < 0.4 else []  # known values: inference must be as right with them
    graph.initializer.extend(fixed)
    for _ in fixed:
        graph.input.pop()
    given = given[:1] if fixed else given
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", c.opset)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model), given


def judged_by_runtime(model, given):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(given))


def judged_by_onnx(model, given):
    from onnx.reference import ReferenceEvaluator
    return ReferenceEvaluator(model).run(None, dict(given))


JUDGES = {"onnxruntime": judged_by_runtime, "onnx": judged_by_onnx}


def value_bytes(x, name):
    return (numpy_helper.from_list(x, name) if isinstance(x, list) else numpy_helper.from_array(np.asarray(x), name)).SerializeToString()


def store(folder, model, given, results):
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    for k, (n, x) in enumerate(given):
        (data / f"input_{k}.pb").write_bytes(numpy_helper.from_array(x, n).SerializeToString())
    for k, x in enumerate(results or []):
        (data / f"output_{k}.pb").write_bytes(value_bytes(x, f"o{k}"))
    flat = [np.asarray(y) for x in [*(results or []), *(x for _, x in given)] for y in (x if isinstance(x, list) else [x])]
    half = any(x.dtype == np.float16 for x in flat)
    (folder / "tolerance.json").write_text(json.dumps({"rtol": 1e-2 if half else 1e-4, "atol": 1e-2 if half else 1e-5}))


def make_case(out, number, op, seed):
    """Stored under the name of its judge; "nobody" where both refuse."""
    model, given = build(op, random.Random(seed))
    if not all(o.type.WhichOneof("value") for o in model.graph.output):
        return
    name, results, judge = f"{number:05d}_{op}", None, "nobody"
    for judge, run in JUDGES.items():
        try:
            if judge == "onnx":  # NumPy takes what the schema does not allow
                onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
            with np.errstate(all="ignore"):
                results = run(model, given)
            if any(x is None or isinstance(x, list) and any(e is None for e in x) for x in results):  # no value of a tensor's type
                raise ValueError("an empty optional")
            break
        except Exception:  # refused
            judge, results = "nobody", None
    store(out / judge / name, model, given, results)
    (out / judge / name / "case.pickle").write_bytes(pickle.dumps((model.SerializeToString(), given)))


def make_hostile(out, number, schema, seed):
    model, given = build_hostile(schema, seed)
    name = f"{number:05d}_{schema.name}"
    store(out / "nobody" / name, model, given, None)
    (out / "nobody" / name / "case.pickle").write_bytes(pickle.dumps((model.SerializeToString(), given)))
    results = judged_by_runtime(model, given)  # may end the process
    if sum(x.size for x in results if isinstance(x, np.ndarray)) > 1 << 20 or not all(isinstance(x, np.ndarray) for x in results):
        return
    for k, x in enumerate(results):
        (out / "nobody" / name / "test_data_set_0" / f"output_{k}.pb").write_bytes(value_bytes(x, f"o{k}"))
    shutil.move(out / "nobody" / name, out / "onnxruntime" / name)


def batch(out, first, ops, seed):
    """In a process of its own: some cases end ONNX Runtime by a signal; the next process goes on behind them."""
    done = mmap.mmap(-1, 8)
    while (at := int.from_bytes(done[:8], "little")) < len(ops):
        pid = os.fork()
        if pid:
            if os.waitpid(pid, 0)[1]:
                done[:8] = (int.from_bytes(done[:8], "little") + 1).to_bytes(8, "little")
            continue
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(2, 1)
        limit_memory()
        for k in range(at, len(ops)):
            done[:8] = k.to_bytes(8, "little")
            signal.alarm(20)
            try:
                (make_case if isinstance(ops[k], str) else make_hostile)(out, first + k, ops[k], seed * 1000003 + first + k)
            except Exception:  # the generator made no valid model, or ONNX Runtime refuses it
                pass
        done[:8] = len(ops).to_bytes(8, "little")
        os._exit(0)


def limit_memory():
    """A result may be larger than the machine; a sanitizer reserves addresses without end and has limits of its own (ASAN_OPTIONS)."""
    if "ASAN_OPTIONS" not in os.environ:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))


def run_tool(command, folders):
    """Lines that the tool prints over the folders, and the folders that end it (by a signal, a sanitizer or after a minute)."""
    try:
        p = subprocess.run([*command, *map(str, folders)], capture_output=True, text=True, errors="replace", timeout=60 + 2 * len(folders), preexec_fn=limit_memory)
        if p.returncode in (0, 1):
            return p.stdout.splitlines(), []
        end = f"exit {p.returncode}: " + " | ".join(l for l in p.stderr.splitlines() if "runtime error" in l or "ERROR:" in l or "#" in l and "onnxopt::" in l)[:600]
    except subprocess.TimeoutExpired:
        end = "no end"
    if len(folders) == 1:
        return [], [(folders[0].name, end)]
    half = len(folders) // 2
    (a, x), (b, y) = run_tool(command, folders[:half]), run_tool(command, folders[half:])
    return a + b, x + y


def run_all(command, folder):
    """The same for every test of a folder; what ends the tool is printed."""
    tests, lines, dead = sorted(folder.iterdir()), [], []
    for k in range(0, len(tests), 200):
        a, x = run_tool(command, tests[k:k + 200])
        lines, dead = lines + a, dead + x
    for name, end in dead:
        print(f"DIES {name} {end}\n{describe(folder / name)}", flush=True)
    return lines, len(dead)


def run_tests(command, folder):
    """{test: message} of those that fail or are refused, and how many end the runner."""
    lines, dead = run_all(command, folder)
    found = {}
    for part in json.loads("[" + ",".join("\n".join(lines).replace("\n}\n{", "\n}\0{").split("\0")) + "]"):
        found |= {p["test"]: p["reason"] for p in part["problems"]}
    return found, dead


def unpickled(folder):
    model, given = pickle.loads((folder / "case.pickle").read_bytes())
    return onnx.load_from_string(model), given


def second_opinion(command, out, name, judge):
    if judge != "onnxruntime":
        return "onnxruntime refuses it"
    model, given = unpickled(out / judge / name)
    try:
        with np.errstate(all="ignore"):
            results = judged_by_onnx(model, given)
    except Exception:
        return "onnx refuses it"
    folder = out / "second"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        store(folder / name, model, given, results)
    except Exception:
        return "onnx's answer is no ONNX value"
    return "onnx differs too" if any(run_tests(command, folder)) else "onnx agrees with us"


def describe(folder):
    m, given = unpickled(folder)
    attrs = {a.name: helper.get_attribute_value(a) for a in m.graph.node[0].attribute}
    arrays = [*given, *((t.name, numpy_helper.to_array(t)) for t in m.graph.initializer)]
    values = ", ".join(f"{n}: {x.dtype}{list(x.shape)} {x.reshape(-1)[:6].tolist()}" for n, x in arrays)
    return f"      {attrs} {values}"[:1500]


def explained(name, judge, why, case):
    op = name.split("_", 1)[1]
    for d in DISAGREEMENTS:
        if judge in d.judges and op in d.ops and re.search(d.message, why) and d.applies(*case):
            return d
    return None


def judge_failures(command, out, judge):
    """Counts of explained disagreements by reason; prints the others and returns their number."""
    counts = collections.Counter()
    failed, bad = run_tests(command, out / judge)
    for name, why in failed.items():
        model, given = unpickled(out / judge / name)
        arrays = dict(given) | {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        node = model.graph.node[0]
        case = ({a.name: helper.get_attribute_value(a) for a in node.attribute}, [arrays.get(n) for n in node.input])
        d = explained(name, judge, why, case)
        if d:
            counts[d.reason] += 1
            continue
        bad += 1
        print(f"DIFFERS {name} from {judge} ({second_opinion(command, out, name, judge)}): {why}\n{describe(out / judge / name)}", flush=True)
    for reason, n in counts.most_common():
        print(f"{n:5d} explained, {judge}: {reason}")
    return bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument("onnxopt")
    p.add_argument("out", type=Path)
    p.add_argument("--infer", help="onnxopt_infer_check")
    p.add_argument("--cases", type=int, default=2000)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--op")
    p.add_argument("--hostile", action="store_true")
    a = p.parse_args()
    shutil.rmtree(a.out, ignore_errors=True)
    for judge in [*JUDGES, "nobody"]:
        (a.out / judge).mkdir(parents=True)
    every = schemas() if a.hostile else sorted(GENERATORS)
    ops = [o for o in every if a.op in (None, getattr(o, "name", o))]
    size = 20 if a.hostile else 50
    for first in range(0, a.cases, size):
        batch(a.out, first, [ops[(first + k) % len(ops)] for k in range(min(size, a.cases - first))], a.seed)
    stored = {j: len(list((a.out / j).iterdir())) for j in [*JUDGES, "nobody"]}
    print(f"{a.cases} cases of {len(ops)} operators: {stored['onnxruntime']} run by ONNX Runtime, {stored['onnx']} by onnx alone, {stored['nobody']} by neither", flush=True)
    command, bad = [a.onnxopt, "conformance", "--json"], 0
    for judge in JUDGES:
        bad += judge_failures(command, a.out, judge)
    refused, dead = run_tests(command, a.out / "nobody")
    bad += dead
    refused = [why for why in refused.values() if "no stored output" not in why]
    print(f"of those that neither runs, {len(refused)} are refused by us as well")
    for judge in [*JUDGES, "nobody"] if a.infer else []:
        lines, dead = run_all([a.infer], a.out / judge)
        wrong = [l for l in lines if l.startswith("WRONG")]
        counts = [sum(map(int, c)) for c in zip(*(re.findall(r"\d+", l) for l in lines if not l.startswith("WRONG")))]
        counts = counts or [0] * 4
        print("\n".join(wrong + [f"inference, {judge}: {counts[0]} runs, {counts[1]} values as inferred, {counts[2]} of them without rank or type, {counts[3]} wrong"]))
        bad += len(wrong) + dead
    print(f"{bad} disagreements without a reason")
    sys.exit(bad != 0)


if __name__ == "__main__":
    main()
