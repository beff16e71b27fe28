#!/usr/bin/env bash
# Makes sure that there is a Redis to test with: uses the one on the PATH, installs Debian's where root may, otherwise says what is
# missing. Never lets the tests be skipped. The tests start servers of their own; Debian's service is not needed and not started.
set -euo pipefail

if ! command -v redis-server >/dev/null; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "tests: redis-server is missing; install Redis 7.0 or later" >&2
    exit 1
  fi
  echo "installing redis-server"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends redis-server >/dev/null
fi
redis-server --version
