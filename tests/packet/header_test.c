/* SPDX-License-Identifier: BSD-3-Clause */
/* What the headers of a frame say against relaying it, layer by layer. */
#include "harness.h"

#define FAULT(name_, verdict_, ...)                                                               \
	{.name = name_, .verdict = VERDICT_##verdict_, .data = 40, __VA_ARGS__},                  \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_CLIENT, .data = 41, __VA_ARGS__}, \
	{.name = name_, .verdict = VERDICT_##verdict_, .way = WAY_OTHER, .data = 42, __VA_ARGS__}
#define PATCH(...) .patch = {{__VA_ARGS__}}
#define BYTES(...) .insert = {__VA_ARGS__}, .inserted = sizeof((uint8_t[]){__VA_ARGS__})

/* Each row has one fault. */
static void test_ethernet(void **state)
{
	static const struct row rows[] = {
		FAULT("other host's MAC", NOT_OURS, PATCH(AT_ETH_DEST, 1, 0x06)),
		FAULT("MAC that ends otherwise", NOT_OURS, PATCH(AT_ETH_DEST + 5, 1, 0x02)),
		FAULT("MAC, fifth byte", NOT_OURS, PATCH(AT_ETH_DEST + 4, 1, 0x10)),
		FAULT("broadcast", NOT_OURS,
		      .patch = {{AT_ETH_DEST, 4, 0xffffffff}, {AT_ETH_DEST + 4, 2, 0xffff}}),
		FAULT("IPv4 multicast", NOT_OURS,
		      .patch = {{AT_ETH_DEST, 4, 0x01005e00}, {AT_ETH_DEST + 4, 2, 0x0001}}),
		FAULT("IPv6 multicast", NOT_OURS,
		      .patch = {{AT_ETH_DEST, 4, 0x33330000}, {AT_ETH_DEST + 4, 2, 0x0001}}),
		FAULT("ARP", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x0806)),
		FAULT("PPPoE", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x8864)),
		FAULT("MPLS", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x8847)),
		FAULT("length for a type", NOT_IP, PATCH(AT_ETH_TYPE, 2, 0x0040)),
		FAULT("IPv4 said to be IPv6", NOT_IP, .in = 4, PATCH(AT_ETH_TYPE, 2, 0x86dd)),
		FAULT("IPv6 said to be IPv4", NOT_IP, .in = 6, PATCH(AT_ETH_TYPE, 2, 0x0800)),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_ipv4(void **state)
{
	static const struct row rows[] = {
#define FAULT4(...) FAULT(__VA_ARGS__, .in = 4)
		FAULT4("version 6", NOT_IP, PATCH(AT_IP, 1, 0x65)),
		FAULT4("version 0", NOT_IP, PATCH(AT_IP, 1, 0x05)),
		FAULT4("version 5", NOT_IP, PATCH(AT_IP, 1, 0x55)),
		FAULT4("version 5 with options", NOT_IP, PATCH(AT_IP, 1, 0x56)),
		FAULT4("IHL 4", NOT_IP, PATCH(AT_IP, 1, 0x44)),
		FAULT4("IHL 0", NOT_IP, PATCH(AT_IP, 1, 0x40)),
		FAULT4("one word of options", IP_OPTIONS, PATCH(AT_IP, 1, 0x46), BYTES(1, 1, 1, 0)),
		FAULT4("router alert", IP_OPTIONS, PATCH(AT_IP, 1, 0x46), BYTES(148, 4, 0, 0)),
		FAULT4("IHL 15", IP_OPTIONS, PATCH(AT_IP, 1, 0x4f)),
		FAULT4("IP length 0", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 0)),
		FAULT4("IP length 19", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 19)),
		FAULT4("IP length 20", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 20)),
		FAULT4("IP length 27", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 27)),
		FAULT4("IP length 28", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 28)),
		FAULT4("IP length 65535", TRUNCATED, PATCH(AT_IP4_LENGTH, 2, 65535)),
		FAULT4("IP length wraps, as UDP's", TRUNCATED,
		       .patch = {{AT_IP4_LENGTH, 2, 19}, {AT_UDP_LENGTH, 2, 65535}}),
		FAULT4("both lengths beyond the frame", TRUNCATED,
		       .patch = {{AT_IP4_LENGTH, 2, 1028}, {AT_UDP_LENGTH, 2, 1008}}),
		FAULT4("IP length at most, UDP as well", TRUNCATED,
		       .patch = {{AT_IP4_LENGTH, 2, 65535}, {AT_UDP_LENGTH, 2, 65515}}),
		FAULT4("UDP length 7, IP as well", TRUNCATED,
		       .patch = {{AT_UDP_LENGTH, 2, 7}, {AT_IP4_LENGTH, 2, 27}}),
		FAULT4("UDP length 0, IP as well", TRUNCATED,
		       .patch = {{AT_UDP_LENGTH, 2, 0}, {AT_IP4_LENGTH, 2, 20}}),
		FAULT4("first fragment", FRAGMENT, PATCH(AT_IP4_FRAG, 2, 0x2000)),
		FAULT4("next fragment", FRAGMENT, PATCH(AT_IP4_FRAG, 2, 0x2001)),
		FAULT4("last fragment", FRAGMENT, PATCH(AT_IP4_FRAG, 2, 0x1fff)),
		FAULT4("last fragment at 8", FRAGMENT, PATCH(AT_IP4_FRAG, 2, 0x0001)),
		FAULT4("fragment with DF", FRAGMENT, PATCH(AT_IP4_FRAG, 2, 0x6000)),
		FAULT4("IP checksum 0", IP_CHECKSUM, PATCH(AT_IP4_SUM, 2, 0)),
		FAULT4("IP checksum 0xffff", IP_CHECKSUM, PATCH(AT_IP4_SUM, 2, 0xffff)),
		FAULT4("source address", NO_FLOW, PATCH(AT_IP4_SOURCE + 3, 1, 99)),
		FAULT4("source network", NO_FLOW, PATCH(AT_IP4_SOURCE, 1, 99)),
		FAULT4("destination address", NO_FLOW, PATCH(AT_IP4_DEST + 3, 1, 99)),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

static void test_ipv6(void **state)
{
	static const struct row rows[] = {
#define FAULT6(...) FAULT(__VA_ARGS__, .in = 6)
#define NEXT(value) PATCH(AT_IP6_NEXT, 1, value)
		FAULT6("version 4", NOT_IP, PATCH(AT_IP, 1, 0x40)),
		FAULT6("version 4, IHL 5", NOT_IP, PATCH(AT_IP, 1, 0x45)),
		FAULT6("version 7", NOT_IP, PATCH(AT_IP, 1, 0x70)),
		FAULT6("version 14", NOT_IP, PATCH(AT_IP, 1, 0xe0)),
		FAULT6("version 2", NOT_IP, PATCH(AT_IP, 1, 0x20)),
		FAULT6("hop-by-hop options", IP_OPTIONS, NEXT(0), BYTES(17, 0, 1, 4, 0, 0, 0, 0)),
		FAULT6("router alert", IP_OPTIONS, NEXT(0), BYTES(17, 0, 5, 2, 0, 0, 1, 0)),
		FAULT6("destination options", IP_OPTIONS, NEXT(60), BYTES(17, 0, 1, 4, 0, 0, 0, 0)),
		FAULT6("routing header", IP_OPTIONS, NEXT(43), BYTES(17, 0, 4, 0, 0, 0, 0, 0)),
		FAULT6("authentication header", IP_OPTIONS, NEXT(51),
		       BYTES(17, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0)),
		FAULT6("options and fragment", IP_OPTIONS, NEXT(0),
		       BYTES(44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 7)),
		FAULT6("first fragment", FRAGMENT, NEXT(44), BYTES(17, 0, 0, 1, 0, 0, 0, 7)),
		FAULT6("next fragment", FRAGMENT, NEXT(44), BYTES(17, 0, 0, 9, 0, 0, 0, 7)),
		FAULT6("last fragment", FRAGMENT, NEXT(44), BYTES(17, 0, 0, 8, 0, 0, 0, 7)),
		FAULT6("fragment that is whole", FRAGMENT, NEXT(44), BYTES(17, 0, 0, 0, 0, 0, 0, 7)),
		/* An extension header is not looked into: as UDP, it would pass for a good one. */
		FAULT6("nothing behind options", IP_OPTIONS, NEXT(60)),
		FAULT6("jumbo payload", IP_OPTIONS, .patch = {{AT_IP6_NEXT, 1, 0}},
		       BYTES(17, 0, 194, 4, 0, 1, 0, 0)),
		FAULT6("payload length 0", TRUNCATED, PATCH(AT_IP6_LENGTH, 2, 0)),
		FAULT6("payload length 0, UDP as well", TRUNCATED,
		       .patch = {{AT_IP6_LENGTH, 2, 0}, {AT_UDP_LENGTH, 2, 0}}),
		FAULT6("payload length 7", TRUNCATED, PATCH(AT_IP6_LENGTH, 2, 7)),
		FAULT6("payload length 7, UDP as well", TRUNCATED,
		       .patch = {{AT_IP6_LENGTH, 2, 7}, {AT_UDP_LENGTH, 2, 7}}),
		FAULT6("payload length 8", TRUNCATED, PATCH(AT_IP6_LENGTH, 2, 8)),
		FAULT6("payload length 40 more", TRUNCATED, PATCH(AT_IP6_LENGTH, 2, 88)),
		FAULT6("payload length 65535", TRUNCATED, PATCH(AT_IP6_LENGTH, 2, 65535)),
		FAULT6("payload length at most, UDP as well", TRUNCATED,
		       .patch = {{AT_IP6_LENGTH, 2, 65535}, {AT_UDP_LENGTH, 2, 65535}}),
		FAULT6("both lengths beyond the frame", TRUNCATED,
		       .patch = {{AT_IP6_LENGTH, 2, 1008}, {AT_UDP_LENGTH, 2, 1008}}),
		FAULT6("source address, last byte", NO_FLOW, PATCH(AT_IP6_SOURCE + 15, 1, 99)),
		FAULT6("source address, byte 4", NO_FLOW, PATCH(AT_IP6_SOURCE + 4, 1, 99)),
		FAULT6("source address, byte 8", NO_FLOW, PATCH(AT_IP6_SOURCE + 8, 1, 99)),
		FAULT6("source network", NO_FLOW, PATCH(AT_IP6_SOURCE, 1, 99)),
		FAULT6("destination address, last byte", NO_FLOW, PATCH(AT_IP6_DEST + 15, 1, 99)),
		FAULT6("destination address, byte 4", NO_FLOW, PATCH(AT_IP6_DEST + 4, 1, 99)),
		FAULT6("destination address, byte 8", NO_FLOW, PATCH(AT_IP6_DEST + 8, 1, 99)),
		FAULT6("destination network", NO_FLOW, PATCH(AT_IP6_DEST, 1, 99)),
		FAULT6("no checksum", CHECKSUM, .checksum = SUM_ZERO),
	};

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
}

/* What the kernel would look for behind other headers, and what is not UDP at all. */
static enum verdict protocol_verdict(int family, int protocol)
{
	if (protocol == 17)
		return VERDICT_TO_PEER;
	if (family == 4)
		return VERDICT_NOT_UDP;
	if (protocol == 44)
		return VERDICT_FRAGMENT;
	if (protocol == 0 || protocol == 43 || protocol == 51 || protocol == 60)
		return VERDICT_IP_OPTIONS;
	return VERDICT_NOT_UDP;
}

static void test_every_protocol(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int family = 4; family <= 6; family += 2) {
		for (int protocol = 0; protocol < 256; protocol++) {
			struct row row = {"protocol", protocol_verdict(family, protocol), .in = family,
					  .data = 40};

			row.patch[0].at = family == 6 ? AT_IP6_NEXT : AT_IP4_PROTOCOL;
			row.patch[0].width = 1;
			row.patch[0].value = protocol;
			failed += !harness_row(&row);
		}
	}
	assert_int_equal(failed, 0);
}

/* Each bit of flags and offset by itself: only DF and the reserved one are harmless. */
static void test_every_fragment_bit(void **state)
{
	int failed = 0;

	(void)state;
	harness_need();
	for (int bit = 0; bit < 16; bit++) {
		struct row row = {"fragment bit", bit < 14 ? VERDICT_FRAGMENT : VERDICT_TO_PEER, .in = 4,
				  .data = 40, PATCH(AT_IP4_FRAG, 2, 1u << bit)};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

static void test_udp(void **state)
{
	static const struct row rows[] = {
		FAULT("length 0", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 0)),
		FAULT("length 7", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 7)),
		FAULT("length 8", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 8)),
		FAULT("length 65535", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 65535)),
		FAULT("length 65524 wraps", TRUNCATED, PATCH(AT_UDP_LENGTH, 2, 65524)),
		FAULT("byte after the datagram", TRUNCATED, .slack = 1),
		FAULT("bytes after the datagram", TRUNCATED, .slack = 20),
		FAULT("source port", NO_FLOW, PATCH(AT_UDP_SPORT, 2, 9999)),
		FAULT("destination port", NO_FLOW, PATCH(AT_UDP_DPORT, 2, 9999)),
	};
	int failed = 0;

	(void)state;
	harness_need();
	harness_table(ROWS(rows));
	for (int length = 0; length < 120; length++) {
		struct row row = {"length", length == 52 ? VERDICT_TO_PEER : VERDICT_TRUNCATED,
				  .data = 40, PATCH(AT_UDP_LENGTH, 2, length)};

		failed += !harness_row(&row);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet),
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_every_protocol),
		cmocka_unit_test(test_every_fragment_bit),
		cmocka_unit_test(test_udp),
	};

	return harness_run("packet: headers", tests, sizeof(tests) / sizeof(tests[0]));
}
