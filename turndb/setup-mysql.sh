#!/bin/sh
# Adds a user to a user database in MariaDB or MySQL, and makes coturn's tables
# in it if there are none.
set -eu

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
about CONNECTION mysql-userdb 'what turnserver takes, as in
"host=127.0.0.1 port=3306 dbname=coturn user=turn password=SECRET"'
take_arguments "$@"
refuse "*['\\\\]*" "single quotes or backslashes"
client=$(command -v mariadb || command -v mysql) || fail "there is no mariadb or mysql here: install mariadb-client"

# The words that turnserver takes, as the client's options.
set -- --no-defaults --batch
# shellcheck disable=SC2086 # none of them can hold a space
for word in $database; do
	value=${word#*=}
	case $word in
	host=*) set -- "$@" --host="$value" ;;
	port=*) set -- "$@" --port="$value" ;;
	dbname=*) set -- "$@" --database="$value" ;;
	user=*) set -- "$@" --user="$value" ;;
	password=*) export MYSQL_PWD="$value" ;;
	connect_timeout=*) set -- "$@" --connect-timeout="$value" ;;
	ca=*) set -- "$@" --ssl-ca="$value" ;;
	cert=*) set -- "$@" --ssl-cert="$value" ;;
	key=*) set -- "$@" --ssl-key="$value" ;;
	*) fail "'$word' is none of host, port, dbname, user, password, connect_timeout, ca, cert, key" ;;
	esac
done
make_tables "$client" "$@"
add_user
