#!/bin/sh
# Adds a user to a user database in Redis, which needs no tables.
set -eu

# shellcheck source=turndb/common.sh
. "$(dirname "$0")/common.sh"
about CONNECTION redis-userdb 'what turnserver takes, as in
"ip=127.0.0.1 port=6379 dbname=0 password=SECRET"'
take_arguments "$@"
# hiredis formats the command and takes it apart at the spaces.
refuse '*[[:space:]%]*' "spaces or percent signs"
add_user
