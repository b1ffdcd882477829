#!/bin/sh
# Prints the published vulnerabilities of coturn that upstream.ini knows.
#
# usage: vulnerabilities.sh VERSION      those that this release has, for people; nothing if there are none
#        vulnerabilities.sh --markdown   all of them, as the table in README.md
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/pins.sh
. packaging/pins.sh

identifiers() { sed -n 's/^\[\(CVE-.*\)\]$/\1/p' upstream.ini; }

markdown() {
	echo "| vulnerability | releases that have it | what can happen | until a newer release is built |"
	echo "|---|---|---|---|"
	for id in $(identifiers); do
		echo "| $id | before $(ini "$id" before) | $(ini "$id" what) | $(ini "$id" until) |"
	done
}

of_release() { # version
	found=
	for id in $(identifiers); do
		! is_older "$1" "$(ini "$id" before)" || found="$found $id"
	done
	[ -n "$found" ] || return 0
	echo "coturn $1 has published vulnerabilities, which newer releases do not have:"
	for id in $found; do
		echo "  $id (before $(ini "$id" before)): $(ini "$id" what)"
		echo "    until then: $(ini "$id" until)"
	done
	newest=$(pinned_releases | head -n 1)
	! is_older "$1" "$newest" || echo "  To take a newer release: ./configure --coturn=$newest"
}

case ${1:-} in
--markdown) markdown ;;
[0-9]*) of_release "$1" ;;
*)
	echo "usage: vulnerabilities.sh VERSION | --markdown" >&2
	exit 1
	;;
esac
