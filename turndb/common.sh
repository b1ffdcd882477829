#!/bin/sh
# Sourced by the setup scripts. Each says what is different for its database,
# and calls about, take_arguments, make_tables if it must, and add_user.

fail() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# What the first argument is called, turnserver's option for it, which turnadmin
# has as well, and what it is.
about() {
	argument=$1 option=$2 what=$3
}

usage() {
	cat <<END
Usage: turndb/${0##*/} $argument REALM USER [PASSWORD]

Adds USER of REALM to a user database, or gives an existing user a new
password. $argument is $what.
Without PASSWORD it is read from the standard input, and so stays out of your
shell's history; turnadmin takes what it is given as arguments all the same, so
for a moment passwords are in the process list. turnserver reads the database with
  lt-cred-mech
  realm=REALM
  $option="$argument"

TURNADMIN in the environment names the turnadmin to use.
END
}

# Takes DATABASE REALM USER [PASSWORD] into variables of these names, and finds
# the programs that are needed.
take_arguments() {
	case ${1:-} in -h | --help) usage; exit 0 ;; esac
	if [ $# -lt 3 ] || [ $# -gt 4 ]; then
		usage >&2
		exit 2
	fi
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
	find_turnadmin
	make_scratch
}

# turnadmin puts realm and user into its commands unchanged. So what matches the pattern $1 is
# refused; $2 says in words what that is.
refuse() {
	for value in "$realm" "$user"; do
		# shellcheck disable=SC2254 # it is a pattern
		case $value in $1) fail "realm and user must not contain $2" ;; esac
	done
}

# A directory for what the programs print.
make_scratch() {
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

find_turnadmin() {
	turnadmin=${TURNADMIN:-}
	if [ -z "$turnadmin" ]; then
		turnadmin=$(cd "$(dirname "$0")" && pwd)/../build/bin/turnadmin
		[ -x "$turnadmin" ] || turnadmin=$(command -v turnadmin) ||
			fail "there is no turnadmin here: run ./configure and make first"
	fi
}

# coturn's schema: in its sources, or where make install has put it.
find_schema() {
	programs=$(cd "$(dirname "$turnadmin")" && pwd -P)
	for schema in "$programs/../turndb/schema.sql" "$programs/../share/turnserver/schema.sql" \
		/usr/share/coturn/schema.sql; do
		[ ! -f "$schema" ] || return 0
	done
	fail "coturn's schema.sql is not beside $turnadmin"
}

# Makes coturn's tables, unless the last of them is there. The arguments are the command of a
# client of the database that reads SQL and stops at an error.
make_tables() {
	! echo 'SELECT name FROM admin_user WHERE 1 = 0;' | "$@" >/dev/null 2>&1 || return 0
	find_schema
	"$@" <"$schema" >"$scratch/output" 2>&1 || fail "cannot make the tables: $(cat "$scratch/output")"
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

# Adds the user to the database.
add_user() {
	turnadmin_run -a "--$option" "$database" -r "$realm" -u "$user" -p "$password" ||
		fail "turnadmin failed: $(cat "$scratch/output")"
	# It also returns 0 when it could not write, so ask for the user again.
	turnadmin_run -l "--$option" "$database" -r "$realm" || :
	grep -qxF -e "${user}[$realm]" "$scratch/output" ||
		fail "user '$user' of realm '$realm' is not in the database: $(cat "$scratch/output")"
	printf "user '%s' of realm '%s' is in the database\n" "$user" "$realm"
}
