#!/bin/sh
# Sourced by the tests here: a folder that goes away, and results as TAP. A check
# leaves what it has to say in $scratch/output.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

number=0
result() { # ok or not ok, name
	number=$((number + 1))
	echo "$1 $number - $2"
	[ "$1" = ok ] || [ ! -f "$scratch/output" ] || tail -n 40 "$scratch/output" | sed 's/^/# /'
}

holds() { # name, command...
	name=$1
	shift
	if "$@" >"$scratch/output" 2>&1; then
		result ok "$name"
	else
		result "not ok" "$name"
	fi
}

# The same for a command that puts what it has to say there itself.
verify() { # name, command...
	verified=$1
	shift
	if "$@"; then
		result ok "$verified"
	else
		result "not ok" "$verified"
	fi
}

skips() { # name, why
	result ok "$1 # SKIP $2"
}

plan() {
	echo "1..$number"
}

# The test ends here, and shows nothing.
skip_all() { # name, why
	skips "$@"
	plan
	exit 0
}
