#!/usr/bin/env bash
# From an empty clone to a first result: installs packages, builds, optimizes a bundled real model and shows the report.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh
scripts/build.sh release --target onnxopt
mkdir -p build/quickstart
build/release/onnxopt optimize tests/models/ultraface-rfb-320.onnx -o build/quickstart/better.onnx
