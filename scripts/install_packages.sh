#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, if some are missing. Uses sudo where not root.
set -euo pipefail
packages=(g++ cmake ninja-build ccache pkg-config libfmt-dev nlohmann-json3-dev libcli11-dev libssl-dev doctest-dev libzip-dev libmimalloc-dev libjpeg-dev libpng-dev libtiff-dev
  libwebp-dev libre2-dev libopenjp2-7-dev python3 python3-venv)
for extra in "$@"; do packages+=("$extra"); done
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
echo "installing: ${missing[*]}"
"${root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
