#!/bin/sh
# Sourced by the scripts here, which run at the top of the tree: what upstream.ini says.

ini() { # section, key
	awk -v section="$1" -v key="$2" '
		/^\[/ { here = substr($0, 2, index($0, "]") - 2); next }
		here == section && $1 == key && $2 == "=" {
			sub(/^[^=]*= */, "")
			print
			exit
		}' upstream.ini
}

# Sections whose names begin with a digit are releases.
pinned_releases() { sed -n 's/^\[\([0-9].*\)\]$/\1/p' upstream.ini | sort -rV; } # the newest one first
in_words() { paste -s -d ' ' -; }

is_older() { # release, release
	[ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

sum() { sha256sum <"$1" | cut -d ' ' -f 1; }
