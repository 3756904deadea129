#!/usr/bin/env python3
"""Checks the arrows of docs/architecture.md: which folder may include which, which third-party header stays in which folder, and file sizes.

Exit status 1, with one line a finding, if something is wrong.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = {  # layer: what it may include
    "ir": {"ir"},
    "passes": {"ir", "passes"},
    "calibration_data": {"ir", "calibration_data"},
    "verify": {"ir", "passes", "calibration_data", "verify"},
    "quant": {"ir", "passes", "calibration_data", "verify", "quant"},
    "cli": {"ir", "passes", "calibration_data", "verify", "quant", "cli"},
}
THIRD_PARTY = {  # header prefix: folders that may include it
    "CLI/": ("cli/",),
    "nlohmann/": ("cli/", "quant/", "verify/conformance/"),
    "google/protobuf": ("ir/io/",),
    "oneapi/": ("verify/kernels_cpu/",),
    "cuda": ("verify/kernels_cuda/",),
    "zip.h": ("calibration_data/",),
    "jpeglib.h": ("calibration_data/image/",),
    "png.h": ("calibration_data/image/",),
    "tiffio.h": ("calibration_data/image/",),
    "webp/": ("calibration_data/image/",),
    "openjpeg.h": ("calibration_data/image/",),
    "doctest/": ("tests/",),
}
MAX_LINES = 500
GENERATED = ("ir/ops/generated/",)


def findings(path, text):
    layer = path.split("/")[0]
    for number, line in enumerate(text.splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not m:
            continue
        target = m.group(2)
        top = target.split("/")[0]
        if m.group(1) == '"' and layer in ALLOWED and top in ALLOWED and top not in ALLOWED[layer]:
            yield f"{path}:{number}: {layer} must not include {top}"
        for prefix, folders in THIRD_PARTY.items():
            if target.startswith(prefix) and not path.startswith((*folders, "tests/")):
                yield f"{path}:{number}: <{target}> belongs to {', '.join(folders)}"
    lines = text.count("\n")
    if lines > MAX_LINES and not path.startswith(GENERATED):
        yield f"{path}: {lines} lines, the limit is {MAX_LINES}"


def main():
    files = subprocess.run(["git", "ls-files", "*.cpp", "*.h"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    bad = [f for p in files for f in findings(p, (ROOT / p).read_text())]
    print(*bad, sep="\n" if bad else "")
    print(f"layers: {len(files)} files, {len(bad)} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
