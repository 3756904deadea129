#!/usr/bin/env bash
# Speed, memory and growth of the release build: the tables of docs/performance.md. bench.sh [PEERS_BIN_FOLDER] adds onnxsim and OnnxSlim.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/release/onnxopt ] || scripts/build.sh release
peers=()
[ $# -gt 0 ] && peers=(--peers "$1")
python3 tests/bench/bench.py build/release/onnxopt growth --repeat 3
echo
python3 tests/bench/bench.py build/release/onnxopt models "${peers[@]}" tests/models/*.onnx
