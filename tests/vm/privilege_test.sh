#!/bin/sh
# Runs in a test machine, whose settings may be changed: what the server may do
# under each value of kernel.unprivileged_bpf_disabled. 1 is for good, so it is last.
set -u
status=0
for value in 0 2 1; do
	echo "$value" >/proc/sys/kernel/unprivileged_bpf_disabled
	python3 -B tests/netns/privilege_test.py || status=1
done
exit "$status"
