#!/bin/sh
# Adds a user to a user database in PostgreSQL, and makes coturn's tables in it
# if there are none.
set -eu

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
about CONNECTION psql-userdb 'what turnserver takes, as in
"host=127.0.0.1 dbname=coturn user=turn password=SECRET connect_timeout=10"'
take_arguments "$@"
refuse "*'*" "a single quote"
command -v psql >/dev/null || fail "there is no psql here: install postgresql-client"
# All tables or none.
make_tables psql -X -q -w -v ON_ERROR_STOP=1 -d "$database" -1 -f -
add_user
