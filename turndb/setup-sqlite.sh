#!/bin/sh
# Adds a user to a SQLite user database, and makes the database if there is
# none. The tables are turnadmin's own: it makes those that are missing.
set -eu

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
about DATABASE userdb "its file, in a directory that exists"
take_arguments "$@"
refuse "*'*" "a single quote"
case $database in
/*) ;;
*) database=$(pwd)/$database ;;
esac
[ -d "${database%/*}/" ] || fail "there is no directory '${database%/*}'"

# The keys in it are as good as the passwords.
umask 027
add_user
