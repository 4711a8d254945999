#!/bin/sh
# Puts Apache Kafka's jars at bin/kafka-libs, for tests against the real broker.
# The versions are in pom.xml. A second run finds them in place and returns at
# once.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$here/../.." && pwd)/bin
libs=$bin/kafka-libs
stamp=$(sed -n 's|.*<version>\(.*\)</version>.*|\1|p' "$here/pom.xml" | tr '\n' ' ')

if [ -r "$libs/VERSION" ] && [ "$(cat "$libs/VERSION")" = "$stamp" ]; then
	echo "Apache Kafka is in place: bin/kafka-libs"
	exit 0
fi

fail() {
	echo "engine/kafkatest/fetch.sh: $1" >&2
	exit 1
}

command -v java >/dev/null 2>&1 || fail "java not found; install a JRE 17 or newer (tests against Apache Kafka are skipped without it)"
command -v mvn >/dev/null 2>&1 || fail "mvn not found; install Maven (tests against Apache Kafka are skipped without it)"

mkdir -p "$bin"
work=$(mktemp -d "$bin/.kafka.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$work/libs" >"$work/mvn.log" 2>&1 || {
	cat "$work/mvn.log" >&2
	fail "Maven could not fetch Apache Kafka (the output above says why)"
}
echo "$stamp" >"$work/libs/VERSION"
rm -rf "$libs"
mv "$work/libs" "$libs"
echo "Apache Kafka fetched: bin/kafka-libs ($(ls "$libs"/*.jar | wc -l | tr -d ' ') jars)"
