/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: what people read. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_utils.h"
#include "xdp_utils/channels_text.h"
#include "xdp_utils/choose.h"
#include "xdp_utils/list.h"
#include "xdp_utils/problem.h"
#include "xdp_utils/status_text.h"

/* ---- whole texts ---- */

static void test_status(void **state)
{
	static struct snapshot snapshot;
	struct channel_entry entries[2];
	struct written written;
	FILE *out = written_open(&written);

	(void)state;
	craft_snapshot(&snapshot, entries);
	/* Packets and reasons have tables of their own elsewhere: one of each is enough. */
	memset(snapshot.verdicts, 0, sizeof(snapshot.verdicts));
	snapshot.verdicts[VERDICT_TO_CLIENT] = 1001;
	memset(snapshot.status.refused, 0, sizeof(snapshot.status.refused));
	snapshot.status.refused[1] = 11;
	status_text_write(out, &snapshot, false);
	assert_written("the text of status", &written,
		    "turnserver      pid 42, up 1m 30s, mode native, program id 7 and 1 more\n"
		    "attention       this host has IPsec policies, which XDP would bypass: everything is relayed in userspace until they are removed\n"
		    "attention       22 of 43 relay threads have not reported for 5 seconds: their channels are relayed in userspace, if at all\n"
		    "attention       eth0 has fewer queues than this host has CPUs: what comes in by other interfaces and leaves by it is "
		    "relayed in userspace; ethtool -L gives it more\n"
		    "attention       wlan0 does not carry the program: its packets are relayed in userspace\n"
		    "attention       12 of 29 next hops are not resolved: packets to them are relayed in userspace\n"
		    "attention       a first sentence\n"
		    "attention       a second sentence\n"
		    "interfaces      eth0.7          native mode on eth0, mtu 1500\n"
		    "                wlan0           there is no such interface\n"
		    "host            examines IPv4 and IPv6, translates IPv6: nf_tables: table inet filter chain input\n"
		    "channels        15 of 16 (93.8 %)\n"
		    "in the kernel   50.97 % of 1,964 datagrams of data\n"
		    "flows           23 from IPv4, 24 from IPv6\n"
		    "next hops       29 in use, 12 not resolved\n"
		    "devices         27 of 28 to send by, 25 of 26 VLANs\n"
		    "relay threads   21 alive, 22 silent\n"
		    "monitor thread  alive\n"
		    "kernel events   lost 3 times; the server then read everything again\n"
		    "\n"
		    "channel bindings left in userspace, because                        since the start\n"
		    "  the client does not use plain UDP                                             11\n"
		    "  the tables were full                                                           4\n"
		    "  the kernel did not take the channel; see turnserver's log                      5\n"
		    "\n"
		    "packets                                           since the start      per second\n"
		    "  relayed to peer                                               0             101\n"
		    "  relayed to client                                         1,001             102\n"
		    "  relayed to another client of this server                      0             119\n"
		    "All packets that were neither relayed nor dropped went up the network stack unchanged.\n");
}

static void test_channels(void **state)
{
	static struct snapshot snapshot;
	struct channel_entry entries[2];
	struct written written;
	FILE *out = written_open(&written);

	(void)state;
	craft_snapshot(&snapshot, entries);
	channels_text_write(out, &snapshot, 0, 0);
	assert_written("the text of channels", &written,
		    "client                 relay                  peer                  number             session  user   realm           age  "
		    "packets>peer  data>peer    rate>peer  packets>client  data>client  rate>client      limit  dropped  state\n"
		    "192.0.2.2:40000        198.51.100.1:50000     198.51.100.2:7000     0x4001  001000000000000004  alice  example.org      4s  "
		    "          32     3.2 kB  12.0 kbit/s              33       3.4 kB  13.0 kbit/s  64.0 kB/s       31  no next hop to client\n"
		    "[2001:db8:1::2]:40001  [2001:db8:2::1]:50001  [2001:db8:2::2]:7001  0x7fff                   -  -      -            1m 00s  "
		    "          35     3.5 kB  14.0 kbit/s              36       3.7 kB  15.0 kbit/s          -        -  relay thread silent\n");
}

/* ---- problems ---- */

static void keep(const char *line, void *all)
{
	strcat(all, line);
	strcat(all, "\n");
}

static void test_problems(void **state)
{
	static struct snapshot snapshot;
	char all[4096] = "", sentence[STATUS_NOTE + 2], *end;

	(void)state;
	simple_snapshot(&snapshot, NULL, 0);
	problem_each(&snapshot, keep, all);
	assert_text("no problem", all, "");
	snapshot.server.seen = false;
	snapshot.status.blocked = 1;
	snapshot.threads_silent = 1;
	snprintf(snapshot.status.waiting, STATUS_WAITING, "192.0.2.1");
	snapshot.status.interface[0].mode = STATUS_MODE_NONE;
	/* A name may fill its field. */
	memset(snapshot.status.interface[0].name, 'n', STATUS_NAME);
	snapshot.channels_used = 16;
	snapshot.hops = 3;
	snapshot.hops_unresolved = 2;
	snapshot.status.interface[0].ifindex = 3;
	snapshot.one_sided[TO_PEER] = (struct one_sided){ .no_program = 5, .ifindex = 3 };
	snapshot.one_sided[TO_CLIENT] = (struct one_sided){ .no_program = 6, .ifindex = 77, .none = 7 };
	/* More than there is room for; one fills its field. */
	snapshot.status.host.notes = STATUS_NOTES + 3;
	memset(snapshot.status.host.note[0].text, 's', STATUS_NOTE);
	for (int i = 1; i < STATUS_NOTES; i++)
		snapshot.status.host.note[i].text[0] = (char)('a' + i);
	problem_each(&snapshot, keep, all);
	snprintf(sentence, sizeof(sentence), "%0*d\n", STATUS_NOTE, 0);
	for (int i = 0; i < STATUS_NOTE; i++)
		sentence[i] = 's';
	end = strstr(all, sentence);
	assert_non_null(end);
	assert_text("notes", end + strlen(sentence),
		    "b\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\n3 more of this kind are in turnserver's log\n");
	*end = '\0';
	assert_text("all problems", all,
		    "no process that can be seen from here has these tables: the server has ended, or runs in "
		    "another PID namespace\n"
		    "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace until "
		    "they are removed\n"
		    "1 of 3 relay threads have not reported for 5 seconds: their channels are relayed in userspace, if at all\n"
		    "waiting for 192.0.2.1: no interface has it; channels with such an address are relayed in userspace\n"
		    "nnnnnnnnnnnnnnnn does not carry the program: its packets are relayed in userspace\n"
		    "the tables are full: further channels are relayed in userspace; raise xdp-max-channels\n"
		    "2 of 3 next hops are not resolved: packets to them are relayed in userspace\n"
		    "5 channels: packets of clients should come in by nnnnnnnnnnnnnnnn, which does not carry the program: they are "
		    "relayed in userspace\n"
		    "6 channels: packets of peers should come in by the interface with index 77, which does not carry the "
		    "program: they are relayed in userspace\n"
		    "7 channels: packets of clients are relayed in the kernel, and none of peers was: these send nothing, or "
		    "their packets never come in by an interface that carries the program\n");
	simple_snapshot(&snapshot, NULL, 0);
	snprintf(snapshot.status.waiting, STATUS_WAITING, "192.0.2.1, 2001:db8::1");
	all[0] = '\0';
	problem_each(&snapshot, keep, all);
	assert_text("two addresses", all,
		    "waiting for 192.0.2.1, 2001:db8::1: no interface has them; channels with such an address are relayed in "
		    "userspace\n");
	all[0] = '\0';
	simple_snapshot(&snapshot, NULL, 0);
	snapshot.status.interfaces = 5;
	for (unsigned int i = 0; i < 5; i++) {
		snprintf(snapshot.status.interface[i].name, STATUS_NAME, "eth%u", i);
		snapshot.status.interface[i].mode = STATUS_MODE_NATIVE;
		snapshot.status.interface[i].fault = (uint8_t)i;
	}
	snapshot.status.interface[2].mode = STATUS_MODE_GENERIC;
	snapshot.status.stray = 9;
	problem_each(&snapshot, keep, all);
	assert_text("faults", all,
		    "eth1: native mode does not work, as its driver has taken the program and does not run it: its packets are "
		    "relayed in userspace; use xdp-mode=auto or xdp-mode=generic\n"
		    "eth2: native mode does not work, as its driver leaves the program no room to make frames longer: native mode is "
		    "not used any more\n"
		    "eth3: native mode does not work, as its driver does not send what the program returns: packets that leave by it "
		    "are lost; use xdp-mode=auto or xdp-mode=generic\n"
		    "eth4: its driver drops what is redirected to it: what comes in by other interfaces and leaves by it is relayed in "
		    "userspace; it may have fewer queues than this host has CPUs (ethtool -L)\n"
		    "the program gets frames that come in by the interface with index 9, which does not carry it: they are relayed "
		    "in userspace; with xdp-mode=generic they are relayed in the kernel\n");
	/* All relay threads seem to be silent then. */
	all[0] = '\0';
	simple_snapshot(&snapshot, NULL, 0);
	snapshot.threads_silent = 3;
	snapshot.monitor_silent = true;
	problem_each(&snapshot, keep, all);
	assert_text("a silent monitor thread", all,
		    "the server's monitor thread has not reported for 5 seconds, so next hops may be out of date: "
		    "everything is relayed in userspace until it reports again\n");
}

/* ---- the table of channels ---- */

static char *shown_channels(const struct snapshot *snapshot, size_t lines, int room)
{
	struct written written;
	FILE *out = written_open(&written);

	channels_text_write(out, snapshot, lines, room);
	return written_close(&written);
}

static void test_states(void **state)
{
	static const struct {
		bool alive, to_peer, to_client, open_to_peer, open_to_client;
		const char *shown;
	} cases[] = {
		{ true, true, true, true, true, "  ok\n" },
		{ true, false, true, true, true, "  no next hop to peer\n" },
		{ true, true, false, true, true, "  no next hop to client\n" },
		{ true, false, false, true, true, "  no next hop to peer or client\n" },
		{ true, true, true, false, true, "  on probation to peer\n" },
		{ true, true, true, true, false, "  on probation to client\n" },
		{ true, true, true, false, false, "  on probation\n" },
		{ true, true, false, false, false, "  no next hop to client\n" },
		{ false, false, false, false, false, "  relay thread silent\n" },
	};
	struct channel_entry entry = simple_channel(1, 5 * SECOND, 1);
	static struct snapshot snapshot;

	(void)state;
	simple_snapshot(&snapshot, &entry, 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text;

		entry.alive = cases[i].alive;
		entry.direction[TO_PEER].next_hop_known = cases[i].to_peer;
		entry.direction[TO_CLIENT].next_hop_known = cases[i].to_client;
		entry.direction[TO_PEER].open = cases[i].open_to_peer;
		entry.direction[TO_CLIENT].open = cases[i].open_to_client;
		text = shown_channels(&snapshot, 0, 0);
		if (!strstr(text, cases[i].shown))
			fail_msg("'%s' is not in: %s", cases[i].shown, text);
		free(text);
	}
}

/* A narrow terminal loses columns, not the ends of lines. */
static void test_narrow(void **state)
{
	struct channel_entry entries[] = { simple_channel(1, 5 * SECOND, 1),
					   simple_channel(40000, 99 * SECOND, 123456789) };
	static struct snapshot snapshot;
	char *text, *line, *rest;

	(void)state;
	simple_snapshot(&snapshot, entries, COUNT(entries));
	text = shown_channels(&snapshot, 1, 0);
	assert_non_null(strstr(text, "192.0.2.2:1 "));
	assert_null(strstr(text, "40000"));
	free(text);
	text = rest = shown_channels(&snapshot, 0, 80);
	assert_null(strstr(text, "relay"));
	assert_non_null(strstr(text, "rate>client"));
	while ((line = strsep(&rest, "\n")))
		assert_uint_in_range(strlen(line), 0, 80);
	free(text);
}

/* A channel that was bound while the tables were read is no older than nothing. */
static void test_age(void **state)
{
	struct channel_entry entry = simple_channel(1, 101 * SECOND, 1);
	static struct snapshot snapshot;
	char *text;

	(void)state;
	simple_snapshot(&snapshot, &entry, 1);
	text = shown_channels(&snapshot, 0, 0);
	assert_non_null(strstr(text, "  0s "));
	free(text);
}

/* Names of interfaces are whatever root likes, and a terminal would obey some. */
static void test_odd_names(void **state)
{
	static struct snapshot snapshot;
	struct written written;
	FILE *out = written_open(&written);
	char *text;

	(void)state;
	simple_snapshot(&snapshot, NULL, 0);
	strcpy(snapshot.status.interface[0].name, "\x1b[2J");
	strcpy(snapshot.status.interface[0].line, "\x1b[3J");
	strcpy(snapshot.status.host.line, "\x1b[4J");
	snapshot.status.host.notes = 1;
	strcpy(snapshot.status.host.note[0].text, "\x1b[5J");
	status_text_write(out, &snapshot, true);
	text = written_close(&written);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "?[2J            ?[3J\n"));
	assert_non_null(strstr(text, "free: ?[4J\n"));
	assert_non_null(strstr(text, "attention       ?[5J\n"));
	free(text);
}

/* ---- what the tool says of servers and of itself ---- */

static void test_messages(void **state)
{
#define USE_ANOTHER                                                                                                   \
	": use the turnutils_xdp that was built with this turnserver, or restart turnserver if it was upgraded while " \
	"it ran\n"
	static const struct {
		const char *name;
		uint32_t version;
		int error, status;
		const char *text;
	} cases[] = {
		{ "an older ABI", 1, -EPROTONOSUPPORT, EXIT_FAILURE,
		  "turnutils_xdp: turnserver (pid 42) has tables of ABI version 1, and this tool can only read those of "
		  "version 6" USE_ANOTHER },
		{ "a newer ABI", 99, -EPROTONOSUPPORT, EXIT_FAILURE,
		  "turnutils_xdp: turnserver (pid 42) has tables of ABI version 99, and this tool can only read those of "
		  "version 6" USE_ANOTHER },
		{ "an unknown ABI", 0, -EPROTONOSUPPORT, EXIT_FAILURE,
		  "turnutils_xdp: turnserver (pid 42) has tables of an unknown ABI version, and this tool can only read "
		  "those of version 6" USE_ANOTHER },
		{ "an end", 4, -ENOENT, EXIT_NO_SERVER, "turnutils_xdp: the turnserver (pid 42) has ended\n" },
		{ "no privilege", 4, -EPERM, EXIT_FAILURE,
		  "turnutils_xdp: the kernel shows XDP programs and their tables only to root, or with CAP_SYS_ADMIN: run "
		  "this as root\n" },
		{ "another error", 4, -ENOMEM, EXIT_FAILURE,
		  "turnutils_xdp: the tables cannot be read: Cannot allocate memory\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct server server = { .pid = 42, .version = cases[i].version };
		struct written written;
		FILE *before = stderr;
		int status;

		stderr = written_open(&written);
		status = choose_explain(&server, cases[i].error);
		stderr = before;
		assert_written(cases[i].name, &written, cases[i].text);
		assert_number(cases[i].name, status, cases[i].status);
	}
}

static void test_list(void **state)
{
	const struct server_list list = { 2, { { .pid = 42, .program = 7, .version = 3, .seen = true },
					       { .pid = 43, .program = 8, .version = 1 } } };
	struct written written;
	FILE *out = written_open(&written);

	(void)state;
	list_write(out, &list);
	assert_written("the text of list", &written,
		    "       pid   program id  ABI version\n"
		    "        42            7            3\n"
		    "        43            8            1  not seen: it has ended, or runs in another PID namespace\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),   cmocka_unit_test(test_channels),  cmocka_unit_test(test_problems),
		cmocka_unit_test(test_states),   cmocka_unit_test(test_narrow),    cmocka_unit_test(test_age),
		cmocka_unit_test(test_odd_names), cmocka_unit_test(test_messages), cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests_name("xdp_utils_text", tests, NULL, NULL);
}
