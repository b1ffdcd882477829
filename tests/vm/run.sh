#!/bin/sh
# Runs tests on the kernels of Debian's releases, in virtual machines without
# any hardware help. Nothing is installed but, as root, qemu; kernels are
# downloaded as packages and unpacked under build/vm.
#
# usage: tests/vm/run.sh [--kernel VERSION]... [--pair CARD]... [--seconds LIMIT] [--] [COMMAND...]
#   --kernel   5.10, 6.1, 6.12 or 7 (the newest backport), repeatable;
#              default: 5.10 6.1 6.12
#   --pair     two network cards that are joined by a cable, repeatable (at most
#              12). CARD is what the near one is for qemu, e.g. vmxnet3 or
#              virtio-net-pci,ctrl_guest_offloads=off; queues=N in it is the number
#              of its queues. The far one is a virtio-net-pci.
#   --seconds  how long the command may take; default: 900
#   COMMAND    runs in each of them, as root, in a copy of this machine's files
#              that forgets what is written; default: tests/vm/guest_test.sh,
#              which loads the XDP program and runs the packet tests
#
# Prints what the command says. The exit status is that of the last command that
# failed, 0 if none did, 125 if a machine did not come to its end.
set -eu
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C

kernels=
pairs=
seconds=900
while [ $# -gt 0 ]; do
	case $1 in
	--kernel) kernels="$kernels ${2:?}"; shift 2 ;;
	--pair) pairs="$pairs ${2:?}"; shift 2 ;;
	--seconds) seconds=${2:?}; shift 2 ;;
	--) shift; break ;;
	-*) sed -n '/^# usage/,/^# failed/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	*) break ;;
	esac
done
[ $# -gt 0 ] || set -- tests/vm/guest_test.sh

skip() { # why
	echo "1..0 # SKIP $*"
	exit 0
}

# --- the emulator ----------------------------------------------------------

mkdir -p build/vm
if ! command -v qemu-system-x86_64 >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		skip "needs qemu-system-x86"
	fi
	{
		timeout 300 apt-get update || :
		DEBIAN_FRONTEND=noninteractive timeout 900 apt-get install -y --no-install-recommends qemu-system-x86
	} </dev/null >build/vm/install.log 2>&1 || skip "cannot install qemu-system-x86 (build/vm/install.log)"
fi

# --- what runs in them -----------------------------------------------------

if [ ! -x build/vm/verifier ] || [ -n "$(find tests/vm/verifier.c -newer build/vm/verifier)" ]; then
	# shellcheck disable=SC2046
	cc -std=gnu11 -O2 -Wall -Wextra -Werror tests/vm/verifier.c -o build/vm/verifier \
		$(pkg-config --cflags --libs libbpf)
fi

# --- its network cards -----------------------------------------------------

# The cables are in a network namespace of qemu's own. Taps, and not qemu's hubs:
# only with taps do virtio cards have the checksum and segmentation offloads that
# they have on a real host.
if [ -n "$pairs" ] && ! { [ -c /dev/net/tun ] && unshare -n ip tuntap add probe mode tap; } 2>/dev/null; then
	skip "needs root and /dev/net/tun"
fi

# A card as qemu's options.
card() { # name, last byte of its address, pair's number, model, property...
	name=$1
	device="$4,netdev=$1,id=$1,mac=52:54:00:00:$(printf %02x "$3"):$2"
	shift 4
	queues=1
	for property; do
		case $property in
		queues=*) queues=${property#queues=}; device="$device,mq=on,vectors=$((2 * queues + 2))" ;;
		*) device="$device,$property" ;;
		esac
	done
	echo "-netdev tap,id=$name,ifname=$name,queues=$queues,script=tests/vm/plug.sh,downscript=no -device $device"
}

# The guest reaches qemu's monitor by a port of its own, to pull cables out.
cards() {
	number=0
	for pair in $pairs; do
		# shellcheck disable=SC2046
		card "near$number" 01 "$number" $(echo "$pair" | tr , ' ')
		card "far$number" 02 "$number" virtio-net-pci
		number=$((number + 1))
	done
	[ "$number" -eq 0 ] || echo "-chardev socket,id=guest,path=$folder/monitor,server=on,wait=off \
		-chardev socket,id=qemu,path=$folder/monitor -mon chardev=qemu,mode=control \
		-device virtio-serial-pci -device virtserialport,chardev=guest,name=monitor"
}

# --- one machine -----------------------------------------------------------

folder=
machine=
# shellcheck disable=SC2317,SC2329
cleanup() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || :
	[ -z "$folder" ] || rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# What the shell needs to say the same words again.
quote() {
	for word; do
		printf "'%s' " "$(printf %s "$word" | sed "s/'/'\\\\''/g")"
	done
}

# Writes what the guest runs.
command_write() { # kernel's folder, command...
	echo "$PWD/$1/lib/modules" >"$folder/modules"
	shift
	# shellcheck disable=SC2086
	[ -z "$pairs" ] || printf '%s\n' $pairs >"$folder/pairs"
	{
		echo "cd $(quote "$PWD")"
		echo "export PATH=$(quote "$PATH")"
		for name in CI TURNSERVER; do
			eval "value=\${$name:-}"
			[ -z "$value" ] || echo "export $name=$(quote "$value")"
		done
		echo "exec timeout -k 10 $seconds $(quote "$@")"
	} >"$folder/command"
}

# The root is this machine's, which the guest cannot write to; a second share
# brings back what the command said. One thread for all CPUs: with one for each,
# qemu 7.2 now and then runs code that the guest's kernel is just changing.
machine_run() { # kernel's folder
	rm -f "$folder/monitor"
	# shellcheck disable=SC2046,SC2086
	timeout -k 10 $((seconds + 180)) ${pairs:+unshare -n} qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m 2048 \
		-nodefaults -no-user-config -display none -no-reboot -nic none \
		-kernel "$1/vmlinuz" -initrd "$1/initramfs" -append "console=ttyS0 panic=-1 quiet mitigations=off" \
		-serial file:"$folder/console" \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-virtfs local,path="$folder",mount_tag=result,security_model=none,multidevs=remap \
		$(cards) \
		</dev/null >"$folder/qemu" 2>&1 &
	machine=$!
	wait "$machine" || :
	machine=
}

boot() { # kernel's folder, command...
	folder=$(mktemp -d build/vm/run.XXXXXX)
	command_write "$@"
	machine_run "$1"
	# Not the test's fault; once is enough.
	[ -e "$folder/stdout" ] || machine_run "$1"
	[ ! -e "$folder/stderr" ] || cat "$folder/stderr" >&2
	[ ! -e "$folder/stdout" ] || cat "$folder/stdout"
	result=125
	if [ -s "$folder/status" ]; then
		result=$(cat "$folder/status")
	else
		echo "not ok - the machine comes to its end"
		{ cat "$folder/qemu"; tail -n 40 "$folder/console"; } >&2
	fi
	# A kernel that complains has failed, whatever the tests say. Only generic XDP on a card that
	# cannot switch off LRO may: it is a warning about TCP.
	if grep -ahE 'BUG:|WARNING:|Oops|Kernel panic|general protection' "$folder/console" "$folder/dmesg" |
		grep -v generic_xdp_install >&2; then
		echo "not ok - the kernel has no complaint"
		[ "$result" -ne 0 ] || result=125
	fi
	rm -rf "$folder"
	folder=
	return "$result"
}

# --- all of them -----------------------------------------------------------

status=0
for version in ${kernels:-5.10 6.1 6.12}; do
	# shellcheck disable=SC1091
	why=$(tests/vm/kernel.sh "$version" 2>&1) || {
		echo "1..0 # SKIP Linux $version: $(echo "$why" | tail -n 1)"
		continue
	}
	boot "build/vm/linux-$version" "$@" || status=$?
done
exit "$status"
