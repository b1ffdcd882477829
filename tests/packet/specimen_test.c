/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whole frames by hand, so that the model is judged as well; and the place for
 * what other tests have found, byte by byte.
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

/* Spaces in the frames mean nothing. IP IDs that are sent may be any. */
struct specimen {
	const char *name;
	enum verdict verdict;
	struct path path;
	const char *in, *out; /* `out` NULL: it goes up */
};

static const struct specimen specimens[] = {
	{"ChannelData, 4 bytes", VERDICT_TO_PEER, {WAY_PEER, 4, 0, 4},
	 "020000000001 02000000000c 0800"
	 "4500 0024 1234 4000 4011 3c56 c633640a c0000201"
	 "c350 0d96 0010 2dd1 4001 0004 68656c6c",
	 "02000000000e 020000000001 0800"
	 "4500 0020 0000 4000 3f11 3db6 c0000202 cb007114"
	 "c000 2328 000c 49c4 68656c6c"},
	{"ChannelData, 5 bytes and padding", VERDICT_TO_PEER, {WAY_PEER, 4, 0, 4},
	 "020000000001 02000000000c 0800"
	 "45b8 0028 0001 4000 0211 8bcd c633640a c0000201"
	 "c350 0d96 0014 0000 4001 0005 68656c6c 6f000000",
	 "02000000000e 020000000001 0800"
	 "45b8 0021 0000 4000 0111 7afd c0000202 cb007114"
	 "c000 2328 000d dac1 68656c6c 6f"},
	{"peer data, 3 bytes in a 60 byte frame", VERDICT_TO_CLIENT, {WAY_CLIENT, 4, 0, 4},
	 "020000000001 02000000000e 0800"
	 "4500 001f 4321 0000 4011 3996 cb007114 c0000202"
	 "2328 c000 000b 5a35 616263 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
	 "02000000000c 020000000001 0800"
	 "4500 0023 0000 4000 3f11 4f8b c0000201 c633640a"
	 "0d96 c350 000f 3e43 4001 0003 616263"},
	{"peer data, none, partial checksum", VERDICT_TO_CLIENT, {WAY_CLIENT, 4, 0, 4},
	 "020000000001 02000000000e 0800"
	 "4500 001c 0000 4000 4011 3cba cb007114 c0000202"
	 "2328 c000 0008 fe30",
	 "02000000000c 020000000001 0800"
	 "4500 0020 0000 4000 3f11 4f8e c0000201 c633640a"
	 "0d96 c350 000c 02af 4001 0000"},
	{"ChannelData from IPv6, 5 bytes and padding", VERDICT_TO_PEER, {WAY_PEER, 6, 0, 6},
	 "020000000001 02000000000c 86dd"
	 "6b85 4321 0014 1140"
	 "2001 0db8 0001 fffe 12fd 0000 fc00 000a 2001 0db8 0002 fffe eefd 0000 fc00 0001"
	 "c356 0d9e 0014 557e 4001 0005 6865 6c6c 6f00 0000",
	 "02000000000e 020000000001 86dd"
	 "6b8a bcde 000d 113f"
	 "2001 0db8 0002 fffe 34fd 0000 fc00 0002 2001 0db8 0003 fffe f7fd 0000 fc00 0014"
	 "c006 232e 000d 5845 6865 6c6c 6f"},
	{"ChannelData from IPv4 to IPv6, no checksum", VERDICT_TO_PEER, {WAY_PEER, 4, 0, 6},
	 "020000000001 02000000000c 0800"
	 "4503 0025 1234 4000 4011 3c52 c633 640a c000 0201"
	 "c350 0d96 0011 0000 4001 0005 6865 6c6c 6f",
	 "02000000000e 020000000001 86dd"
	 "603a bcde 000d 113f"
	 "2001 0db8 0002 fffe 34fd 0000 fc00 0002 2001 0db8 0003 fffe f7fd 0000 fc00 0014"
	 "c006 232e 000d 5845 6865 6c6c 6f"},
	{"peer data from IPv4 to IPv6", VERDICT_TO_CLIENT, {WAY_CLIENT, 4, 0, 6},
	 "020000000001 02000000000f 0800"
	 "4500 001f 4321 0000 4011 3996 cb00 7114 c000 0202"
	 "2328 c000 000b 5a35 6162 63",
	 "02000000000c 020000000001 86dd"
	 "600a bcde 000f 113f"
	 "2001 0db8 0002 fffe eefd 0000 fc00 0001 2001 0db8 0001 fffe 12fd 0000 fc00 000a"
	 "0d9e c356 000f d4f9 4001 0003 6162 63"},
	{"peer data from IPv6 to IPv4, partial checksum", VERDICT_TO_CLIENT, {WAY_CLIENT, 6, 0, 4},
	 "020000000001 02000000000f 86dd"
	 "6005 4321 000b 1102"
	 "2001 0db8 0003 fffe f7fd 0000 fc00 0014 2001 0db8 0002 fffe 34fd 0000 fc00 0002"
	 "232e c006 000b 80a4 6162 63",
	 "02000000000c 020000000001 0800"
	 "4500 0023 0000 4000 0111 8d8b c000 0201 c633 640a"
	 "0d96 c350 000f 3e43 4001 0003 6162 63"},
	{"between two clients, by IPv6", VERDICT_TO_OTHER_CLIENT, {WAY_OTHER, 4, 6, 4},
	 "020000000001 02000000000e 0800"
	 "4528 0025 1234 4000 4011 3c2d c633 640a c000 0201"
	 "c350 0d96 0011 becd 4001 0005 6865 6c6c 6f",
	 "02000000000f 020000000001 0800"
	 "4528 0025 0000 4000 3e11 501b c000 0204 c633 644d"
	 "14e5 9c40 0011 a38d 7abc 0005 6865 6c6c 6f"},
	{"between two clients, from IPv6 by IPv4", VERDICT_TO_OTHER_CLIENT, {WAY_OTHER, 6, 4, 6},
	 "020000000001 02000000000e 86dd"
	 "6005 4321 000c 1140"
	 "2001 0db8 0001 fffe 12fd 0000 fc00 000a 2001 0db8 0002 fffe eefd 0000 fc00 0001"
	 "c356 0d9e 000c 9965 4001 0000",
	 "02000000000f 020000000001 86dd"
	 "600a bcde 000c 113e"
	 "2001 0db8 0002 fffe 78fd 0000 fc00 0004 2001 0db8 0001 fffe 9afd 0000 fc00 004d"
	 "14ec 9c46 000c 6c26 7abc 0000"},
	{"IPv6 without a checksum", VERDICT_CHECKSUM, {WAY_CLIENT, 6, 0, 6},
	 "020000000001 02000000000f 86dd"
	 "6005 4321 000b 1102"
	 "2001 0db8 0003 fffe f7fd 0000 fc00 0014 2001 0db8 0002 fffe 34fd 0000 fc00 0002"
	 "232e c006 000b 0000 6162 63",
	 NULL},
};

static void hex_read(struct frame *frame, const char *hex)
{
	unsigned int byte;
	int used;

	frame->length = frame->linear = 0;
	while (sscanf(hex, " %2x%n", &byte, &used) == 1) {
		frame->byte[frame->length++] = byte;
		hex += used;
	}
}

static void specimen_check(const struct specimen *s)
{
	static struct frame in, out;
	static struct expectation want;
	static struct outcome outcome;
	static struct world world;
	const char *complaint;

	print_message("# %s\n", s->name);
	world_default(&world, &s->path);
	hex_read(&in, s->in);
	hex_read(&out, s->out ? s->out : s->in);
	complaint = harness_judge(&world, &in, &want, &outcome);
	assert_int_equal(outcome.verdict, s->verdict);
	assert_int_equal(outcome.action, s->out ? XDP_TX : XDP_PASS);
	assert_int_equal(outcome.frame.length, out.length);
	if (s->out) {
		assert_null(frame_read(&outcome.frame));
		assert_null(frame_read(&out));
		frame_take_id(&out, &outcome.frame);
	}
	assert_memory_equal(outcome.frame.byte, out.byte, out.length);
	/* And so the model. */
	if (complaint)
		fail_msg("not as the model has it: %s", complaint);
}

static void test_specimens(void **state)
{
	(void)state;
	harness_need();
	for (size_t i = 0; i < sizeof(specimens) / sizeof(specimens[0]); i++)
		specimen_check(&specimens[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_specimens),
	};

	return harness_run("packet: specimens", tests, sizeof(tests) / sizeof(tests[0]));
}
