/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp capture: the format pcapng, the command line, and packets in words. */
#include "unit.h"

#include <errno.h>
#include <getopt.h>
#include <linux/bpf.h>

#include "capture.h"
#include "verdict.h"
#include "xdp_utils.h"
#include "xdp_utils/arguments.h"
#include "xdp_utils/capture_output.h"
#include "xdp_utils/captured.h"
#include "xdp_utils/pcapng.h"
#include "xdp_utils/verdict_set.h"

static uint32_t word_at(const struct written *written, size_t at)
{
	uint32_t word;

	assert_true(at + sizeof(word) <= written->length);
	memcpy(&word, written->text + at, sizeof(word));
	return word;
}

/* Finds an option from `at` on: its length, with *value set, or -1. */
static int option_in(const struct written *written, size_t at, uint16_t code, const uint8_t **value)
{
	for (;;) {
		uint32_t head = word_at(written, at);
		uint16_t length = (uint16_t)(head >> 16);

		*value = (const uint8_t *)written->text + at + 4;
		if ((uint16_t)head == code)
			return length;
		if (!(uint16_t)head)
			return -1;
		at += 4 + (length + 3u) / 4 * 4;
	}
}

static void test_blocks(void **state)
{
	static const uint32_t types[] = { 0x0a0d0d0a, 1, 6, 5 };
	struct pcapng_packet packet = { .time = 0x100000002, .bytes = "abcde", .kept = 5, .length = 1500,
					.direction = PCAPNG_OUTBOUND, .id = 7, .queue = 3, .action = 4,
					.comment = "why" };
	struct written written;
	const uint8_t *value;
	size_t at = 0, block[4];

	(void)state;
	pcapng_begin(written_open(&written), "tool");
	pcapng_interface(written.out, "eth0", 96);
	pcapng_packet(written.out, &packet);
	pcapng_lost(written.out, 0, 1, 9);
	fflush(written.out);
	for (int i = 0; i < 4; i++) {
		uint32_t length = word_at(&written, at + 4);

		block[i] = at;
		assert_int_equal(word_at(&written, at), types[i]);
		assert_int_equal(length % 4, 0);
		assert_int_equal(word_at(&written, at + length - 4), length);
		at += length;
	}
	assert_int_equal(at, written.length);
	assert_int_equal(word_at(&written, 8), 0x1a2b3c4d);
	assert_int_equal(option_in(&written, block[1] + 16, 2, &value), 4);
	assert_memory_equal(value, "eth0", 4);
	assert_int_equal(option_in(&written, block[1] + 16, 9, &value), 1);
	assert_int_equal(*value, 9);
	assert_int_equal(word_at(&written, block[2] + 12), 1);
	assert_int_equal(word_at(&written, block[2] + 16), 2);
	assert_int_equal(word_at(&written, block[2] + 20), 5);
	assert_int_equal(word_at(&written, block[2] + 24), 1500);
	assert_memory_equal(written.text + block[2] + 28, "abcde\0\0", 8);
	assert_int_equal(option_in(&written, block[2] + 36, 1, &value), 3);
	assert_memory_equal(value, "why", 4);
	assert_int_equal(option_in(&written, block[2] + 36, 2, &value), 4);
	assert_int_equal(*value, 2);
	assert_int_equal(option_in(&written, block[2] + 36, 5, &value), 8);
	assert_int_equal(*value, 7);
	assert_int_equal(option_in(&written, block[2] + 36, 7, &value), 9);
	assert_memory_equal(value, "\2\4", 2);
	assert_int_equal(option_in(&written, block[3] + 20, 7, &value), 8);
	assert_int_equal(*value, 9);
	free(written_close(&written));
}

static void test_long_comment(void **state)
{
	struct pcapng_packet packet = { .bytes = "a", .kept = 1, .length = 1 };
	char comment[PCAPNG_TEXT + 100] = "";
	struct written written;
	const uint8_t *value;

	(void)state;
	memset(comment, 'x', sizeof(comment) - 1);
	/* The character that does not fit whole is left out whole. */
	memcpy(comment + PCAPNG_TEXT - 1, "\xc3\xa9", 2);
	packet.comment = comment;
	pcapng_packet(written_open(&written), &packet);
	fflush(written.out);
	assert_int_equal(option_in(&written, 32, 1, &value), PCAPNG_TEXT - 1);
	assert_int_equal(option_in(&written, 32, 7, &value), 9);
	free(written_close(&written));
}

static void test_verdicts(void **state)
{
	static const char *const bad[] = { "", ",", "to-peer,", "nonesuch", "TO-PEER", "to-pee" };
	uint32_t set = 0;

	(void)state;
	assert_int_equal(verdict_set_add("to-peer,too-big", &set), 0);
	assert_int_equal(set, 1u << VERDICT_TO_PEER | 1u << VERDICT_TOO_BIG);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(verdict_set_add(bad[i], &set), -EINVAL);
	assert_int_equal(set, 1u << VERDICT_TO_PEER | 1u << VERDICT_TOO_BIG);
	set = 0;
	assert_int_equal(verdict_set_add("up", &set), 0);
	assert_true(set & 1u << VERDICT_TOO_BIG);
	assert_false(set & (1u << VERDICT_TO_PEER | 1u << VERDICT_LIMITED | 1u << VERDICT_NO_FLOW));
	assert_true(verdict_set_of_channels() & 1u << VERDICT_LIMITED);
	assert_false(verdict_set_of_channels() & 1u << VERDICT_NO_FLOW);
}

static int parse(const char *words, struct arguments *arguments)
{
	char text[128], *argv[16] = { "tool" };
	int argc = 1;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok(text, " "); word && argc < 15; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 0;
	return arguments_parse(argc, argv, arguments);
}

static void test_arguments(void **state)
{
	static const char *const bad[] = {
		"capture -s 0", "capture -s 16385", "capture -s rate", "capture -c 0", "capture -t 0", "capture -t x",
		"capture -B 6", "capture -B 1", "capture --verdict x", "capture -j", "status -c 1", "channels -s 96",
	};
	struct arguments arguments;

	(void)state;
	assert_int_equal(parse("-s 96 capture -c 3 -t 1.5 -B 64", &arguments), 0);
	assert_int_equal(arguments.command, COMMAND_CAPTURE);
	assert_int_equal(arguments.capture.snap, 96);
	assert_int_equal(arguments.capture.count, 3);
	assert_number("time", arguments.capture.seconds, 1.5);
	assert_int_equal(arguments.capture.buffer, 65536);
	assert_int_equal(arguments.capture.verdicts, verdict_set_of_channels());
	assert_int_equal(parse("channels -s age", &arguments), 0);
	assert_int_equal(arguments.sort, SORT_AGE);
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (parse(bad[i], &arguments) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	}
}

static void test_records(void **state)
{
	struct {
		struct capture_record head;
		uint8_t bytes[10];
	} record = { .head = { .verdict = 31, .in_kept = 6, .out_kept = 4, .out_length = 4 } };
	struct captured captured;
	char line[PCAPNG_TEXT];

	(void)state;
	assert_int_equal(captured_read(&record, sizeof(record.head) + 9, &captured), -EINVAL);
	assert_int_equal(captured_read(&record, sizeof(record.head) + 10, &captured), 0);
	assert_ptr_equal(captured.out, record.bytes + 6);
	assert_string_equal(captured_verdict(&captured).text, "verdict-31");
	record.head.verdict = VERDICT_SLOTS;
	assert_string_equal(captured_verdict(&captured).text, "unknown");
	record.head.verdict = VERDICT_TTL;
	captured_describe(&captured, line, sizeof(line));
	assert_string_equal(line, "ttl: TTL too low to be relayed");
	record.head.channel.number = htons(0x4001);
	record.head.channel.client = (struct capture_end){ { htonl(0xc0000202) }, htons(9), FLOW_KEY_V4 };
	captured_describe(&captured, line, sizeof(line));
	assert_non_null(strstr(line, "; channel 0x4001, client 192.0.2.2:9, relay "));
}

/* A packet that came in by a member of a bond, of which the server's list says nothing, and left by `out_ifindex`. */
static void check_names(const char *in_name, uint32_t out_ifindex, const char *in, const char *out)
{
	struct capture_record record = { .action = XDP_REDIRECT, .in_ifindex = 5, .out_ifindex = out_ifindex, .out_length = 1 };
	struct captured captured = { .record = &record, .in = (const uint8_t *)"", .out = (const uint8_t *)"" };
	struct status status = { .interfaces = 1, .interface = { { .name = "bond0", .ifindex = 3 } } };
	struct capture_output output = { .status = &status };
	struct written written;

	snprintf(record.in_name, sizeof(record.in_name), "%s", in_name);
	output.out = written_open(&written);
	capture_output_packet(&output, &captured);
	fflush(output.out);
	if (!strstr(written.text, in) || !strstr(written.text, out))
		fail_msg("%s: no '%s' or no '%s'", written.text, in, out);
	free(written_close(&written));
}

static void test_names(void **state)
{
	(void)state;
	check_names("eth1", 3, " in eth1 0 bytes", ", out bond0 1 bytes");
	check_names("eth1", 4, " in eth1 0 bytes", ", out ifindex-4 1 bytes");
	check_names("eth1", 0, " in eth1 0 bytes", ", out eth1 1 bytes");
	check_names("", 3, " in ifindex-5 0 bytes", ", out bond0 1 bytes");
	check_names("name-of-15-byte", 3, " in name-of-15-byte 0 bytes", ", out bond0 1 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),    cmocka_unit_test(test_long_comment),
		cmocka_unit_test(test_verdicts),  cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_records),   cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("xdp_utils_capture", tests, NULL, NULL);
}
