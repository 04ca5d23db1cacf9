#!/usr/bin/env bash
# Builds wheel and sdist, installs the wheel in a clean environment, and makes a call there.
#   deploy/build.sh                  all of it, in a temporary folder (as CI does)
#   deploy/build.sh build DIST       wheel, sdist and requirements.txt into DIST
#   deploy/build.sh install DIST V   the wheel of DIST into a new environment V
#   deploy/build.sh check V          a hook call to the service of V
# The Containerfile runs the same steps. Needs python3 (3.11 or newer) with venv, and PyPI.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
python="${PYTHON:-python3}"
pip=(-m pip --disable-pip-version-check --quiet)

build() {
  local tools; tools="$(mktemp -d)"
  "$python" -m venv "$tools"
  "$tools/bin/python" "${pip[@]}" install 'build>=1.2,<2'
  # The wheel is made from the sdist, so both are complete.
  "$tools/bin/python" -m build --outdir "$1" "$root" >"$tools/log" 2>&1 || { cat "$tools/log" >&2; exit 1; }
  rm -rf "$tools"
  cp "$root/requirements.txt" "$1"
  ls "$1"
}

install() {
  # pip refuses hashes together with a local wheel, so what it needs comes first.
  "$python" -m venv --clear --upgrade-deps "$2"
  "$2/bin/python" "${pip[@]}" install --require-hashes --requirement "$1/requirements.txt"
  "$2/bin/python" "${pip[@]}" install --no-deps "$1"/heme_hooks-*.whl
  "$2/bin/python" "${pip[@]}" check
}

check() {
  local folder; folder="$(mktemp -d)"
  # An empty folder, so that nothing but the installed package can answer.
  (cd "$folder" && env -u PYTHONPATH "$1/bin/python" -I "$root/deploy/check_installed.py")
  rm -rf "$folder"
}

case "${1:-all}" in
  build) build "$2" ;;
  install) install "$2" "$3" ;;
  check) check "$2" ;;
  all)
    work="$(mktemp -d)"; trap 'rm -rf "$work"' EXIT
    build "$work/dist"
    install "$work/dist" "$work/venv"
    check "$work/venv"
    ;;
  *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
