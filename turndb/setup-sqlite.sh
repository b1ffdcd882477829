#!/bin/sh
# Adds a user to a SQLite user database, and makes the database if there is
# none. The tables are turnadmin's own: it makes those that are missing.
set -eu

usage() {
	cat <<'END'
Usage: turndb/setup-sqlite.sh DATABASE REALM USER [PASSWORD]

Adds USER of REALM to the SQLite user database in the file DATABASE (the
directory must exist), or gives an existing user a new password. Without
PASSWORD it is read from the standard input, and so stays out of your shell's
history; turnadmin takes it as an argument all the same, so for a moment it is
in the process list. turnserver reads the database with
  lt-cred-mech
  realm=REALM
  userdb=DATABASE

TURNADMIN in the environment names the turnadmin to use.
END
}

fail() {
	printf 'setup-sqlite.sh: %s\n' "$*" >&2
	exit 1
}

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
# turnadmin puts them into its SQL statements as they are.
case $realm$user in
*\'*) fail "realm and user must not contain a single quote" ;;
esac

here=$(cd "$(dirname "$0")" && pwd)
turnadmin=${TURNADMIN:-}
if [ -z "$turnadmin" ]; then
	turnadmin=$here/../build/bin/turnadmin
	[ -x "$turnadmin" ] || turnadmin=$(command -v turnadmin) ||
		fail "there is no turnadmin here: run ./configure and make first"
fi

case $database in
/*) ;;
*) database=$(pwd)/$database ;;
esac
[ -d "${database%/*}/" ] || fail "there is no directory '${database%/*}'"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

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

# The keys in it are as good as the passwords.
umask 027
turnadmin_run -a -b "$database" -r "$realm" -u "$user" -p "$password" ||
	fail "turnadmin failed: $(cat "$scratch/output")"
# It also returns 0 when it could not write, so ask for the user again.
turnadmin_run -l -b "$database" -r "$realm" || :
grep -qxF -e "${user}[$realm]" "$scratch/output" ||
	fail "user '$user' of realm '$realm' is not in '$database': $(cat "$scratch/output")"
printf "user '%s' of realm '%s' is in %s\n" "$user" "$realm" "$database"
