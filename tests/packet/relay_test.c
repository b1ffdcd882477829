/* SPDX-License-Identifier: BSD-3-Clause */
/* What is relayed, and how it looks then, in all combinations of families. */
#include <arpa/inet.h>
#include <string.h>

#include "harness.h"

#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .way = WAY_CLIENT
#define TO_OTHER .verdict = VERDICT_TO_OTHER_CLIENT, .way = WAY_OTHER

static const enum verdict relayed[WAYS] = {VERDICT_TO_PEER, VERDICT_TO_CLIENT, VERDICT_TO_OTHER_CLIENT};

/* Every length that a client may send, or get, by an MTU of 1500 bytes. */
static void test_lengths(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data <= 1472; data++) {
		for (int out = 4; out <= 6; out += 2) {
			for (enum way way = WAY_PEER; way < WAYS; way++) {
				int room = 1500 - (out == 6 ? 40 : 20) - 8 - (way == WAY_PEER ? 0 : 4);
				struct row row = {"length", data <= room ? relayed[way] : VERDICT_TOO_BIG,
						  way, .out = out, .data = data};

				/* The other paths through the middle differ in nothing here. */
				if (way == WAY_OTHER)
					row.middle = data % 2 ? 4 : 6;
				failed += !harness_row(&row);
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* Short frames are filled up to 60 bytes by the sender's device. */
static void test_lengths_of_minimum_frames(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data <= 20; data++) {
		for (enum way way = WAY_PEER; way < WAYS; way++) {
			for (int sum = SUM_GOOD; sum <= SUM_BAD; sum++) {
				struct row row = {"60 byte frame", relayed[way], way, .data = data,
						  .minimum = 60, .checksum = sum};

				failed += !harness_row(&row);
			}
		}
	}
	assert_int_equal(failed, 0);
}

static void ttl_255(struct world *world)
{
	world->flow[FIRST].flow.ttl = world->flow[SECOND].flow.ttl = 255;
}

static void no_df(struct world *world)
{
	for (int i = 0; i < FLOWS; i++) {
		struct flow *flow = &world->flow[i].flow;

		flow->flags &= ~FLOW_DF;
		if (!(flow->flags & FLOW_V6))
			flow_set_ip_sum(flow);
	}
}

static void channel_first(struct world *world)
{
	if (world->path.way == WAY_CLIENT)
		world->flow[FIRST].flow.channel = htons(0x4000);
	else
		flow_set_number(&world->flow[FIRST], 0x4000);
}

static void channel_last(struct world *world)
{
	if (world->path.way == WAY_CLIENT)
		world->flow[FIRST].flow.channel = htons(0x7fff);
	else
		flow_set_number(&world->flow[FIRST], 0x7fff);
}

static void last_port_row(struct world *world)
{
	struct attachment port = world->port[1];

	for (int i = 0; i < ABI_PORTS - 1; i++)
		world->port[i].ifindex = world->port[i].device = 1000 + i;
	world->port[ABI_PORTS - 1] = port;
}

static void last_owner(struct world *world)
{
	uint8_t *owner = &world->flow[FIRST].flow.owner;

	world->deadline[ABI_OWNERS - 1] = world->deadline[*owner];
	world->deadline[*owner] = 0;
	*owner = ABI_OWNERS - 1;
}

static void last_probe(struct world *world)
{
	world->flow[FIRST].behind = world->flow[SECOND].behind = FLOW_PROBES - 1;
}

static void second_probe(struct world *world)
{
	world->flow[FIRST].behind = world->flow[SECOND].behind = 1;
}

/* The same key stands before it, and has ended. */
static void ended_before(struct world *world)
{
	for (int i = FIRST; i <= SECOND; i++) {
		world->flow[i].behind = 3;
		world->flow[i].before = BEFORE_ENDED;
	}
}

/* The writer only ever counts up. */
static void hop_seq_wraps(struct world *world)
{
	for (int i = 0; i < FLOWS; i++)
		world->hop[i].seq = 0xffffffff;
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		{"TTL up to 255", TO_PEER, .data = 20, .ttl = 255, .before = ttl_255},
		{"TTL up to 255", TO_CLIENT, .data = 20, .ttl = 255, .before = ttl_255},
		{"TTL up to 255", TO_OTHER, .data = 20, .ttl = 255, .before = ttl_255},
		{"DF not set", TO_PEER, .data = 20, .before = no_df},
		{"DF not set", TO_CLIENT, .data = 20, .before = no_df},
		{"DF not set", TO_OTHER, .data = 20, .before = no_df},
		{"DF not set on what came in", TO_PEER, .in = 4, .data = 20,
		 .patch = {{AT_IP4_FRAG, 2, 0}}},
		{"reserved IP flag", TO_CLIENT, .in = 4, .data = 20, .patch = {{AT_IP4_FRAG, 2, 0x8000}}},
		{"IP ID in", TO_CLIENT, .in = 4, .data = 20, .patch = {{AT_IP4_ID, 2, 0xffff}}},
		{"many changes of the hop", TO_PEER, .data = 20, .before = hop_seq_wraps},
		{"many changes of the hop", TO_OTHER, .data = 20, .before = hop_seq_wraps},
		{"channel 0x4000", TO_PEER, .data = 20, .before = channel_first,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x4000}}},
		{"channel 0x4000", TO_CLIENT, .data = 20, .before = channel_first},
		{"channel 0x7fff", TO_PEER, .data = 20, .before = channel_last,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x7fff}}},
		{"channel 0x7fff", TO_CLIENT, .data = 20, .before = channel_last},
		{"channel 0x7fff", TO_OTHER, .data = 20, .before = channel_last,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x7fff}}},
		{"last row of the ports", TO_PEER, .data = 20, .before = last_port_row},
		{"last row of the deadlines", TO_PEER, .data = 20, .before = last_owner},
		{"last row where it may stand", TO_PEER, .data = 20, .before = last_probe},
		{"last row where it may stand", TO_CLIENT, .data = 20, .before = last_probe},
		{"last rows where they may stand", TO_OTHER, .data = 20, .before = last_probe},
		{"second row where it may stand", TO_PEER, .data = 20, .before = second_probe},
		{"second row where it may stand", TO_CLIENT, .data = 20, .before = second_probe},
		{"live again behind its ended one", TO_PEER, .data = 20, .before = ended_before},
		{"live again behind its ended one", TO_CLIENT, .data = 20, .before = ended_before},
		{"live again behind their ended ones", TO_OTHER, .data = 20, .before = ended_before},
		{"trailing bytes of the frame", TO_PEER, .data = 21, .trailer = 300},
		{"trailing bytes of the frame", TO_CLIENT, .data = 21, .trailer = 300},
		{"trailing bytes of the frame", TO_OTHER, .data = 21, .trailer = 300},
		{"trailing bytes, no data", TO_PEER, .data = 0, .trailer = 1},
		{"trailing bytes, no data", TO_CLIENT, .data = 0, .trailer = 1},
		{"trailing bytes, no data", TO_OTHER, .data = 0, .trailer = 1},
		{"frame of the other family's size", TO_CLIENT, .data = 1448, .trailer = 4},
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* A peer's media may look like anything, ChannelData included. */
static void test_peer_data_like_channel_data(void **state)
{
	struct row like = {"like the bound channel", TO_CLIENT, .fill = FILL_LIKE_CHANNEL};
	int failed = 0;

	(void)state;
	harness_need();
	for (int first = 1; first < 256; first++) {
		struct row row = {"first byte", TO_CLIENT, .data = first % 40 + 1, .first = first};

		failed += !harness_row(&row);
	}
	for (like.data = 4; like.data < 100; like.data++)
		failed += !harness_row(&like);
	assert_int_equal(failed, 0);
}

/*
 * Datagrams that may be fragmented on their way need IDs of their own (RFC 6864,
 * section 4.1): they count up, and not all flows begin at the same.
 */
static void ids_count_up(const struct path *path, int count)
{
	const struct row row = {"IP ID", .way = path->way, .data = 20};
	static struct frame in;
	static struct outcome outcome;
	static struct world world;
	uint16_t id = 0, begin = 0;

	world_default(&world, path);
	no_df(&world);
	row_packet(&row, &world, &in);
	for (int i = 0; i < count; i++) {
		harness_send(&world, &in, &outcome);
		assert_null(frame_read(&outcome.frame));
		if (i > 0)
			assert_int_equal(frame_get16(&outcome.frame, AT_IP4_ID), (id + 1) & 0xffff);
		else
			begin = frame_get16(&outcome.frame, AT_IP4_ID);
		id = frame_get16(&outcome.frame, AT_IP4_ID);
	}
	world.flow[world_last(&world)].flow.id_first += 0x1234;
	harness_send(&world, &in, &outcome);
	assert_null(frame_read(&outcome.frame));
	assert_int_equal(frame_get16(&outcome.frame, AT_IP4_ID), (begin + 0x1234) & 0xffff);
}

static void test_ip_id(void **state)
{
	static const struct path wrapping = {WAY_PEER, 4, 0, 4};
	static const struct path paths[] = {
		{WAY_PEER, 6, 0, 4}, {WAY_CLIENT, 4, 0, 4}, {WAY_CLIENT, 6, 0, 4}, {WAY_OTHER, 4, 4, 4},
		{WAY_OTHER, 6, 6, 4},
	};

	(void)state;
	harness_need();
	ids_count_up(&wrapping, 70000);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		ids_count_up(&paths[i], 300);
}

/* Each counts by itself. */
static void test_every_cpu(void **state)
{
	const struct row rows[] = {
		{"CPU", TO_PEER, .data = 20},
		{"CPU", TO_CLIENT, .data = 20},
		{"CPU", TO_OTHER, .data = 20},
	};
	int tried = 0;

	(void)state;
	harness_need();
	for (int cpu = 0; cpu < harness_cpus(); cpu++) {
		if (!harness_cpu(cpu))
			continue;
		harness_table(ROWS(rows));
		tried++;
	}
	assert_true(tried > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_lengths_of_minimum_frames),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_peer_data_like_channel_data),
		cmocka_unit_test(test_ip_id),
		cmocka_unit_test(test_every_cpu),
	};

	return harness_run("packet: relayed", tests, sizeof(tests) / sizeof(tests[0]));
}
