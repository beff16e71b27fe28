#!/usr/bin/env bash
# Makes sure that there is a Chromium to test with: uses the one that is there, installs Debian's where root may,
# otherwise says what is missing. Never lets the tests be skipped.
set -euo pipefail

found=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [[ -z $found ]]; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "tests: chromium is missing; install it, or set CHROMIUM to a Chromium or Chrome" >&2
    exit 1
  fi
  echo "installing chromium"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium fonts-noto-color-emoji >/dev/null
  found=$(command -v chromium)
fi
[[ -x $found ]] || { echo "tests: CHROMIUM=$found cannot be run" >&2; exit 1; }
"$found" --version --no-sandbox
