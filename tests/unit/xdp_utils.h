/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of turnutils_xdp share: a crafted snapshot, and texts that are held against others. */
#ifndef XDP_UTILS_H
#define XDP_UTILS_H

#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/option.h"
#include "xdp_utils/snapshot.h"

#define SECOND 1000000000ULL

static inline struct transport transport(const char *address, uint16_t port)
{
	struct transport made = { .family = strchr(address, ':') ? AF_INET6 : AF_INET, .port = port };

	assert_int_equal(inet_pton(made.family, address, &made.address), 1);
	return made;
}

/* Fails where two texts part, and shows the place in both. `name` says what they are. */
static inline void assert_text(const char *name, const char *text, const char *wanted)
{
	size_t at = 0;

	while (text[at] && text[at] == wanted[at])
		at++;
	if (text[at] == wanted[at])
		return;
	at -= at < 40 ? at : 40;
	fail_msg("%s: from character %zu on,\n  it is     \"%.100s\"\n  and not   \"%.100s\"", name, at, text + at,
		 wanted + at);
}

static inline void assert_number(const char *name, double number, double wanted)
{
	if (number < wanted || number > wanted)
		fail_msg("%s: it is %g, and not %g", name, number, wanted);
}

/* A file in memory, for what is to be written. */
struct written {
	FILE *out;
	char *text;
	size_t length;
};

static inline FILE *written_open(struct written *written)
{
	written->out = open_memstream(&written->text, &written->length);
	assert_non_null(written->out);
	return written->out;
}

/* What was written, to be freed. */
static inline char *written_close(struct written *written)
{
	fclose(written->out);
	return written->text;
}

/* Closes it, and fails unless exactly this was written. */
static inline void assert_written(const char *name, struct written *written, const char *wanted)
{
	char *text = written_close(written);

	assert_text(name, text, wanted);
	free(text);
}

/* A channel between the documentation networks, with these figures towards the peer. */
static inline struct channel_entry simple_channel(uint16_t port, uint64_t since, uint64_t packets)
{
	struct channel_entry entry = {
		.client = transport("192.0.2.2", port),
		.server = transport("192.0.2.1", 3478),
		.relay = transport("198.51.100.1", (uint16_t)(port + 10000)),
		.peer = transport("198.51.100.2", (uint16_t)(60000 - port / 2)),
		.number = 0x4001,
		.alive = true,
		.since = since,
	};

	entry.direction[TO_PEER].next_hop_known = entry.direction[TO_CLIENT].next_hop_known = true;
	entry.direction[TO_PEER].open = entry.direction[TO_CLIENT].open = true;
	entry.direction[TO_PEER].used = (struct usage){ packets, 104 * packets, 100 * packets };
	entry.direction[TO_CLIENT].used = (struct usage){ 2 * packets, 2 * 50 * packets, 2 * 54 * packets };
	return entry;
}

/* A server that has no problem. */
static inline void simple_snapshot(struct snapshot *snapshot, struct channel_entry *entries, size_t count)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->server = (struct server){ .pid = 42, .seen = true, .program = 7, .programs = 1, .version = 9 };
	snapshot->taken = 100 * SECOND;
	snapshot->status.started = 10 * SECOND;
	snapshot->status.channels = 16;
	snapshot->status.interfaces = 1;
	snapshot->status.interface[0].mode = STATUS_MODE_NATIVE;
	strcpy(snapshot->status.interface[0].name, "eth0");
	strcpy(snapshot->status.interface[0].line, "native mode, mtu 1500");
	snapshot->threads_alive = 2;
	snapshot->channels = (struct channel_list){ entries, count };
	snapshot->channels_used = (unsigned int)count;
}

/* ---- every figure of it is another number, so that none can stand for another ---- */

static inline struct channel_entry limited_channel(void)
{
	return (struct channel_entry){
		.client = transport("192.0.2.2", 40000),
		.server = transport("192.0.2.1", 3478),
		.relay = transport("198.51.100.1", 50000),
		.peer = transport("198.51.100.2", 7000),
		.number = 0x4001,
		.session = { .id = 1000000000000004, .user = "alice", .realm = "example.org" },
		.owner = 8,
		.alive = true,
		.since = 95 * SECOND + SECOND / 4,
		.limited = true,
		.limit = 64000,
		.dropped = 31,
		.direction = {
			[TO_PEER] = { { 32, 3300, 3172 }, true, 1.5, 12000.25 },
			[TO_CLIENT] = { { 33, 3400, 3532 }, false, 2.5, 13000.75 },
		},
	};
}

static inline struct channel_entry free_channel(void)
{
	return (struct channel_entry){
		.client = transport("2001:db8:1::2", 40001),
		.server = transport("2001:db8:1::1", 3479),
		.relay = transport("2001:db8:2::1", 50001),
		.peer = transport("2001:db8:2::2", 7001),
		.number = 0x7fff,
		.owner = 9,
		.since = 40 * SECOND,
		.limit = 65000, /* without max-bps it means nothing */
		.dropped = 34,
		.direction = {
			[TO_PEER] = { { 35, 3600, 3460 }, false, 3.5, 14000 },
			[TO_CLIENT] = { { 36, 3700, 3844 }, true, 4.5, 15000 },
		},
	};
}

static inline void craft_status(struct status *status)
{
	*status = (struct status){
		.started = 10 * SECOND,
		.overruns = 3,
		.full = 4,
		.failed = 5,
		.bytes_in = 60007,
		.bytes_out = 60008,
		.userspace = 963,
		.channels = 16,
		.mode = OPTION_MODE_NATIVE,
		.blocked = 1,
		.interfaces = 2,
		.interface = {
			{ .name = "eth0.7", .device = "eth0", .ifindex = 3, .device_ifindex = 2,
			  .mode = STATUS_MODE_NATIVE, .dispatched = 1, .no_redirect = 1, .lost = 32,
			  .line = "native mode on eth0, mtu 1500" },
			{ .name = "wlan0", .mode = STATUS_MODE_NONE, .line = "there is no such interface" },
		},
	};
	for (unsigned int i = 0; i < STATUS_REFUSALS; i++)
		status->refused[i] = 10 + i;
	status->host.flags = STATUS_EXAMINED_V4 | STATUS_EXAMINED_V6 | STATUS_NAT_V6;
	strcpy(status->host.line, "nf_tables: table inet filter chain input");
	status->host.notes = 2;
	strcpy(status->host.note[0].text, "a first sentence");
	strcpy(status->host.note[1].text, "a second sentence");
}

/* Two snapshots two seconds apart: this is the later one. */
static inline void craft_snapshot(struct snapshot *snapshot, struct channel_entry entries[2])
{
	entries[0] = limited_channel();
	entries[1] = free_channel();
	*snapshot = (struct snapshot){
		.server = { .program = 7, .programs = 2, .version = 9, .pid = 42, .seen = true },
		.taken = 100 * SECOND,
		.started_unix = 1700000000.4,
		.threads_alive = 21,
		.threads_silent = 22,
		.flows_v4 = 23,
		.flows_v6 = 24,
		.vlans = 25,
		.vlan_room = 26,
		.devices = 27,
		.device_room = 28,
		.hops = 29,
		.hops_unresolved = 12,
		.channels_used = 15,
		.channels = { entries, 2 },
		.seconds = 2,
	};
	craft_status(&snapshot->status);
	for (unsigned int i = 0; i < VERDICT_COUNT; i++) {
		snapshot->verdicts[i] = 1000 + i;
		snapshot->verdicts_gained[i] = 201 + 2 * i;
	}
}

#endif
