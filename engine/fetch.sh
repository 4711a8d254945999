#!/bin/sh
# Puts the embedded ClickHouse library at bin/lib/libchdb.so (libchdb.dylib
# where a package calls it so). The npm package is pinned to an exact version in
# package.json and checked against the hash in package-lock.json. A second run
# finds it in place and returns at once.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
lib=$(dirname "$here")/bin/lib
version=$(sed -n 's|.*"@chdb/lib-linux-x64-gnu": "\(.*\)".*|\1|p' "$here/package.json")
platform="$(uname -s) $(uname -m)"
stamp="$version $platform"

fail() {
	echo "engine/fetch.sh: $1" >&2
	echo "  instead: install ClickHouse so that 'clickhouse' is on PATH, or run kaskad with --clickhouse DSN" >&2
	exit 1
}

# A library that another user could replace is code of his that runs as you; so
# nobody but you and root may write on the way to it. The sticky bit, as on /tmp,
# keeps others away from what is yours. The group of a user alone is his own.
trust() {
	private=-020
	[ "$(id -u)" = "$(id -g)" ] && [ -n "$(find "$1" -prune -group "$(id -g)")" ] && private=-002
	[ -n "$(find "$1" -prune \( -user "$(id -u)" -o -user 0 \))" ] || fail "$1 belongs to another user, who could replace the engine; chown it"
	[ -z "$(find "$1" -prune \( -perm -002 -o -perm "$private" \) ! \( -type d -perm -1000 \))" ] || fail "others can write to $1, and so replace the engine; chmod go-w it"
}

mkdir -p "$lib"
lib=$(cd "$lib" && pwd -P)
folder=$lib
while trust "$folder" && [ "$folder" != / ]; do
	folder=$(dirname "$folder")
done
for name in libchdb.so libchdb.dylib VERSION; do
	[ ! -e "$lib/$name" ] || trust "$lib/$name"
done

if [ -r "$lib/VERSION" ] && [ "$(cat "$lib/VERSION")" = "$stamp" ]; then
	for name in libchdb.so libchdb.dylib; do
		if [ -s "$lib/$name" ]; then
			echo "embedded ClickHouse $version is in place: bin/lib/$name"
			exit 0
		fi
	done
fi

command -v npm >/dev/null 2>&1 || fail "npm not found; install Node.js 20 or newer"

# Work in a directory of our own beside the target, so that two runs at once do
# not disturb each other and the last step is a rename in one file system.
work=$(mktemp -d "$lib/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work/"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1) || {
	cat "$work/npm.log" >&2
	fail "npm could not fetch @chdb/lib $version for $platform (the output above says why)"
}

found=
for file in "$work"/node_modules/@chdb/lib-*/libchdb.so "$work"/node_modules/@chdb/lib-*/libchdb.dylib; do
	if [ -s "$file" ]; then
		found=$file
	fi
done
# npm does not say why it left an optional package out.
[ -n "$found" ] || fail "npm installed no @chdb/lib $version for $platform: the network is down, or the download does not match the hash in engine/package-lock.json, or there is no such package (there is for Linux with glibc and macOS, x64 and arm64)"

name=$(basename "$found")
package=$(basename "$(dirname "$found")")
rm -f "$lib/VERSION" "$lib/libchdb.so" "$lib/libchdb.dylib"
mv "$found" "$lib/$name"
echo "$stamp" >"$work/VERSION"
mv "$work/VERSION" "$lib/VERSION"

# The registry that the lock file was made from served only some platforms, so
# not every one has a hash yet. Say so rather than let it look checked.
if ! awk -v key="\"node_modules/@chdb/$package\"" 'index($0, key) {in_it = 1} in_it && /"integrity"/ {found = 1} in_it && /^    }/ {exit} END {exit !found}' "$here/package-lock.json"; then
	echo "engine/fetch.sh: warning: package-lock.json has no hash for @chdb/$package, so the download was not checked" >&2
fi
echo "embedded ClickHouse $version fetched: bin/lib/$name"
