#!/bin/sh
# Adds a user to a user database in Redis, which needs no tables.
set -eu

usage() {
	cat <<'END'
Usage: turndb/setup-redis.sh CONNECTION REALM USER [PASSWORD]

Adds USER of REALM to the user database of the Redis server that CONNECTION
names, or gives an existing user a new password. CONNECTION is what turnserver
takes, as "ip=127.0.0.1 port=6379 dbname=0 password=SECRET". Without PASSWORD
it is read from the standard input, and so stays out of your shell's history;
turnadmin takes both passwords as arguments all the same, so for a moment they
are in the process list. turnserver reads the database with
  lt-cred-mech
  realm=REALM
  redis-userdb="CONNECTION"

TURNADMIN in the environment names the turnadmin to use.
END
}

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
take_arguments "$@"
# turnadmin puts them into its commands as they are, which hiredis then formats
# and takes apart at the spaces.
case $realm$user in
*[[:space:]%]*) fail "realm and user must not contain spaces or percent signs" ;;
esac
add_user -N "$database"
