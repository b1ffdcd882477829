/* SPDX-License-Identifier: BSD-3-Clause */
#include "help.h"

#include "abi.h"
#include "arguments.h"
#include "base/version.h"

static const char help[] =
	"usage: " PROGRAM " [COMMAND] [OPTION]...\n"
	"\n"
	"Shows the TURN channels that the kernel relays for turnserver (xdp-offload).\n"
	"The tool changes nothing, and needs root or CAP_SYS_ADMIN; check says what it\n"
	"could not see without.\n"
	"\n"
	"Commands:\n"
	"  status      show the program, interfaces, tables and packets (the default)\n"
	"  channels    show each channel that is relayed in the kernel\n"
	"  top         show the channels again and again; keys: s sort, r reverse, q quit\n"
	"  metrics     serve metrics for Prometheus by HTTP\n"
	"  list        show the turnservers of this host\n"
	"  check       say what speaks against the offload, before it is on or while it is\n"
	"  capture     show packets as they came in and as they left, or why they went up\n"
	"\n"
	"Options:\n"
	"  -p, --pid PID          look at the turnserver with this process ID\n"
	"  -c, --config FILE      check: look at this turnserver.conf\n"
	"  -j, --json             write JSON instead of text\n"
	"  -i, --interval SEC     take the rates over this time (1; 0: no rates)\n"
	"  -a, --all              status: also show the counters that are 0\n"
	"  -s, --sort KEY         channels, top: sort by rate (the default), packets, bytes,\n"
	"                         age, client, relay, peer or number\n"
	"  -r, --reverse          channels, top: reverse the order\n"
	"  -n, --lines N          channels, top: show the first N channels only\n"
	"      --client ADDRESS   channels, top, capture: of this client, relay or peer only:\n"
	"      --relay ADDRESS    192.0.2.1, 192.0.2.0/24, 192.0.2.1:3478, 2001:db8::/32,\n"
	"      --peer ADDRESS     [2001:db8::1]:3478 or :3478\n"
	"      --number NUMBER    channels, top, capture: with this number only, as 0x4000\n"
	"      --user NAME        channels, top: of this user only\n"
	"      --session ID       channels, top: of this session only, as the log has it\n"
	"  -l, --listen ADDR:PORT metrics: listen here (127.0.0.1:9642); a PORT alone will do\n"
	"      --origin ORIGIN    metrics: pages of this origin may read them in a browser\n"
	"      --once             metrics: write them once, to standard output\n"
	"      --channels         metrics: also write series of each channel\n"
	"  -w, --write FILE       capture: write pcapng, for wireshark (-: standard output)\n"
	"      --verdict WORD,... capture: packets of these verdicts only (too-big), or of\n"
	"                         relayed, up or all (default: all packets of channels)\n"
	"  -c, --count N          capture: end after N packets\n"
	"  -t, --time SEC         capture: end after this time\n"
	"  -s, --snaplen BYTES    capture: keep so many bytes of each frame\n"
	"  -B, --buffer KIB       capture: size of the buffer, a power of 2 (8192)\n"
	"  -h, --help             show this help\n"
	"  -V, --version          show the version\n";

void help_write(FILE *out)
{
	fputs(help, out);
}

void help_write_version(FILE *out)
{
	fprintf(out, PROGRAM " %s, for tables of ABI version %u, built with coturn %s\n", version_offload, ABI_VERSION,
		version_coturn);
}
