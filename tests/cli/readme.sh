#!/usr/bin/env bash
# README shows what the quickstart prints: readme.sh ONNXOPT SOURCE_FOLDER. Times and the largest error are left out. readme.sh ... --update rewrites README.
set -euo pipefail
binary=$1 source=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$source"
"$binary" optimize tests/models/ultraface-rfb-320.onnx -o "$out/better.onnx" | sed "s|$out|build/quickstart|" > "$out/report"
awk '/^```/ { inside = !inside; next } inside' README.md > "$out/readme"
if [ "${3:-}" = --update ]; then
  awk -v report="$out/report" '/^```/ { inside = !inside; print; if (inside) while ((getline line < report) > 0) print line; next } !inside' README.md > "$out/new"
  cp "$out/new" README.md
  exit
fi
diff <(grep -v -E '^(Verification|Time): ' "$out/readme") <(grep -v -E '^(Verification|Time): ' "$out/report") ||
  { echo "README.md shows another report than the quickstart prints: run tests/cli/readme.sh $binary . --update"; exit 1; }
