#!/usr/bin/env bash
# A real HAPI FHIR JPA R4 server from the released jars, for the tests and to play with.
#   hapi.sh fetch         download the jars and compile (once; 200 MB)
#   hapi.sh run PORT      fetch if needed, then serve http://127.0.0.1:PORT/fhir until stopped
#   hapi.sh run PORT tied the same, and end when standard input closes
#   hapi.sh validate DIR  HL7's rules for R4 over each *.json of a folder: one line an error
# HEME_HOOKS_HAPI_CACHE: where the jars are kept, default ~/.cache/heme-hooks/hapi
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${HEME_HOOKS_HAPI_CACHE:-$HOME/.cache/heme-hooks/hapi}

stop() { echo "hapi: $1" >&2; exit "$2"; }

for tool in java javac mvn; do
  command -v "$tool" >/dev/null || stop "$tool is missing; on Debian: apt-get install openjdk-17-jdk-headless maven" 3
done

# One folder for each content of these files: an edit never meets old jars.
home=$cache/$(cat "$here/pom.xml" "$here"/*.java | sha256sum | cut -c1-16)

fetch() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  flock 9
  if [ ! -e "$home/complete" ]; then
    rm -rf "$home"
    mkdir -p "$home/lib" "$home/classes"
    local plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies try
    for try in 1 2 3; do # some 240 downloads: one may time out
      mvn -B -q -ntp -f "$here/pom.xml" "$plugin" -DincludeScope=runtime -DoutputDirectory="$home/lib" \
        >"$home/maven.log" 2>&1 && break
      [ "$try" -lt 3 ] || { tail -20 "$home/maven.log" >&2; stop "Maven could not fetch the jars" 4; }
    done
    javac -nowarn -proc:none -cp "$home/lib/*" -d "$home/classes" "$here"/*.java
    touch "$home/complete"
  fi
  exec 9>&-
}

program() {
  exec java -Xmx768m -XX:MaxMetaspaceSize=384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$home/classes:$home/lib/*" "$@"
}

case "${1:-}" in
  fetch) fetch ;;
  run) fetch; program HapiServer "${2:?PORT}" "${3:-}" ;;
  validate) fetch; program Validator "${2:?DIR}" ;;
  *) stop "usage: hapi.sh fetch | hapi.sh run PORT [tied] | hapi.sh validate DIR" 2 ;;
esac
