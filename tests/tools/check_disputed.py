#!/usr/bin/env python3
"""Shows the evidence for each row of verify/conformance/disputed_table.cpp again, from the releases themselves.

  check_disputed.py ONNXOPT OLD NEW

OLD holds a folder of node tests for each older release (the wheels' onnx/backend/test/data/node), NEW those of the newest one. For each row: the test
of that release has the digest of the row and does not pass; the release that contradicts it has a test of the same name that passes, and differs from
it in the outputs, the model or the inputs, as printed. Where only outputs differ, the disputed model and inputs with those outputs must pass too.
Exit status 1 if a row does not hold, or a disputed test has no row."""
import json, pathlib, re, shutil, subprocess, sys, tempfile

import onnx
from onnx import numpy_helper as nh

ROW = re.compile(r'\{"(test_\w+)", "([0-9a-f]{16})", "([^"]+)", (k\w+)\}')
BUFFERS = {"tensor_type": onnx.TensorProto, "sequence_type": onnx.SequenceProto, "optional_type": onnx.OptionalProto}


def version_key(name): return tuple(map(int, name.split(".")))


def conformance(onnxopt, *folders):
    return json.loads(subprocess.run([onnxopt, "conformance", *map(str, folders), "--json"], capture_output=True, text=True).stdout)


def parts(folder):
    """What a test consists of, without names and versions: operators with their attributes, inputs, outputs."""
    model = onnx.load(folder / "model.onnx")
    nodes = [(n.domain, n.op_type, sorted(a.SerializeToString() for a in n.attribute)) for n in model.graph.node]
    def values(way, infos):
        r = []
        for i, info in enumerate(infos):
            file = folder / f"test_data_set_0/{way}_{i}.pb"
            if not file.exists(): continue
            proto = BUFFERS[info.type.WhichOneof("value")].FromString(file.read_bytes())
            proto.name = ""
            try: r.append((proto.data_type, list(proto.dims), nh.to_array(proto).tolist()))
            except (AttributeError, ValueError): r.append(proto.SerializeToString(deterministic=True))
        return r
    return {"model": nodes, "inputs": values("input", model.graph.input), "outputs": values("output", model.graph.output)}


def passes_with_outputs_of(onnxopt, disputed, other):
    with tempfile.TemporaryDirectory() as tmp:
        work = pathlib.Path(tmp) / "test"
        shutil.copytree(disputed, work)
        for f in work.glob("test_data_set_*/output_*.pb"): shutil.copy(other / f.parent.name / f.name, f)
        return conformance(onnxopt, work)["passed"] == 1


def main(onnxopt, old, new):
    releases = sorted((d.name for d in old.iterdir() if d.is_dir()), key=version_key)
    folders = {**{v: old / v for v in releases}, onnx.__version__: new}
    source = pathlib.Path(__file__).parents[2] / "verify/conformance/disputed_table.cpp"
    rows = ROW.findall(source.read_text())
    disputed = {}   # release -> names
    for v, folder in folders.items():
        present = sorted({folder / name for name, *_ in rows if (folder / name).is_dir()})
        disputed[v] = {p["test"] for p in conformance(onnxopt, *present)["problems"] if p["outcome"] == "disputed"} if present else set()
    bad, seen = 0, set()
    for name, _, stored_in, why in rows:
        span = stored_in.split(" to ")
        own = [v for v in folders if version_key(span[0]) <= version_key(v) <= version_key(span[1])] if len(span) == 2 else stored_in.split(", ")
        for v in own:
            seen.add((v, name))
            if name not in disputed[v]:
                bad += 1
                print(f"{name} of {v}: not disputed")
        others = [v for v in folders if (folders[v] / name).is_dir() and name not in disputed[v]]
        later = [v for v in others if version_key(v) > version_key(own[-1])]
        witness = later[0] if later else others[-1] if others else None
        if not witness:
            bad += 1
            print(f"{name}: no release contradicts it")
            continue
        test, other = folders[own[-1]] / name, folders[witness] / name
        try: mine, theirs = parts(test), parts(other)
        except Exception as e:
            print(f"{name} of {stored_in}: unreadable ({e}); {witness} passes")
            continue
        differs = [k for k in mine if repr(mine[k]) != repr(theirs[k])]   # repr: NaN is NaN
        same = "" if differs != ["outputs"] else ", whose outputs are ours" if passes_with_outputs_of(onnxopt, test, other) else "WRONG"
        if not differs or same == "WRONG" or conformance(onnxopt, other)["passed"] != 1: bad += 1
        print(f"{name} of {stored_in}: {witness} has other {' and '.join(differs)}{same}  [{why}]")
    for v, names in disputed.items():
        for name in sorted(names):
            if (v, name) not in seen:
                bad += 1
                print(f"{name} of {v}: disputed without a row for that release")
    print(f"{len(rows)} rows, {sum(map(len, disputed.values()))} disputed tests, {bad} without evidence")
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 4: sys.exit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])))
