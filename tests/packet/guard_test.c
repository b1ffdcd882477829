/* SPDX-License-Identifier: BSD-3-Clause */
/* What is left to coturn: every guard, and that the packet goes up untouched. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "harness.h"

#define TO_CLIENT .to_client = true

static void ports_none(struct world *world)
{
	memset(world->port, 0, sizeof(world->port));
}

static void port_of_other_interface(struct world *world)
{
	memcpy(world->port[0].mac, model_port_mac, 6);
	world->ingress = harness_other;
	memset(world->port[1].mac, 0xdd, 6);
	world->port[0].ifindex = harness_lo;
	world->port[1].ifindex = harness_other;
}

static void unbound(struct world *world)
{
	world->absent[0] = world->absent[1] = true;
}

static void reused(struct world *world)
{
	world->reused[0] = world->reused[1] = true;
}

static void bound_0x3fff(struct world *world)
{
	world->flow[0].key.channel = htons(0x3fff);
}

static void bound_0x8000(struct world *world)
{
	world->flow[0].key.channel = htons(0x8000);
}

static void bound_0xc001(struct world *world)
{
	world->flow[0].key.channel = htons(0xc001);
}

static void never_alive(struct world *world)
{
	world->deadline[0] = world->deadline[1] = 0;
}

/* 100 ms: the program may read a clock that moves with the timer tick. */
static void silent(struct world *world)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	world->deadline[0] = now.tv_sec * 1000000000ull + now.tv_nsec - 100000000;
	world->deadline[1] = world->deadline[0];
}

static void hop_unknown(struct world *world)
{
	world->hop[0].slot[0].ifindex = world->hop[1].slot[0].ifindex = 0;
}

static void hop_lost(struct world *world)
{
	for (int i = 0; i < 2; i++) {
		memset(&world->hop[i].slot[1], 0, sizeof(struct hop));
		world->hop[i].current = 1;
	}
}

static void hop_out_of_table(struct world *world)
{
	world->flow[0].flow.hop = world->flow[1].flow.hop = 1000;
}

static void mtu_128(struct world *world)
{
	world->hop[0].slot[0].mtu = world->hop[1].slot[0].mtu = 128;
}

static void mtu_0(struct world *world)
{
	world->hop[0].slot[0].mtu = world->hop[1].slot[0].mtu = 0;
}

static void out_by_other(struct world *world)
{
	world->hop[0].slot[0].ifindex = world->hop[1].slot[0].ifindex = harness_other;
}

static void out_takes_no_redirect(struct world *world)
{
	out_by_other(world);
	world->hop[0].slot[0].redirect = world->hop[1].slot[0].redirect = 0;
}

static void no_way_back(struct world *world)
{
	for (int i = 0; i < 2; i++)
		world->hop[i].slot[0].transmit = world->hop[i].slot[0].redirect = 0;
}

static void out_not_among_devices(struct world *world)
{
	out_by_other(world);
	world->no_devices = true;
}

static void out_unknown_interface(struct world *world)
{
	world->hop[0].slot[0].ifindex = world->hop[1].slot[0].ifindex = 12345;
}

static void generic(struct world *world)
{
	world->generic = true;
}

/* XDP keeps 40 bytes of the 256 for itself: here not even 4 are left. */
static void no_headroom(struct world *world)
{
	world->metadata = 216;
}

/* In the order of the wire, then of the tables; each row has one fault. */
static void test_guards(void **state)
{
	static const struct row rows[] = {
#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = 40, __VA_ARGS__},                  \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = 41, TO_CLIENT, __VA_ARGS__}
#define PATCH(...) .patch = {{__VA_ARGS__}}
		FAULT("other host's MAC", NOT_OURS, PATCH(AT_ETH_DEST, 1, 0x06)),
		FAULT("MAC that ends otherwise", NOT_OURS, PATCH(AT_ETH_DEST + 5, 1, 0x02)),
		FAULT("broadcast", NOT_OURS,
		      .patch = {{AT_ETH_DEST, 4, 0xffffffff}, {AT_ETH_DEST + 4, 2, 0xffff}}),
		FAULT("multicast", NOT_OURS,
		      .patch = {{AT_ETH_DEST, 4, 0x01005e00}, {AT_ETH_DEST + 4, 2, 0x0001}}),
		FAULT("no port", NOT_OURS, .before = ports_none),
		FAULT("MAC of another port", NOT_OURS, .before = port_of_other_interface),
		FAULT("ARP", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x0806)),
		FAULT("IPv6", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x86dd)),
		FAULT("VLAN tag", NOT_IP, PATCH(AT_ETH_TYPE, 4, 0x81000001)),
		FAULT("802.1ad tag", NOT_IP, PATCH(AT_ETH_TYPE, 4, 0x88a80001)),
		FAULT("length for a type", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x0040)),
		FAULT("version 6", NOT_IP, PATCH(AT_IP, 1, 0x65)),
		FAULT("version 0", NOT_IP, PATCH(AT_IP, 1, 0x05)),
		FAULT("version 5", NOT_IP, PATCH(AT_IP, 1, 0x55)),
		FAULT("IHL 4", NOT_IP, PATCH(AT_IP, 1, 0x44)),
		FAULT("IHL 0", NOT_IP, PATCH(AT_IP, 1, 0x40)),
		FAULT("one word of options", IP_OPTIONS, PATCH(AT_IP, 1, 0x46)),
		FAULT("ten words of options", IP_OPTIONS, PATCH(AT_IP, 1, 0x4f)),
		FAULT("IP length 0", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 0)),
		FAULT("IP length 19", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 19)),
		FAULT("IP length 20", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 20)),
		FAULT("IP length 27", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 27)),
		FAULT("IP length 28", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 28)),
		FAULT("IP length 65535", TRUNCATED, PATCH(AT_IP_LENGTH, 2, 65535)),
		FAULT("both lengths beyond the frame", TRUNCATED,
		      .patch = {{AT_IP_LENGTH, 2, 1028}, {AT_UDP_LENGTH, 2, 1008}}),
		FAULT("IP length at most, UDP as well", TRUNCATED,
		      .patch = {{AT_IP_LENGTH, 2, 65535}, {AT_UDP_LENGTH, 2, 65515}}),
		FAULT("UDP length 0", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 0)),
		FAULT("UDP length 7", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 7)),
		FAULT("UDP length 7, IP as well", TRUNCATED,
		      .patch = {{AT_UDP_LENGTH, 2, 7}, {AT_IP_LENGTH, 2, 27}}),
		FAULT("UDP length 65535", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 65535)),
		FAULT("UDP length 65524 wraps", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 65524)),
		FAULT("byte after the UDP datagram", TRUNCATED, .slack = 1),
		FAULT("bytes after the UDP datagram", TRUNCATED, .slack = 20),
		FAULT("first fragment", FRAGMENT, PATCH(AT_IP_FRAG, 2, 0x2000)),
		FAULT("next fragment", FRAGMENT, PATCH(AT_IP_FRAG, 2, 0x2001)),
		FAULT("last fragment", FRAGMENT, PATCH(AT_IP_FRAG, 2, 0x1fff)),
		FAULT("fragment with DF", FRAGMENT, PATCH(AT_IP_FRAG, 2, 0x6000)),
		FAULT("TTL 0", TTL, PATCH(AT_IP_TTL, 1, 0)),
		FAULT("TTL 1", TTL, .ttl = 1),
		FAULT("TCP", NOT_UDP, PATCH(AT_IP_PROTOCOL, 1, 6)),
		FAULT("ICMP", NOT_UDP, PATCH(AT_IP_PROTOCOL, 1, 1)),
		FAULT("UDP-Lite", NOT_UDP, PATCH(AT_IP_PROTOCOL, 1, 136)),
		FAULT("ESP", NOT_UDP, PATCH(AT_IP_PROTOCOL, 1, 50)),
		FAULT("IP checksum 0", IP_CHECKSUM, PATCH(AT_IP_SUM, 2, 0)),
		FAULT("IP checksum 0xffff", IP_CHECKSUM, PATCH(AT_IP_SUM, 2, 0xffff)),
		FAULT("source address", NO_FLOW, PATCH(AT_IP_SOURCE + 3, 1, 99)),
		FAULT("source network", NO_FLOW, PATCH(AT_IP_SOURCE, 1, 99)),
		FAULT("destination address", NO_FLOW, PATCH(AT_IP_DEST + 3, 1, 99)),
		FAULT("source port", NO_FLOW, PATCH(AT_UDP_SPORT, 2, 9999)),
		FAULT("destination port", NO_FLOW, PATCH(AT_UDP_DPORT, 2, 9999)),
		FAULT("nothing bound", NO_FLOW, .before = unbound),
		FAULT("never heard of the relay thread", SERVER_SILENT, .before = never_alive),
		FAULT("relay thread silent", SERVER_SILENT, .before = silent),
		FAULT("next hop not known", NO_NEXT_HOP, .before = hop_unknown),
		FAULT("next hop lost", NO_NEXT_HOP, .before = hop_lost),
		FAULT("next hop out of the table", NO_NEXT_HOP, .before = hop_out_of_table),
		FAULT("partial checksum of an skb", CHECKSUM, .checksum = SUM_PARTIAL,
		      .before = generic),
		FAULT("like the partial checksum of an skb", CHECKSUM, .fill = FILL_LIKE_PARTIAL,
		      .before = generic),
		FAULT("MTU 0", TOO_BIG, .before = mtu_0),
		FAULT("no redirects taken", NO_REDIRECT, .before = out_takes_no_redirect),
		FAULT("neither sent nor redirected", NO_REDIRECT, .before = no_way_back),
		FAULT("not among the devices", NO_REDIRECT, .before = out_not_among_devices),
		FAULT("way out is gone", NO_REDIRECT, .before = out_unknown_interface),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_guards_of_one_direction(void **state)
{
#define MTU_ROW(name_, data_, ...)                                                                \
	{.name = name_, .verdict = VERDICT_TOO_BIG, .data = data_, __VA_ARGS__}
	static const struct row rows[] = {
		MTU_ROW("MTU and 1", 101, .before = mtu_128),
		MTU_ROW("MTU and 1 with the header", 97, TO_CLIENT, .before = mtu_128),
		MTU_ROW("MTU and the header", 100, TO_CLIENT, .before = mtu_128),
		MTU_ROW("MTU 1500 and 1", 1473),
		MTU_ROW("MTU 1500 and 1", 1469, TO_CLIENT),
		MTU_ROW("partial, larger than the MTU", 3000, .checksum = SUM_PARTIAL),
		MTU_ROW("partial, larger than the MTU", 3000, TO_CLIENT, .checksum = SUM_PARTIAL),
		{"no room for the header", VERDICT_NO_ROOM, .data = 40, TO_CLIENT,
		 .before = no_headroom},
		{"no room for the header", VERDICT_NO_ROOM, .data = 41, TO_CLIENT,
		 .trailer = 5, .checksum = SUM_PARTIAL, .before = no_headroom},
		{"no room needed", VERDICT_TO_PEER, .data = 40, .before = no_headroom},
		{"ChannelData longer than its datagram", VERDICT_BAD_LENGTH, .data = 40,
		 PATCH(AT_CHANNEL_LENGTH, 2, 41)},
		{"more than padding after ChannelData", VERDICT_BAD_LENGTH, .data = 41, .excess = 5},
		{"other channel", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x4002)},
		{"channel 0x7fff", VERDICT_NO_FLOW, .data = 40,
		 PATCH(AT_CHANNEL_NUMBER, 2, 0x7fff)},
		{"channel 0x3fff", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x3fff),
		 .before = bound_0x3fff},
		{"channel 0x8000", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0x8000),
		 .before = bound_0x8000},
		{"channel 0xc001", VERDICT_NO_FLOW, .data = 40, PATCH(AT_CHANNEL_NUMBER, 2, 0xc001),
		 .before = bound_0xc001},
		{"STUN from the client", VERDICT_NO_FLOW, .data = 16,
		 PATCH(AT_CHANNEL_NUMBER, 4, 0x00010000)},
		{"ChannelData from the peer's address", VERDICT_NO_FLOW, .data = 40,
		 .patch = {{AT_IP_SOURCE, 4, 0xcb007114}, {AT_UDP_SPORT, 2, 9000}}},
		/* The frame goes on as if the header was there; the datagram does not. */
		{"datagram of 0 bytes", VERDICT_NO_FLOW,
		 .patch = {{AT_IP_LENGTH, 2, 28}, {AT_UDP_LENGTH, 2, 8}}},
		{"datagram of 3 bytes", VERDICT_NO_FLOW,
		 .patch = {{AT_IP_LENGTH, 2, 31}, {AT_UDP_LENGTH, 2, 11}}},
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
			{"bound", VERDICT_TO_CLIENT, .data = 40, TO_CLIENT},
			{"deleted", VERDICT_NO_FLOW, .data = 40, .before = unbound},
			{"deleted", VERDICT_NO_FLOW, .data = 40, TO_CLIENT, .before = unbound},
			{"another's by now", VERDICT_NO_FLOW, .data = 40, .before = reused},
			{"another's by now", VERDICT_NO_FLOW, .data = 40, TO_CLIENT, .before = reused},
		};

		harness_table(ROWS(rows));
	}
}

/* Last, so that a verdict which is added needs rows. */
static void test_every_verdict_was_seen(void **state)
{
#define VERDICT_TEXT(number, name, text) #name,
	static const char *const names[] = {VERDICTS(VERDICT_TEXT)};
	int missing = 0;

	(void)state;
	harness_need();
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
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_guards_of_one_direction),
		cmocka_unit_test(test_deleted_flow),
		cmocka_unit_test(test_every_verdict_was_seen),
	};

	return cmocka_run_group_tests_name("packet: guards", tests, harness_open, harness_close);
}
