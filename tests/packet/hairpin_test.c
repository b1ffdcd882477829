/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peer is a relay address of this server: the packet goes through both flows
 * at once, as if it had left by loopback and come in again. TTL and TOS on this
 * way: see ttl_test.c.
 */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "harness.h"

#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
#define UP(verdict_) .verdict = VERDICT_##verdict_, .way = WAY_OTHER

static void swapped_to_same(struct world *world)
{
	world->flow[SECOND].flow.channel = htons(MODEL_CHANNEL);
}

static void swapped_to_first(struct world *world)
{
	world->flow[SECOND].flow.channel = htons(0x4000);
}

static void swapped_to_last(struct world *world)
{
	world->flow[SECOND].flow.channel = htons(0x7fff);
}

static void one_owner(struct world *world)
{
	world->flow[SECOND].flow.owner = world->flow[FIRST].flow.owner;
}

static void out_by_other(struct world *world)
{
	world->hop[SECOND].hop.ifindex = harness_other;
}

/* The way to this host has no device of its own, and no MTU that could be too small. */
static void local_by_loopback(struct world *world)
{
	world->hop[FIRST].hop.ifindex = harness_lo;
	world->hop[FIRST].hop.flags = HOP_LOCAL | HOP_TRANSMIT | HOP_REDIRECT;
}

/* The relay address is the client's server address as well: only ports differ. */
static void no_df_second(struct world *world)
{
	struct flow *flow = &world->flow[SECOND].flow;

	flow->flags &= ~FLOW_DF;
	if (!(flow->flags & FLOW_V6))
		flow_set_ip_sum(flow);
}

static void no_df_first(struct world *world)
{
	struct flow *flow = &world->flow[FIRST].flow;

	flow->flags &= ~FLOW_DF;
	if (!(flow->flags & FLOW_V6))
		flow_set_ip_sum(flow);
}

static void test_between_clients(void **state)
{
	static const struct row rows[] = {
		{"both clients use one number", TO_OTHER, .data = 20, .before = swapped_to_same},
		{"number 0x4000", TO_OTHER, .data = 20, .before = swapped_to_first},
		{"number 0x7fff", TO_OTHER, .data = 20, .before = swapped_to_last},
		{"one relay thread", TO_OTHER, .data = 20, .before = one_owner},
		{"redirect", TO_OTHER, .data = 20, .before = out_by_other},
		{"first hop is loopback", TO_OTHER, .data = 20, .before = local_by_loopback},
		{"DF of the second", TO_OTHER, .data = 20, .before = no_df_second},
		{"DF of the first does not count", TO_OTHER, .data = 20, .before = no_df_first},
		{"padding", TO_OTHER, .data = 21, .excess = 3},
		{"padding of whole words", TO_OTHER, .data = 20, .excess = 40},
		{"padding, no checksum", TO_OTHER, .data = 21, .excess = 3, .checksum = SUM_ZERO},
		{"padding, partial checksum", TO_OTHER, .data = 21, .excess = 3, .checksum = SUM_PARTIAL},
		{"data like ChannelData", TO_OTHER, .data = 40, .fill = FILL_LIKE_CHANNEL},
		{"no data", TO_OTHER, .data = 0},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void no_second(struct world *world)
{
	world->flow[SECOND].absent = true;
}

static void second_ended(struct world *world)
{
	world->flow[SECOND].ended = true;
}

static void first_ended(struct world *world)
{
	world->flow[FIRST].ended = true;
}

/* A flow that takes a header off, where one has to be put on. */
static void second_to_peer(struct world *world)
{
	world->flow[SECOND].flow.channel = 0;
}

/* The number is part of what a client's ChannelData is found by; a peer's data has none. */
static void second_found_by_number(struct world *world)
{
	flow_set_number(&world->flow[SECOND], MODEL_CHANNEL);
}

static void second_of_other_port(struct world *world)
{
	struct flow_entry *entry = &world->flow[SECOND];

	if (entry->family == 6)
		entry->key.v6.dport ^= htons(1);
	else
		entry->key.v4.dport ^= htons(1);
}

static void second_of_other_sender_port(struct world *world)
{
	struct flow_entry *entry = &world->flow[SECOND];

	if (entry->family == 6)
		entry->key.v6.sport ^= htons(1);
	else
		entry->key.v4.sport ^= htons(1);
}

static void second_of_other_relay(struct world *world)
{
	struct flow_entry *entry = &world->flow[SECOND];

	if (entry->family == 6)
		entry->key.v6.daddr[3] ^= htonl(1);
	else
		entry->key.v4.daddr ^= htonl(1);
}

static void second_of_other_sender(struct world *world)
{
	struct flow_entry *entry = &world->flow[SECOND];

	if (entry->family == 6)
		entry->key.v6.saddr[0] ^= htonl(1);
	else
		entry->key.v4.saddr ^= htonl(1);
}

static void second_local(struct world *world)
{
	world->hop[SECOND] = world->hop[FIRST];
}

/* The first flow leads to itself: from the relay address to the relay address. */
static void leads_to_itself(struct world *world)
{
	world->flow[SECOND].absent = true;
	world->flow[FIRST].flow.channel = 0;
	if (world->flow[FIRST].family == 6) {
		memcpy(&world->flow[FIRST].flow.saddr, world->flow[FIRST].key.v6.saddr, 16);
		memcpy(&world->flow[FIRST].flow.daddr, world->flow[FIRST].key.v6.daddr, 16);
		world->flow[FIRST].flow.flags = FLOW_V6;
	} else {
		world->flow[FIRST].flow.saddr.v4 = world->flow[FIRST].key.v4.saddr;
		world->flow[FIRST].flow.daddr.v4 = world->flow[FIRST].key.v4.daddr;
		world->flow[FIRST].flow.flags = 0;
	}
	world->flow[FIRST].flow.sport = htons(model_party(CLIENT, world->path.in)->port);
	world->flow[FIRST].flow.dport = htons(model_party(SERVER, world->path.in)->port);
}

/* Its own second flow, through which a packet would go for ever. */
static void second_leads_to_itself(struct world *world)
{
	struct flow *flow = &world->flow[SECOND].flow;

	memcpy(&flow->saddr, &world->flow[FIRST].flow.saddr, sizeof(flow->saddr));
	memcpy(&flow->daddr, &world->flow[FIRST].flow.daddr, sizeof(flow->daddr));
	flow->sport = world->flow[FIRST].flow.sport;
	flow->dport = world->flow[FIRST].flow.dport;
	flow->flags = world->path.middle == 6 ? FLOW_V6 : 0;
	second_local(world);
}

static void second_hop_unknown(struct world *world)
{
	world->hop[SECOND].seq = 2;
}

static void second_hop_takes_no_redirect(struct world *world)
{
	out_by_other(world);
	world->hop[SECOND].hop.flags = HOP_TRANSMIT;
}

static void second_mtu_128(struct world *world)
{
	world->hop[SECOND].hop.mtu = 128;
}

static uint64_t just_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec - 100000000;
}

static void second_silent(struct world *world)
{
	world->deadline[world->flow[SECOND].flow.owner] = just_now();
}

static void first_silent(struct world *world)
{
	world->deadline[world->flow[FIRST].flow.owner] = just_now();
}

static void to_client_here(struct world *world)
{
	struct hop *hop = world_last_hop(world);

	hop->flags = HOP_LOCAL;
	hop->ifindex = 0;
}

static void test_left_to_coturn(void **state)
{
	static const struct row rows[] = {
		{"not a relay address", UP(LOCAL), .data = 20, .before = no_second},
		{"the second has ended", UP(LOCAL), .data = 20, .before = second_ended},
		{"the first has ended", UP(NO_FLOW), .data = 20, .before = first_ended},
		{"the second leads to a peer", UP(LOCAL), .data = 20, .before = second_to_peer},
		{"the second is a client's", UP(LOCAL), .data = 20, .before = second_found_by_number},
		{"relay port of nobody", UP(LOCAL), .data = 20, .before = second_of_other_port},
		{"bound to another port", UP(LOCAL), .data = 20, .before = second_of_other_sender_port},
		{"relay address of nobody", UP(LOCAL), .data = 20, .before = second_of_other_relay},
		{"bound to another address", UP(LOCAL), .data = 20, .before = second_of_other_sender},
		{"other client on this host", UP(LOCAL), .data = 20, .before = second_local},
		{"leads to itself", UP(LOCAL), .data = 20, .before = leads_to_itself},
		{"second leads to itself", UP(LOCAL), .data = 20, .before = second_leads_to_itself},
		{"second hop not known", UP(NO_NEXT_HOP), .data = 20, .before = second_hop_unknown},
		{"second takes no redirect", UP(NO_REDIRECT), .data = 20,
		 .before = second_hop_takes_no_redirect},
		{"second MTU", UP(TOO_BIG), .data = 97, .before = second_mtu_128},
		{"second relay thread silent", UP(SERVER_SILENT), .data = 20, .before = second_silent},
		{"first relay thread silent", UP(SERVER_SILENT), .data = 20, .before = first_silent},
		{"length lies", UP(BAD_LENGTH), .data = 20, .patch = {{AT_CHANNEL_LENGTH, 2, 21}}},
		{"client of a peer here", VERDICT_LOCAL, WAY_CLIENT, .data = 20, .before = to_client_here},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_between_clients),
		cmocka_unit_test(test_left_to_coturn),
	};

	return harness_run("packet: between two clients", tests, sizeof(tests) / sizeof(tests[0]));
}
