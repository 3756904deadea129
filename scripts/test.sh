#!/usr/bin/env bash
# Installs packages, builds everything, runs all tests. Python packages for test-only tools go into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -c 'import onnx, onnxruntime' 2>/dev/null || .venv/bin/pip install -q --disable-pip-version-check -r tests/requirements.txt
scripts/build.sh release
ctest --test-dir build/release --output-on-failure -j "$(nproc)" "$@"
