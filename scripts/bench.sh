#!/usr/bin/env bash
# Speed, memory and growth of the release build: the tables of docs/performance.md. bench.sh [PEERS_BIN_FOLDER] adds onnxsim and OnnxSlim.
# BENCH_MODELS: what to measure (default: the bundled models). BENCH_COPY: a model with external data, to be compared with cp.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x build/release/onnxopt ] || scripts/build.sh release
peers=()
[ $# -gt 0 ] && peers=(--peers "$1")
python3 tests/bench/bench.py build/release/onnxopt growth --repeat 3
echo
python3 tests/bench/bench.py build/release/onnxopt models "${peers[@]}" ${BENCH_MODELS:-tests/models/*.onnx}
if [ -n "${BENCH_COPY:-}" ]; then
  echo
  python3 tests/bench/bench.py build/release/onnxopt copy "$BENCH_COPY"
fi
