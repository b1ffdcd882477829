#!/bin/sh
# Sourced by the setup scripts: adds a user to a user database of any kind with
# turnadmin. `usage` is theirs.

fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# Takes DATABASE REALM USER [PASSWORD] into variables of these names.
take_arguments() {
	case ${1:-} in -h | --help) usage; exit 0 ;; esac
	if [ $# -lt 3 ] || [ $# -gt 4 ]; then
		usage >&2
		exit 2
	fi
	# shellcheck disable=SC2034 # theirs
	database=$1
	realm=$2
	user=$3
	if [ $# -eq 4 ]; then
		password=$4
	else
		[ ! -t 0 ] || printf 'Password of %s: ' "$user" >&2
		IFS= read -r password || fail "no password on the standard input"
	fi
	for value in "$realm" "$user" "$password"; do
		[ -n "$value" ] || fail "realm, user and password must not be empty"
	done
}

find_turnadmin() {
	turnadmin=${TURNADMIN:-}
	if [ -z "$turnadmin" ]; then
		turnadmin=$(cd "$(dirname "$0")" && pwd)/../build/bin/turnadmin
		[ -x "$turnadmin" ] || turnadmin=$(command -v turnadmin) ||
			fail "there is no turnadmin here: run ./configure and make first"
	fi
}

# turnadmin opens a log of its own for every call, named after its process and
# in the first of these directories that it can write.
turnadmin_run() {
	(cd "$scratch" && exec "$turnadmin" "$@") >"$scratch/output" 2>&1 &
	pid=$!
	status=0
	wait "$pid" || status=$?
	for directory in /var/log/turnserver /var/log /var/tmp /tmp; do
		rm -f "$directory/turn_${pid}_"*.log
	done
	return "$status"
}

# Adds the user to the database that turnadmin's option $1 names as $2.
add_user() {
	find_turnadmin
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	turnadmin_run -a "$1" "$2" -r "$realm" -u "$user" -p "$password" ||
		fail "turnadmin failed: $(cat "$scratch/output")"
	# It also returns 0 when it could not write, so ask for the user again.
	turnadmin_run -l "$1" "$2" -r "$realm" || :
	grep -qxF -e "${user}[$realm]" "$scratch/output" ||
		fail "user '$user' of realm '$realm' is not in '$2': $(cat "$scratch/output")"
	printf "user '%s' of realm '%s' is in %s\n" "$user" "$realm" "$2"
}
