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

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
take_arguments "$@"
# turnadmin puts them into its SQL statements as they are.
case $realm$user in
*\'*) fail "realm and user must not contain a single quote" ;;
esac
case $database in
/*) ;;
*) database=$(pwd)/$database ;;
esac
[ -d "${database%/*}/" ] || fail "there is no directory '${database%/*}'"

# The keys in it are as good as the passwords.
umask 027
add_user -b "$database"
