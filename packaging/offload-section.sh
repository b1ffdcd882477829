#!/bin/sh
# Prints the offload's section of examples/etc/turnserver.conf with every option commented
# out. `make install` appends it to the turnserver.conf.default that coturn installs, because
# coturn's configuration file cannot include another one.
set -eu
cd "$(dirname "$0")/.."
echo
sed -n '/^# --- the offload /,/^# --- addresses /p' examples/etc/turnserver.conf | sed '$d; s/^\([a-z]\)/#\1/'
