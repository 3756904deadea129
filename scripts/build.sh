#!/usr/bin/env bash
# Configures and builds a preset (default: release). Usage: scripts/build.sh [release|debug|asan|fuzz] [cmake --build arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
shift || true
cmake --preset "$preset" >/dev/null
cmake --build --preset "$preset" "$@"
