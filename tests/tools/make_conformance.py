#!/usr/bin/env python3
"""Writes ONNX's own backend tests as folders that `onnxopt conformance` reads, from the installed onnx package (Apache-2.0).

  make_conformance.py carried tests/conformance    the smallest two cases an operator, for the tests of every build
  make_conformance.py all OUT                      everything: node, simple, pytorch-converted, pytorch-operator, light
  make_conformance.py check ONNXOPT WORK           writes everything into WORK, runs it, and fails if more than the known is refused;
                                                   exit 77 (skipped) where the onnx package is missing"""
import json, pathlib, shutil, subprocess, sys, warnings

KNOWN_REFUSED = {"test_gradient_of_add", "test_gradient_of_add_and_mul"}   # Gradient is not executed
LARGEST, PER_OPERATOR, EXPANDED = 12_000, 2, "_expanded"


def cases():
    from onnx.backend.test.case import model as model_cases, node as node_cases
    warnings.filterwarnings("ignore")
    return [c for c in [*node_cases.collect_testcases(), *model_cases.collect_testcases()] if c.model is not None]


def write_case(case, folder):
    from onnx import TensorProto, numpy_helper as nh
    if folder.exists(): shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    if (case.rtol, case.atol) != (1e-3, 1e-7): (folder / "tolerance.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}))
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{i}"
        data.mkdir()
        for way, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for j, (v, info) in enumerate(zip(values, infos)):
                kind = info.type.WhichOneof("value")
                to_proto = {"map_type": nh.from_dict, "sequence_type": nh.from_list, "optional_type": nh.from_optional}.get(kind, nh.from_array)
                (data / f"{way}_{j}.pb").write_bytes((v if isinstance(v, TensorProto) else to_proto(v, info.name)).SerializeToString())


def size_of(folder): return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def carried(out):
    work = out.parent / (out.name + ".tmp")
    groups = {}
    for case in cases():
        folder = work / case.name
        write_case(case, folder)
        nodes = case.model.graph.node
        op = f"{nodes[0].domain}.{nodes[0].op_type}" if len(nodes) == 1 else "graph" if EXPANDED not in case.name else ""
        if op and case.name not in KNOWN_REFUSED and size_of(folder) <= LARGEST: groups.setdefault(op, []).append(folder)
    for folder in [d for d in out.iterdir() if d.is_dir()] if out.exists() else []: shutil.rmtree(folder)
    kept = 0
    for op, folders in sorted(groups.items()):
        most = 12 if op == "graph" else PER_OPERATOR
        for folder in sorted(folders, key=lambda f: (size_of(f), f.name))[:most]:
            shutil.move(folder, out / folder.name)
            kept += 1
    shutil.rmtree(work)
    print(f"{kept} tests of {len(groups)} operators, {size_of(out)} bytes")


def everything(out):
    import onnx
    package = pathlib.Path(onnx.__file__).parent / "backend/test/data"
    for kind in ("pytorch-converted", "pytorch-operator", "light"): shutil.copytree(package / kind, out / kind, dirs_exist_ok=True)
    for case in cases(): write_case(case, out / case.kind / case.name)


def check(onnxopt, work):
    try: import onnx
    except ImportError:
        print("skipped: the onnx package is not installed")
        return 77
    done = work / "version.txt"
    if not done.exists() or done.read_text() != onnx.__version__:
        shutil.rmtree(work, ignore_errors=True)
        everything(work)
        done.write_text(onnx.__version__)
    r = subprocess.run([onnxopt, "conformance", work, "--json"], capture_output=True, text=True)
    if r.returncode not in (0, 1): sys.exit(r.stderr)
    j = json.loads(r.stdout)
    for p in j["problems"]: print(p["outcome"], p["test"], p["operator"], p["reason"])
    print(f"passed {j['passed']}, failed {j['failed']}, refused {j['refused']}, disputed {j['disputed']}, random {j['random']}")
    unexpected = [p for p in j["problems"] if p["outcome"] == "failed" or (p["outcome"] == "refused" and p["test"] not in KNOWN_REFUSED)]
    return 1 if unexpected or r.returncode != 0 or j["passed"] < 1900 else 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "carried": carried(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 3 and sys.argv[1] == "all": everything(pathlib.Path(sys.argv[2]))
    elif len(sys.argv) == 4 and sys.argv[1] == "check": sys.exit(check(sys.argv[2], pathlib.Path(sys.argv[3])))
    else: sys.exit(__doc__)
