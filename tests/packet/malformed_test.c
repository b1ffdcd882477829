/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that are cut, damaged, or whose lengths lie: swept, and at random. */
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/* A test run has one page for the first buffer; the program sees no other. */
static void test_frame_in_several_buffers(void **state)
{
	static const struct row rows[] = {
		{"several buffers", VERDICT_TRUNCATED, .data = 9000},
		{"several buffers", VERDICT_TRUNCATED, .data = 9000, .to_client = true},
		{"several buffers", VERDICT_TRUNCATED, .data = 9000, .checksum = SUM_PARTIAL},
	};

	(void)state;
	harness_need();
	if (getpagesize() > 8192) {
		print_message("# skipped: a page takes the whole frame\n");
		skip();
	}
	harness_table(ROWS(rows));
}

/* The end of the frame missing, from one byte to all but the Ethernet header. */
static void test_cut_frames(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int to_client = 0; to_client < 2; to_client++) {
		struct row row = {"cut", VERDICT_TRUNCATED, .to_client = to_client, .data = 50};
		int whole = AT_PAYLOAD + row.data + (to_client ? 0 : 4);

		for (row.cut = 1; row.cut <= whole - AT_IP; row.cut++)
			failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

/*
 * As coturn reads ChannelData over UDP: bytes after the data are ignored in a
 * datagram of whole words; else they are padding, at most 3 of them, and data
 * there must be.
 */
static bool length_allowed(int datagram, int data)
{
	if (datagram < 4 + data)
		return false;
	if (datagram == 4 + data || datagram % 4 == 0)
		return true;
	return data != 0 && datagram - 4 - data <= 3;
}

static void test_channel_data_lengths(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int datagram = 4; datagram < 64; datagram++) {
		for (int data = 0; data < 72; data++) {
			struct row row = {"ChannelData length", .data = data};

			row.excess = datagram - 4 - data;
			if (!length_allowed(datagram, data)) {
				row.verdict = VERDICT_BAD_LENGTH;
				row.data = datagram - 4;
				row.excess = 0;
				row.patch[0] = (struct patch){AT_CHANNEL_LENGTH, 2, data};
			}
			failed += !harness_row(&row);
		}
	}
	for (int bit = 6; bit < 16; bit++) {
		struct row row = {"ChannelData length", VERDICT_BAD_LENGTH, .data = 40,
				  .patch = {{AT_CHANNEL_LENGTH, 2, 1 << bit | 40}}};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

static bool relayed(const struct outcome *outcome)
{
	return outcome->verdict == VERDICT_TO_PEER || outcome->verdict == VERDICT_TO_CLIENT;
}

/* A receiver takes a datagram that has no checksum, or a right one. */
static bool sound(const struct frame *frame)
{
	return model_get16(frame, AT_UDP_SUM) == 0 || model_udp_sum(frame) == 0xffff;
}

/* Whatever came in: it goes up as it was, or leaves whole. */
static const char *damage(const struct frame *in, const struct outcome *outcome)
{
	const char *complaint;

	if (outcome->verdict < 0 || outcome->usage_strayed)
		return "counters";
	if (!relayed(outcome)) {
		if (outcome->action != XDP_PASS)
			return "not passed up";
		if (in->length != outcome->frame.length ||
		    memcmp(in->byte, outcome->frame.byte, in->length) != 0)
			return "changed";
		return outcome->usage[0].packets || outcome->usage[1].packets ? "counted" : NULL;
	}
	if (outcome->action != XDP_TX)
		return "not sent";
	if (outcome->usage[outcome->verdict].packets != 1)
		return "not counted";
	complaint = model_complaint(&outcome->frame);
	if (complaint)
		return complaint;
	return sound(in) != sound(&outcome->frame) ? "UDP checksum" : NULL;
}

/* One bit wrong in the IP header, whose checksum sees it. */
static void test_damaged_ip_header(void **state)
{
	static struct frame in, out;
	static struct outcome outcome;
	static struct world world;
	int failed = 0;

	(void)state;
	harness_need();
	harness_world(&world);
	for (int i = 0; i < 2 * 160; i++) {
		struct row row = {"one bit", .to_client = i >= 160, .data = 33};

		model_packets(&row, &world.flow[row.to_client].flow,
			      world.hop[row.to_client].slot[0].eth, &in, &out);
		in.byte[AT_IP + i % 160 / 8] ^= 1 << i % 8;
		harness_send(&world, &in, &outcome);
		failed += relayed(&outcome) || damage(&in, &outcome) != NULL;
	}
	assert_int_equal(failed, 0);
}

static uint32_t random_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state >> 8;
}

/* Up to four bytes overwritten anywhere in the headers, IP checksum made right. */
static void test_random_damage(void **state)
{
	static struct frame in, out;
	static struct outcome outcome;
	static struct world world;
	uint32_t seed = 20;
	int failed = 0, sent = 0;

	(void)state;
	harness_need();
	harness_world(&world);
	for (int i = 0; i < 20000; i++) {
		struct row row = {"damage", .to_client = i % 2, .data = i % 67};
		const char *complaint;

		row.trailer = random_next(&seed) % 8;
		for (int p = 0; p < ROW_PATCHES; p++)
			row.patch[p] = (struct patch){random_next(&seed) % AT_CHANNEL_LENGTH,
						      random_next(&seed) % 3,
						      random_next(&seed) & random_next(&seed)};
		row.checksum = random_next(&seed) % 2 ? SUM_GOOD : SUM_BAD;
		model_packets(&row, &world.flow[row.to_client].flow,
			      world.hop[row.to_client].slot[0].eth, &in, &out);
		harness_send(&world, &in, &outcome);
		complaint = damage(&in, &outcome);
		if (complaint)
			print_message("# packet %d: %s\n", i, complaint);
		failed += complaint != NULL;
		sent += relayed(&outcome);
	}
	assert_int_equal(failed, 0);
	/* Both of its ways have to be tried. */
	assert_in_range(sent, 1000, 19000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_in_several_buffers),
		cmocka_unit_test(test_cut_frames),
		cmocka_unit_test(test_channel_data_lengths),
		cmocka_unit_test(test_damaged_ip_header),
		cmocka_unit_test(test_random_damage),
	};

	return cmocka_run_group_tests_name("packet: malformed", tests, harness_open, harness_close);
}
