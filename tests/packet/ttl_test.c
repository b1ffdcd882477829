/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What coturn sets on its sockets: TTL or hop limit by each rule, TOS or traffic
 * class, flow label. Every value that can be received.
 */
#include <arpa/inet.h>

#include "harness.h"

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

/* No flag: one less than received. */
#define RECEIVED 0

static void received_up_to_30(struct world *world)
{
	world->flow[FIRST].flow.ttl = world->flow[SECOND].flow.ttl = 30;
}

static void rule_put(struct world *world, uint16_t first, uint16_t second)
{
	world->flow[FIRST].flow.flags |= first;
	world->flow[SECOND].flow.flags |= second;
	world->flow[FIRST].flow.ttl = 33;
	world->flow[SECOND].flow.ttl = 22;
}

static void received(struct world *world)
{
	rule_put(world, RECEIVED, RECEIVED);
	world->flow[FIRST].flow.ttl = world->flow[SECOND].flow.ttl = 255;
}

static void way(struct world *world)
{
	rule_put(world, FLOW_TTL_ROUTE, FLOW_TTL_ROUTE);
}

static void constant(struct world *world)
{
	rule_put(world, FLOW_TTL_CONSTANT, FLOW_TTL_CONSTANT);
}

static void received_way(struct world *world)
{
	rule_put(world, RECEIVED, FLOW_TTL_ROUTE);
}

static void received_constant(struct world *world)
{
	rule_put(world, RECEIVED, FLOW_TTL_CONSTANT);
}

/* The second's packets come with the default TTL of loopback. */
static void way_received(struct world *world)
{
	rule_put(world, FLOW_TTL_ROUTE, RECEIVED);
	world->flow[SECOND].flow.ttl = 255;
}

static void constant_received(struct world *world)
{
	rule_put(world, FLOW_TTL_CONSTANT, RECEIVED);
	world->flow[FIRST].flow.ttl = 20;
}

/* The least TTL that is relayed by a rule: 0 has not been on any wire. */
struct rule {
	void (*before)(struct world *world);
	int least[WAYS];
};

static void test_ttl(void **state)
{
	static const struct rule rules[] = {
		{received, {2, 2, 3}},      {received_up_to_30, {2, 2, 3}}, {way, {1, 1, 1}},
		{constant, {0, 0, 0}},      {received_way, {2, 2, 2}},      {received_constant, {2, 2, 2}},
		{way_received, {1, 1, 1}},  {constant_received, {0, 0, 0}},
	};
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		for (int ttl = 0; ttl < 256; ttl++) {
			for (enum way way = WAY_PEER; way < WAYS; way++) {
				bool low = ttl < rules[i].least[way];
				struct row row = {"TTL", low ? VERDICT_TTL : relayed[way], way,
						  .data = 20, .ttl = ttl, .before = rules[i].before};

				row.patch[0] = (struct patch){AT_IP4_TTL, 1, ttl};
				row.in = 4;
				failed += !harness_row(&row);
				row.patch[0].at = AT_IP6_HOPS;
				row.in = 6;
				failed += !harness_row(&row);
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* A second flow that is not the one which a rule of the first is for. */
static void second_would_take_more(struct world *world)
{
	world->flow[FIRST].flow.ttl = 10;
	world->flow[SECOND].flow.ttl = 200;
}

static void constant_1(struct world *world)
{
	rule_put(world, FLOW_TTL_CONSTANT, RECEIVED);
	world->flow[FIRST].flow.ttl = 1;
}

/* A way that is not filled in. */
static void way_of_0(struct world *world)
{
	way(world);
	world->hop[world_last(world)].hop.ttl = 0;
}

static void first_way_of_0(struct world *world)
{
	way(world);
	world->hop[FIRST].hop.ttl = 0;
}

static void test_no_ttl_to_send(void **state)
{
	static const struct row rows[] = {
		{"way with TTL 0", VERDICT_TTL, WAY_PEER, .data = 8, .before = way_of_0},
		{"way with TTL 0", VERDICT_TTL, WAY_CLIENT, .data = 8, .before = way_of_0},
		{"way with TTL 0", VERDICT_TTL, WAY_OTHER, .data = 8, .before = way_of_0},
		{"loopback with TTL 0", VERDICT_TTL, WAY_OTHER, .data = 8, .before = first_way_of_0},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_ttl_between_clients(void **state)
{
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER
	static const struct row rows[] = {
		{"TTL up to the first's", TO_OTHER, .data = 8, .ttl = 255,
		 .before = second_would_take_more},
		{"first sends with TTL 1", VERDICT_TTL, WAY_OTHER, .data = 8, .before = constant_1},
		{"TTL 1", VERDICT_TTL, WAY_OTHER, .data = 8, .ttl = 1},
		{"TTL 2", VERDICT_TTL, WAY_OTHER, .data = 8, .ttl = 2},
		{"TTL 3", TO_OTHER, .data = 8, .ttl = 3},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void both_zero(struct world *world)
{
	world->flow[FIRST].flow.flags |= FLOW_TOS_ZERO;
	world->flow[SECOND].flow.flags |= FLOW_TOS_ZERO;
}

static void first_zero(struct world *world)
{
	world->flow[FIRST].flow.flags |= FLOW_TOS_ZERO;
}

static void second_zero(struct world *world)
{
	world->flow[SECOND].flow.flags |= FLOW_TOS_ZERO;
}

static void test_tos(void **state)
{
	static void (*const before[])(struct world *) = {NULL, both_zero, first_zero, second_zero};
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (int tos = 0; tos < 256; tos++) {
			for (enum way way = WAY_PEER; way < WAYS; way++) {
				struct row row = {"TOS", relayed[way], way, .data = 20 + tos % 2,
						  .tos = tos, .before = before[i]};

				failed += !harness_row(&row);
			}
		}
	}
	assert_int_equal(failed, 0);
}

static void label_put(struct world *world, uint32_t label)
{
	for (int i = FIRST; i <= SECOND; i++)
		if (world->flow[i].flow.flags & FLOW_V6)
			world->flow[i].flow.label = htonl(6u << 28 | label);
}

static void label_none(struct world *world)
{
	label_put(world, 0);
}

static void label_full(struct world *world)
{
	label_put(world, 0xfffff);
}

/* The received label is the sender's own; what is sent has that of coturn's socket. */
static void test_flow_label(void **state)
{
	static void (*const before[])(struct world *) = {NULL, label_none, label_full};
	int failed = 0;

	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		for (uint32_t label = 0; label <= 0xfffff; label += label < 64 ? 1 : 0x3f3f) {
			for (enum way way = WAY_PEER; way < WAYS; way++) {
				struct row row = {"flow label", relayed[way], way, .in = 6, .data = 20,
						  .tos = 0x2c, .before = before[i]};

				row.patch[0] = (struct patch){AT_IP, 4, 6u << 28 | 0x2c << 20 | label};
				failed += !harness_row(&row);
			}
		}
	}
	for (enum way way = WAY_PEER; way < WAYS; way++) {
		struct row row = {"label and class", relayed[way], way, .out = 6, .data = 20,
				  .tos = 0xff, .before = label_full};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_no_ttl_to_send),
		cmocka_unit_test(test_ttl_between_clients),
		cmocka_unit_test(test_tos),
		cmocka_unit_test(test_flow_label),
	};

	return harness_run("packet: TTL, TOS, label", tests, sizeof(tests) / sizeof(tests[0]));
}
