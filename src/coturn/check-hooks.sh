#!/bin/sh
# Fails, and names the hook, unless coturn calls every hook in the linked server. Where the
# source of coturn, an option of the compiler or an optimisation (such as LTO) has made a wrapped
# function or a macro ineffective, the server links without complaint but offloads nothing.
#
# usage: check-hooks.sh SERVER 'WRAPPED...' 'CALLED...' OUR-OBJECT...
set -eu

server=$1
wraps=$2
hooks=$3
shift 3

defined=$(nm "$server" | awk '$2 == "T" { print $3 }')
ours=$(nm "$@" 2>/dev/null | awk 'tolower($2) == "t" { print $3 }')
# Caller and callee of every direct call; a tail call is a jump.
calls=$(objdump -d --no-show-raw-insn "$server" | awk '
	/^[0-9a-f]+ <.*>:$/ {
		caller = $2
		gsub(/[<>:]/, "", caller)
		next
	}
	$2 ~ /^(call|jmp|bl?$)/ && $NF ~ /^<[A-Za-z_0-9.@]+>$/ {
		callee = $NF
		gsub(/[<>]/, "", callee)
		print caller, callee
	}' | sort -u)

status=0
lost() {
	printf 'hook lost: %s\n' "$*" >&2
	status=1
}

check() { # symbol, what upstream calls it
	if ! printf '%s\n' "$defined" | grep -qx "$1"; then
		lost "$2: $1 is not in $server"
		return
	fi
	callers=$(printf '%s\n' "$calls" | awk -v callee="$1" '$2 == callee { print $1 }' |
		{ printf '%s\n' "$ours" | sed 's/^/ours /'; sed 's/^/caller /'; } |
		awk '$1 == "ours" { ours[$2] = 1; next } { name = $2; sub(/\..*/, "", name) } !(name in ours) { print $2 }')
	[ -n "$callers" ] || lost "$2: no function of coturn calls $1"
}

for name in $wraps; do
	check "__wrap_$name" "$name"
done
for name in $hooks; do
	check "$name" "$name"
done
exit "$status"
