#!/usr/bin/env bash
# Builds with AddressSanitizer and UndefinedBehaviorSanitizer and runs the unit and case tests.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh
scripts/build.sh asan
ctest --test-dir build/asan --output-on-failure -j "$(nproc)" -L 'unit|case'
