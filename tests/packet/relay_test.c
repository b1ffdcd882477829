/* SPDX-License-Identifier: BSD-3-Clause */
/* What is relayed, and how it looks then. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#define MTU_DATA 1472 /* of a 1500 byte IP packet: what a peer can be sent */

#define TO_PEER .verdict = VERDICT_TO_PEER
#define TO_CLIENT .verdict = VERDICT_TO_CLIENT, .to_client = true

/* Whole frames by hand, so that the model is judged as well. */
struct specimen {
	const char *name;
	bool to_client;
	const char *in, *out;
};

static const struct specimen specimens[] = {
	{"ChannelData, 4 bytes", false,
	 "020000000001 02000000000c 0800"
	 "4500 0024 1234 4000 4011 3c56 c633640a c0000201"
	 "c350 0d96 0010 2dd1 4001 0004 68656c6c",
	 "02000000000e 020000000001 0800"
	 "4500 0020 0000 4000 3f11 3db6 c0000202 cb007114"
	 "c000 2328 000c 49c4 68656c6c"},
	{"ChannelData, 5 bytes and padding", false,
	 "020000000001 02000000000c 0800"
	 "45b8 0028 0001 4000 0211 8bcd c633640a c0000201"
	 "c350 0d96 0014 0000 4001 0005 68656c6c 6f000000",
	 "02000000000e 020000000001 0800"
	 "45b8 0021 0000 4000 0111 7afd c0000202 cb007114"
	 "c000 2328 000d dac1 68656c6c 6f"},
	{"peer data, 3 bytes in a 60 byte frame", true,
	 "020000000001 02000000000e 0800"
	 "4500 001f 4321 0000 4011 3996 cb007114 c0000202"
	 "2328 c000 000b 5a35 616263 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
	 "02000000000c 020000000001 0800"
	 "4500 0023 0000 4000 3f11 4f8b c0000201 c633640a"
	 "0d96 c350 000f 3e43 4001 0003 616263"},
	{"peer data, none, partial checksum", true,
	 "020000000001 02000000000e 0800"
	 "4500 001c 0000 4000 4011 3cba cb007114 c0000202"
	 "2328 c000 0008 fe30",
	 "02000000000c 020000000001 0800"
	 "4500 0020 0000 4000 3f11 4f8e c0000201 c633640a"
	 "0d96 c350 000c 02af 4001 0000"},
};

static void frame_read(struct frame *frame, const char *hex)
{
	unsigned int byte;
	int used;

	memset(frame, 0, sizeof(*frame));
	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		frame->byte[frame->length++] = byte;
		hex += used;
	}
}

static void test_specimens(void **state)
{
	static struct frame in, out;
	static struct outcome outcome;
	static struct world world;

	(void)state;
	harness_need();
	harness_world(&world);
	for (size_t i = 0; i < sizeof(specimens) / sizeof(specimens[0]); i++) {
		const struct specimen *s = &specimens[i];

		print_message("# %s\n", s->name);
		frame_read(&in, s->in);
		frame_read(&out, s->out);
		harness_send(&world, &in, &outcome);
		assert_int_equal(outcome.verdict, s->to_client);
		assert_int_equal(outcome.frame.length, out.length);
		assert_null(model_complaint(&outcome.frame));
		model_accept_id(&out, &outcome.frame);
		assert_memory_equal(outcome.frame.byte, out.byte, out.length);
	}
}

/* Every length up to the MTU, both ways, of what the client may send. */
static void test_lengths(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data <= MTU_DATA; data++) {
		struct row peer = {"length", TO_PEER, .data = data};
		struct row client = {"length", TO_CLIENT, .data = data};

		failed += !harness_row(&peer);
		if (data + 4 > MTU_DATA)
			client.verdict = VERDICT_TOO_BIG;
		failed += !harness_row(&client);
	}
	assert_int_equal(failed, 0);
}

/* Short frames are filled up to 60 bytes by the sender's device. */
static void test_lengths_of_minimum_frames(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int data = 0; data <= 20; data++)
		for (int sum = SUM_GOOD; sum <= SUM_BAD; sum++) {
			struct row peer = {"60 byte frame", TO_PEER, .data = data,
					   .minimum = 60, .checksum = sum};
			struct row client = {"60 byte frame", TO_CLIENT, .data = data,
					     .minimum = 60, .checksum = sum};

			failed += !harness_row(&peer) + !harness_row(&client);
		}
	assert_int_equal(failed, 0);
}

static void test_tos(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int tos = 0; tos < 256; tos++) {
		struct row peer = {"TOS", TO_PEER, .data = 20, .tos = tos};
		struct row client = {"TOS", TO_CLIENT, .data = 21, .tos = tos};

		failed += !harness_row(&peer) + !harness_row(&client);
	}
	assert_int_equal(failed, 0);
}

static void ttl_fixed(struct world *world)
{
	world->flow[0].flow.ttl_fixed = world->flow[1].flow.ttl_fixed = 1;
}

/* 1 cannot be lessened, and only coturn knows what to do with 0. */
static void test_ttl(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int ttl = 0; ttl < 256; ttl++) {
		struct row row = {"TTL", TO_PEER, .data = 20, .ttl = ttl};

		for (int fixed = 0; fixed < 2; fixed++) {
			row.before = fixed ? ttl_fixed : NULL;
			for (int to_client = 0; to_client < 2; to_client++) {
				row.to_client = to_client;
				row.verdict = to_client;
				if (ttl == 0)
					row.patch[0] = (struct patch){AT_IP_TTL, 1, 0};
				else
					row.patch[0].width = 0;
				if (ttl + fixed <= 1)
					row.verdict = VERDICT_TTL;
				failed += !harness_row(&row);
			}
		}
	}
	assert_int_equal(failed, 0);
}

static void ttl_255(struct world *world)
{
	world->flow[0].flow.ttl = 255;
}

static void no_df(struct world *world)
{
	for (int i = 0; i < 2; i++) {
		world->flow[i].flow.frag_off = 0;
		model_flow_ip_sum(&world->flow[i].flow);
	}
}

static void second_slot(struct world *world)
{
	for (int i = 0; i < 2; i++) {
		world->hop[i].slot[1] = world->hop[i].slot[0];
		world->hop[i].current = 1;
		memset(&world->hop[i].slot[0], 0xee, sizeof(struct hop));
	}
}

static void other_way_out(struct world *world)
{
	world->hop[0].slot[0].ifindex = harness_other;
	world->hop[1].slot[0].ifindex = harness_other;
}

static void other_way_in(struct world *world)
{
	memcpy(world->port[0].mac, model_port_mac, 6);
	world->ingress = harness_other;
	world->hop[0].slot[0].ifindex = harness_other;
	world->hop[1].slot[0].ifindex = harness_other;
}

/* A device that sends no XDP_TX may still take its own packets by redirect. */
static void no_transmit(struct world *world)
{
	world->hop[0].slot[0].transmit = world->hop[1].slot[0].transmit = 0;
}

/* XDP_TX needs no leave to redirect. */
static void no_redirect(struct world *world)
{
	world->hop[0].slot[0].redirect = 0;
	world->hop[1].slot[0].redirect = 0;
	world->no_devices = true;
}

static void channel_put(struct world *world, uint16_t number)
{
	world->flow[0].key.channel = htons(number);
	world->flow[1].flow.channel = htons(number);
}

static void first_channel(struct world *world)
{
	channel_put(world, 0x4000);
}

static void last_channel(struct world *world)
{
	channel_put(world, 0x7fff);
}

static void last_port_row(struct world *world)
{
	struct port port = world->port[1];

	for (int i = 0; i < ABI_PORTS - 1; i++)
		world->port[i].ifindex = 1000 + i;
	world->port[ABI_PORTS - 1] = port;
}

static void last_owner(struct world *world)
{
	world->flow[0].flow.owner = ABI_OWNERS - 1;
}

static void jumbo_mtu(struct world *world)
{
	world->hop[0].slot[0].mtu = world->hop[1].slot[0].mtu = 9000;
}

static void small_mtu(struct world *world)
{
	world->hop[0].slot[0].mtu = world->hop[1].slot[0].mtu = 128;
}

static void room_for_the_header(struct world *world)
{
	world->metadata = 208;
}

static void generic(struct world *world)
{
	world->generic = true;
}

static void test_tables(void **state)
{
	static const struct row rows[] = {
		{"TTL up to 255", TO_PEER, .data = 20, .ttl = 255, .before = ttl_255},
		{"DF not set", TO_PEER, .data = 20, .before = no_df},
		{"DF not set", TO_CLIENT, .data = 20, .before = no_df},
		{"DF not set on what came in", TO_PEER, .data = 20, .patch = {{AT_IP_FRAG, 2, 0}}},
		{"reserved IP flag", TO_CLIENT, .data = 20, .patch = {{AT_IP_FRAG, 2, 0x8000}}},
		{"IP ID in", TO_CLIENT, .data = 20, .patch = {{AT_IP_ID, 2, 0xffff}}},
		{"second slot of the hop", TO_PEER, .data = 20, .before = second_slot},
		{"second slot of the hop", TO_CLIENT, .data = 20, .before = second_slot},
		{"redirect", TO_PEER, .data = 20, .before = other_way_out},
		{"redirect", TO_CLIENT, .data = 20, .before = other_way_out},
		{"in and out by another interface", TO_PEER, .data = 20, .before = other_way_in},
		{"in and out by another interface", TO_CLIENT, .data = 20, .before = other_way_in},
		{"back by redirect", TO_PEER, .data = 20, .before = no_transmit},
		{"back by redirect", TO_CLIENT, .data = 20, .before = no_transmit},
		{"no redirect needed", TO_PEER, .data = 20, .before = no_redirect},
		{"no redirect needed", TO_CLIENT, .data = 20, .before = no_redirect},
		{"channel 0x4000", TO_PEER, .data = 20, .before = first_channel,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x4000}}},
		{"channel 0x4000", TO_CLIENT, .data = 20, .before = first_channel},
		{"channel 0x7fff", TO_PEER, .data = 20, .before = last_channel,
		 .patch = {{AT_CHANNEL_NUMBER, 2, 0x7fff}}},
		{"channel 0x7fff", TO_CLIENT, .data = 20, .before = last_channel},
		{"last row of the ports", TO_PEER, .data = 20, .before = last_port_row},
		{"last row of the deadlines", TO_PEER, .data = 20, .before = last_owner},
		{"MTU exactly", TO_PEER, .data = 100, .before = small_mtu},
		{"MTU exactly", TO_CLIENT, .data = 96, .before = small_mtu},
		{"jumbo", TO_PEER, .data = 3400, .before = jumbo_mtu},
		{"jumbo", TO_CLIENT, .data = 3400, .before = jumbo_mtu},
		{"jumbo, partial", TO_PEER, .data = 3399, .checksum = SUM_PARTIAL, .before = jumbo_mtu},
		{"jumbo, partial", TO_CLIENT, .data = 3399, .checksum = SUM_PARTIAL, .before = jumbo_mtu},
		{"trailing bytes of the frame", TO_PEER, .data = 21, .trailer = 300},
		{"trailing bytes of the frame", TO_CLIENT, .data = 21, .trailer = 300},
		{"frame of the other family's size", TO_CLIENT, .data = 1468, .trailer = 4},
		{"generic", TO_PEER, .data = 20, .excess = 8, .before = generic},
		{"generic", TO_CLIENT, .data = 20, .before = generic},
		{"generic, no checksum", TO_PEER, .data = 20, .checksum = SUM_ZERO, .before = generic},
		{"generic, no checksum", TO_CLIENT, .data = 20, .checksum = SUM_ZERO, .before = generic},
		{"just enough headroom", TO_CLIENT, .data = 20, .before = room_for_the_header},
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
static void test_ip_id(void **state)
{
	const struct row row = {"IP ID", TO_PEER, .data = 20};
	static struct frame in, out;
	static struct outcome outcome;
	static struct world world;
	uint16_t id = 0;

	(void)state;
	harness_need();
	harness_world(&world);
	no_df(&world);
	model_packets(&row, &world.flow[0].flow, world.hop[0].slot[0].eth, &in, &out);
	for (int i = 0; i < 70000; i++) {
		harness_send(&world, &in, &outcome);
		if (i > 0)
			assert_int_equal(model_get16(&outcome.frame, AT_IP_ID), (id + 1) & 0xffff);
		id = model_get16(&outcome.frame, AT_IP_ID);
	}
	world.flow[0].flow.id_first += 0x1234;
	harness_send(&world, &in, &outcome);
	assert_int_equal(model_get16(&outcome.frame, AT_IP_ID), (id + 0x1235) & 0xffff);
}

/* Each counts by itself. */
static void test_every_cpu(void **state)
{
	const struct row rows[] = {
		{"CPU", TO_PEER, .data = 20},
		{"CPU", TO_CLIENT, .data = 20},
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
		cmocka_unit_test(test_specimens),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_lengths_of_minimum_frames),
		cmocka_unit_test(test_tos),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_peer_data_like_channel_data),
		cmocka_unit_test(test_ip_id),
		cmocka_unit_test(test_every_cpu),
	};

	return cmocka_run_group_tests_name("packet: relayed", tests, harness_open, harness_close);
}
