#!/usr/bin/env bash
# Makes sure that there is a tool to test with, `tests/tool.sh redis` for one: uses what is on the PATH, installs Debian's where root may,
# otherwise says what is missing. Never lets the tests be skipped. The tests start servers of their own; Debian's services are not needed.
set -euo pipefail

fail() {
  echo "tests: $1" >&2
  exit 1
}

# Of each tool: commands of which one will do, Debian's packages, what to do without Debian, and what makes it say its version.
tool=
case ${1:-} in
  chromium)
    commands=(chromium chromium-browser google-chrome)
    packages=(chromium fonts-noto-color-emoji)
    remedy="install it, or set CHROMIUM to a Chromium or Chrome"
    version=(--version --no-sandbox)
    tool=${CHROMIUM:-}
    [[ -z $tool || -x $tool ]] || fail "CHROMIUM=$tool cannot be run"
    ;;
  redis)
    commands=(redis-server)
    packages=(redis-server)
    remedy="install Redis 7.0 or later"
    version=(--version)
    ;;
  nginx)
    commands=(nginx)
    packages=(nginx-light)
    remedy="install nginx"
    version=(-v)
    ;;
  *) fail "no tool is called \"${1:-}\"" ;;
esac

# Prints the path of the first command that is there, or nothing.
look() {
  command -v "${commands[@]}" | head -n 1 || true
}

tool=${tool:-$(look)}
if [[ -z $tool ]]; then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    fail "${commands[0]} is missing; $remedy"
  fi
  echo "installing ${packages[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  tool=$(look)
fi
[[ -n $tool ]] || fail "${commands[0]} is not in ${packages[*]}; $remedy"
"$tool" "${version[@]}"
