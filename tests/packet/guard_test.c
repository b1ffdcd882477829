/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tables say against relaying a packet. Headers, sizes, ways out, VLANs
 * and the way between two clients have tests of their own.
 */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = 40, __VA_ARGS__},                  \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_CLIENT, .data = 41, __VA_ARGS__}, \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_OTHER, .data = 42, __VA_ARGS__}
#define PATCH(...) .patch = {{__VA_ARGS__}}

static void ports_none(struct world *world)
{
	memset(world->port, 0, sizeof(world->port));
}

static void port_of_other_interface(struct world *world)
{
	memcpy(world->port[0].mac, model_port_mac, 6);
	world->ingress = harness_other;
	memset(world->port[1].mac, 0xdd, 6);
	world->port[0].ifindex = world->port[0].device = harness_lo;
	world->port[1].ifindex = world->port[1].device = harness_other;
}

/* Rows are filled from the first on: what is behind a free one is left over. */
static void port_behind_a_free_row(struct world *world)
{
	world->port[2] = world->port[1];
	memset(&world->port[1], 0, sizeof(world->port[1]));
}

static void unbound(struct world *world)
{
	world->flow[FIRST].absent = true;
}

static void ended(struct world *world)
{
	world->flow[FIRST].ended = true;
}

static void not_led_to(struct world *world)
{
	world->flow[FIRST].behind = 1;
	world->flow[FIRST].lost = true;
}

static void spent(struct world *world)
{
	world->flow[FIRST].flow.flags |= FLOW_LIMITED;
}

static void bound_0x3fff(struct world *world)
{
	flow_set_number(&world->flow[FIRST], 0x3fff);
}

static void bound_0x8000(struct world *world)
{
	flow_set_number(&world->flow[FIRST], 0x8000);
}

static void bound_0xc001(struct world *world)
{
	flow_set_number(&world->flow[FIRST], 0xc001);
}

static void never_alive(struct world *world)
{
	world->deadline[world->flow[FIRST].flow.owner] = 0;
}

/* 100 ms: the program may read a clock that moves with the timer tick. */
static void silent(struct world *world)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	world->deadline[world->flow[FIRST].flow.owner] = now.tv_sec * 1000000000ull + now.tv_nsec - 100000000;
}

static void alive_for_a_second(struct world *world)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	world->deadline[world->flow[FIRST].flow.owner] = now.tv_sec * 1000000000ull + now.tv_nsec + 5000000000;
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		FAULT("no port", NOT_OURS, .before = ports_none),
		FAULT("MAC of another port", NOT_OURS, .before = port_of_other_interface),
		FAULT("port behind a free row", NOT_OURS, .before = port_behind_a_free_row),
		FAULT("nothing bound", NO_FLOW, .before = unbound),
		FAULT("ended, or being changed", NO_FLOW, .before = ended),
		FAULT("on a row that none leads to", NO_FLOW, .before = not_led_to),
		FAULT("nothing left of max-bps", LIMITED, .before = spent),
		FAULT("never heard of the relay thread", SERVER_SILENT, .before = never_alive),
		FAULT("relay thread silent", SERVER_SILENT, .before = silent),
		{"heard of lately", VERDICT_TO_PEER, .data = 40, .before = alive_for_a_second},
		{"heard of lately", VERDICT_TO_CLIENT, WAY_CLIENT, .data = 40,
		 .before = alive_for_a_second},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* The same packet from where the peer would send it. */
static void as_from_peer(struct world *world)
{
	const struct path path = {WAY_CLIENT, world->path.in, 0, world->path.out};

	world->flow[FIRST] = row_flow(&path, false);
	world->flow[BACK].absent = true;
}

static void test_channels(void **state)
{
	static const struct row rows[] = {
		{"ChannelData longer than its datagram", VERDICT_BAD_LENGTH, .data = 40,
		 PATCH(AT_CHANNEL_LENGTH, 2, 41)},
		{"more than padding after ChannelData", VERDICT_BAD_LENGTH, .data = 41, .excess = 5},
		{"other channel", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x4002)},
		{"channel 0x7fff", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x7fff)},
		{"channel 0x3fff", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x3fff),
		 .before = bound_0x3fff},
		{"channel 0x8000", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x8000),
		 .before = bound_0x8000},
		{"channel 0xc001", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0xc001),
		 .before = bound_0xc001},
		{"STUN from the client", VERDICT_NO_FLOW, .data = 16,
		 PATCH(AT_CHANNEL_NUMBER, 4, 0x00010000)},
		{"STUN from the client, to another one", VERDICT_NO_FLOW, WAY_OTHER, .data = 16,
		 PATCH(AT_CHANNEL_NUMBER, 4, 0x00010000)},
		{"from the client, bound by a peer", VERDICT_NO_FLOW, .data = 40,
		 .before = as_from_peer},
		/* The frame goes on as if the header was there; the datagram does not. */
		{"datagram of 0 bytes", VERDICT_NO_FLOW, .in = 4,
		 .patch = {{AT_IP4_LENGTH, 2, 28}, {AT_UDP_LENGTH, 2, 8}}},
		{"datagram of 3 bytes", VERDICT_NO_FLOW, .in = 4,
		 .patch = {{AT_IP4_LENGTH, 2, 31}, {AT_UDP_LENGTH, 2, 11}}},
		{"datagram of 0 bytes", VERDICT_NO_FLOW, .in = 6,
		 .patch = {{AT_IP6_LENGTH, 2, 8}, {AT_UDP_LENGTH, 2, 8}}},
		{"datagram of 3 bytes", VERDICT_NO_FLOW, .in = 6,
		 .patch = {{AT_IP6_LENGTH, 2, 11}, {AT_UDP_LENGTH, 2, 11}}},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* A flow that is deleted is coturn's from the next packet on, and back again. */
static void test_deleted_flow(void **state)
{
	(void)state;
	harness_need();
	for (int round = 0; round < 3; round++) {
		const struct row rows[] = {
			{"bound", VERDICT_TO_PEER, .data = 40},
			{"bound", VERDICT_TO_CLIENT, WAY_CLIENT, .data = 40},
			{"bound", VERDICT_TO_OTHER_CLIENT, WAY_OTHER, .data = 40},
			FAULT("deleted", NO_FLOW, .before = unbound),
			FAULT("ended", NO_FLOW, .before = ended),
		};

		harness_table(ROWS(rows));
	}
}

static uint64_t last_moment;

static void until_last_moment(struct world *world)
{
	world->deadline[world->flow[FIRST].flow.owner] = last_moment;
}

/* The program reads its clock once in a jiffy; the time goes on for it all the same. */
static void test_falls_silent(void **state)
{
	static const struct row before[] = {
		{"heard of lately", VERDICT_TO_PEER, .data = 40, .before = until_last_moment},
	};
	static const struct row after[] = {
		FAULT("silent by now", SERVER_SILENT, .before = until_last_moment),
	};
	struct timespec now;

	(void)state;
	harness_need();
	clock_gettime(CLOCK_MONOTONIC, &now);
	last_moment = now.tv_sec * 1000000000ull + now.tv_nsec + 500000000;
	harness_table(ROWS(before));
	usleep(550000);
	harness_table(ROWS(after));
}

/* Where no way may be redirected to in several buffers: the program must be that for them. */
static void no_frags(struct world *world)
{
	world_last_hop(world)->mtu = 9000;
	world_last_hop(world)->flags = HOP_REDIRECT;
}

/* Neither before a frame that fills its buffer, nor behind it. */
static void no_room(struct world *world)
{
	world->metadata = 216;
	world_last_hop(world)->mtu = 9000;
}

static void no_redirect(struct world *world)
{
	world_last_hop(world)->flags = 0;
}

static void no_hop(struct world *world)
{
	world->hop[world_last(world)].seq++;
}

static void here(struct world *world)
{
	world_last_hop(world)->flags = HOP_LOCAL;
}

static void not_seen(struct world *world)
{
	world->flow[FIRST].gate = 0;
}

static void sample(struct world *world)
{
	struct flow_entry *entry = &world->flow[FIRST];

	entry->note.sample = 1;
	entry->gate |= GATE_ASK;
}

static void test_one_of_each(void **state)
{
	static const struct row rows[] = {
		{"to the peer", VERDICT_TO_PEER, .data = 40},
		{"to the client", VERDICT_TO_CLIENT, WAY_CLIENT, .data = 40},
		{"to another client", VERDICT_TO_OTHER_CLIENT, WAY_OTHER, .data = 40},
		{"ARP", VERDICT_NOT_IP, .data = 40, PATCH(AT_IP_TYPE, 2, 0x0806)},
		{"TCP", VERDICT_NOT_UDP, .in = 6, .data = 40, PATCH(AT_IP6_NEXT, 1, 6)},
		{"other host's", VERDICT_NOT_OURS, .data = 40, PATCH(AT_ETH_DEST + 5, 1, 9)},
		{"cut", VERDICT_TRUNCATED, .data = 40, .cut = 1},
		{"routing header", VERDICT_IP_OPTIONS, .in = 6, .data = 40, PATCH(AT_IP6_NEXT, 1, 43)},
		{"header damaged", VERDICT_IP_CHECKSUM, .in = 4, .data = 40, PATCH(AT_IP4_SUM, 2, 1)},
		{"fragment", VERDICT_FRAGMENT, .in = 4, .data = 40, PATCH(AT_IP4_FRAG, 2, 1)},
		{"not bound", VERDICT_NO_FLOW, .data = 40, .before = unbound},
		{"length lies", VERDICT_BAD_LENGTH, .data = 40, PATCH(AT_CHANNEL_LENGTH, 2, 41)},
		{"hop limit 1", VERDICT_TTL, .data = 40, .ttl = 1},
		{"silent", VERDICT_SERVER_SILENT, .data = 40, .before = silent},
		{"no next hop", VERDICT_NO_NEXT_HOP, .data = 40, .before = no_hop},
		{"too big", VERDICT_TOO_BIG, .data = 1480},
		{"no redirect", VERDICT_NO_REDIRECT, .data = 40, .before = no_redirect},
		{"no checksum", VERDICT_CHECKSUM, .in = 6, .data = 40, .checksum = SUM_ZERO},
		{"no room", VERDICT_NO_ROOM, .in = 4, .out = 6, .data = HARNESS_BUFFER - 14 - 20 - 8 - 4, .before = no_room},
		{"local", VERDICT_LOCAL, .data = 40, .before = here},
		{"no example", VERDICT_PROBATION, .data = 40, .before = not_seen},
		{"sample", VERDICT_SAMPLE, .data = 40, .before = sample},
		{"several buffers", VERDICT_FRAGS, .data = 8000, .before = no_frags},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* Last, so that a verdict which is added needs rows. */
static void test_every_verdict_was_seen(void **state)
{
#define VERDICT_TEXT(number, name, text) #name,
	static const char *const names[] = {VERDICTS(VERDICT_TEXT)};
	static const struct world narrow = {.metadata = 216};
	int missing = 0;

	(void)state;
	harness_need();
	if (!harness_takes(&narrow))
		harness_skip("no frame has too little room here");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		if (harness_seen(i))
			continue;
		print_message("# never seen: %s\n", names[i]);
		missing++;
	}
	assert_int_equal(missing, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_channels),
		cmocka_unit_test(test_deleted_flow),
		cmocka_unit_test(test_falls_silent),
	};
	const struct CMUnitTest every[] = {
		cmocka_unit_test(test_one_of_each),
		cmocka_unit_test(test_every_verdict_was_seen),
	};

	return harness_run("packet: guards", tests, sizeof(tests) / sizeof(tests[0])) +
	       cmocka_run_group_tests_name("packet: guards, old clock", tests, harness_open_old,
					   harness_close) +
	       cmocka_run_group_tests_name("packet: every verdict", every, harness_open_frags,
					   harness_close);
}
