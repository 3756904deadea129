#!/usr/bin/env python3
"""Runs onnxopt_convert_prover over the node tests of the installed onnx package and conversion_cases.py's, and chains of conversions over them.

convert_node_tests.py PROVER FOLDER [--chains N]

The tests are written into FOLDER once (or read from the folder that ONNXOPT_NODE_TESTS names, with node/, pytorch-converted/, pytorch-operator/).
Exit status 0: every conversion that was not refused gives the stored outputs.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

import conversion_cases


def write_tests(out):
    import onnx
    from onnx import numpy_helper as nh
    from onnx.backend.test.case import node as node_cases
    package = pathlib.Path(onnx.__file__).parent / "backend/test/data"
    for kind in ("pytorch-converted", "pytorch-operator"):
        shutil.copytree(package / kind, out / kind, dirs_exist_ok=True)
    writers = {"map_type": nh.from_dict, "sequence_type": nh.from_list, "optional_type": nh.from_optional}
    for case in node_cases.collect_testcases():
        if case.model is None:
            continue
        folder = out / "node" / case.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        (folder / "tolerance.json").write_text(json.dumps({"rtol": case.rtol, "atol": case.atol}))
        for i, (inputs, outputs) in enumerate(case.data_sets):
            data = folder / f"test_data_set_{i}"
            data.mkdir(exist_ok=True)
            for way, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
                for j, (v, info) in enumerate(zip(values, infos)):
                    write = writers.get(info.type.WhichOneof("value"), nh.from_array)
                    proto = v if isinstance(v, onnx.TensorProto) else write(v, info.name)
                    (data / f"{way}_{j}.pb").write_bytes(proto.SerializeToString())
    (out / "complete").touch()


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("prover")
    ap.add_argument("folder", type=pathlib.Path)
    ap.add_argument("--chains", type=int, default=2)
    a = ap.parse_args()
    tests = pathlib.Path(os.environ.get("ONNXOPT_NODE_TESTS", a.folder))
    if tests == a.folder and not (tests / "complete").exists():
        write_tests(tests)
    cases = a.folder / "cases"
    conversion_cases.write_all(cases)
    folders = [str(cases)] + [str(tests / k) for k in ("node", "pytorch-converted", "pytorch-operator") if (tests / k).is_dir()]
    failed = subprocess.run([a.prover, *folders]).returncode
    for seed in range(1, a.chains + 1):
        failed |= subprocess.run([a.prover, *folders, "--chain", str(seed)]).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
