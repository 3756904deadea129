#!/usr/bin/env bash
# Fails if a source file is not formatted as .clang-format says; --fix formats.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run --Werror)
[ "${1:-}" = --fix ] && mode=(-i)
git ls-files '*.cpp' '*.h' ':!ir/ops/generated/*' | xargs clang-format "${mode[@]}"
echo "format: fine"
