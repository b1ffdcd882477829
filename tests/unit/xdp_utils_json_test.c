/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: JSON, and the whole documents of a crafted snapshot. */
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_utils.h"
#include "xdp_utils/channels_json.h"
#include "xdp_utils/json.h"
#include "xdp_utils/server_json.h"
#include "xdp_utils/status_json.h"

static void test_strings(void **state)
{
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "\"\\/", "\\\"\\\\/" },
		{ "a\nb\tc\x01\x7f", "a\\u000ab\\u0009c\\u0001\\u007f" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "\xff" "a\xc3", "\\ufffda\\ufffd" },
		{ "\xc0\x80\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd" },
		{ "\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" },
	};
	struct written written;
	char wanted[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json json = { .out = written_open(&written) };

		json_string(&json, NULL, cases[i][0]);
		snprintf(wanted, sizeof(wanted), "\"%s\"", cases[i][1]);
		assert_written(cases[i][1], &written, wanted);
	}
}

static void test_values(void **state)
{
	struct written written;
	struct json json = { .out = written_open(&written) };

	(void)state;
	json_open(&json, NULL, '{');
	json_open(&json, "empty", '[');
	json_close(&json, '[');
	json_number(&json, "most", UINT64_MAX);
	json_real(&json, "real", 1.5);
	json_real(&json, "none", NAN);
	json_open(&json, "list", '[');
	json_bool(&json, NULL, true);
	json_open(&json, NULL, '{');
	json_close(&json, '{');
	json_null(&json, NULL);
	json_close(&json, '[');
	json_close(&json, '{');
	assert_written("values", &written, "{\"empty\": [], \"most\": 18446744073709551615, \"real\": 1.500, \"none\": null, "
				    "\"list\": [true, {}, null]}");
}

/* ---- whole documents: what is written here is what programs rely on ---- */

static void test_status(void **state)
{
	static struct snapshot snapshot;
	struct channel_entry entries[2];
	struct written written;
	struct json json = { .out = written_open(&written) };

	(void)state;
	craft_snapshot(&snapshot, entries);
	status_json_write(&json, &snapshot);
	assert_written("status", &written,
		    "{\"pid\": 42, \"process_seen\": true, \"program_id\": 7, \"programs\": 2, \"version\": 9, "
		    "\"uptime_seconds\": 90.000, \"mode\": \"native\", "
		    "\"problems\": [\"this host has IPsec policies, which XDP would bypass: "
		    "everything is relayed in userspace until they are removed\", "
		    "\"22 of 43 relay threads have not reported for 5 seconds: their channels are relayed in userspace, if at all\", "
		    "\"eth0 has fewer queues than this host has CPUs: what comes in by other interfaces and leaves by it is "
		    "relayed in userspace; ethtool -L gives it more\", "
		    "\"wlan0 does not carry the program: its packets are relayed in userspace\", "
		    "\"12 of 29 next hops are not resolved: packets to them are relayed in userspace\", "
		    "\"a first sentence\", \"a second sentence\"], "
		    "\"ipsec\": true, \"events_lost\": 3, \"interfaces\": ["
		    "{\"name\": \"eth0.7\", \"ifindex\": 3, \"mode\": \"native\", \"device\": \"eth0\", \"device_ifindex\": 2, "
		    "\"through_dispatcher\": true, \"no_redirect\": true, \"fault\": \"none\", \"lost_frames\": 32, \"text\": \"native mode on eth0, mtu 1500\"}, "
		    "{\"name\": \"wlan0\", \"ifindex\": 0, \"mode\": \"none\", \"device\": \"\", \"device_ifindex\": 0, "
		    "\"through_dispatcher\": false, \"no_redirect\": false, \"fault\": \"none\", \"lost_frames\": 0, "
		    "\"text\": \"there is no such interface\"}], \"stray_ifindex\": 0, "
		    "\"host\": {\"examines_ipv4\": true, \"examines_ipv6\": true, \"translates_ipv4\": false, "
		    "\"translates_ipv6\": true, \"text\": \"nf_tables: table inet filter chain input\", \"notes\": 2}, "
		    "\"tables\": {"
		    "\"channels\": {\"used\": 15, \"room\": 16}, "
		    "\"flows\": {\"used\": 47, \"room\": 32}, "
		    "\"vlans\": {\"used\": 25, \"room\": 26}, "
		    "\"devices\": {\"used\": 27, \"room\": 28}}, "
		    "\"next_hops\": {\"used\": 29, \"unresolved\": 12}, "
		    "\"relay_threads\": {\"alive\": 21, \"silent\": 22}, \"monitor_thread_silent\": false, "
		    "\"channels_left_in_userspace\": {\"client-not-udp\": 11, \"relay-not-udp\": 12, \"family\": 13, "
		    "\"wildcard\": 14, \"link-local\": 15, \"bound\": 16, \"group\": 17, \"loopback\": 18, \"number\": 19, "
		    "\"mapped\": 20, \"translated\": 21, \"host\": 22, \"unseen\": 23, \"one-way\": 24, \"share\": 25, "
		    "\"full\": 4, \"failed\": 5}, "
		    "\"interval_seconds\": 2.000, \"packets\": {"
		    "\"to-peer\": {\"text\": \"relayed to peer\", \"packets\": 1000, \"packets_per_second\": 100.500}, "
		    "\"to-client\": {\"text\": \"relayed to client\", \"packets\": 1001, \"packets_per_second\": 101.500}, "
		    "\"not-ip\": {\"text\": \"not IP in an Ethernet frame\", \"packets\": 1002, "
		    "\"packets_per_second\": 102.500}, "
		    "\"not-udp\": {\"text\": \"not UDP\", \"packets\": 1003, \"packets_per_second\": 103.500}, "
		    "\"not-ours\": {\"text\": \"Ethernet destination or VLAN is not this host's\", \"packets\": 1004, "
		    "\"packets_per_second\": 104.500}, "
		    "\"truncated\": {\"text\": \"frame, IP and UDP lengths do not agree\", \"packets\": 1005, "
		    "\"packets_per_second\": 105.500}, "
		    "\"ip-options\": {\"text\": \"IP header with options\", \"packets\": 1006, \"packets_per_second\": 106.500}, "
		    "\"ip-checksum\": {\"text\": \"IP header checksum wrong\", \"packets\": 1007, "
		    "\"packets_per_second\": 107.500}, "
		    "\"fragment\": {\"text\": \"IP fragment\", \"packets\": 1008, \"packets_per_second\": 108.500}, "
		    "\"no-flow\": {\"text\": \"no offloaded channel\", \"packets\": 1009, \"packets_per_second\": 109.500}, "
		    "\"bad-length\": {\"text\": \"ChannelData length does not fit the datagram\", \"packets\": 1010, "
		    "\"packets_per_second\": 110.500}, "
		    "\"ttl\": {\"text\": \"TTL too low to be relayed\", \"packets\": 1011, \"packets_per_second\": 111.500}, "
		    "\"server-silent\": {\"text\": \"the relay thread or the monitor thread has not reported for 5 seconds\", \"packets\": 1012, "
		    "\"packets_per_second\": 112.500}, "
		    "\"no-next-hop\": {\"text\": \"next hop not resolved\", \"packets\": 1013, \"packets_per_second\": 113.500}, "
		    "\"too-big\": {\"text\": \"larger than the MTU of the route out\", \"packets\": 1014, "
		    "\"packets_per_second\": 114.500}, "
		    "\"no-redirect\": {\"text\": \"the device out takes no redirected frames\", \"packets\": 1015, "
		    "\"packets_per_second\": 115.500}, "
		    "\"checksum\": {\"text\": \"UDP checksum cannot be completed here\", \"packets\": 1016, "
		    "\"packets_per_second\": 116.500}, "
		    "\"no-room\": {\"text\": \"the driver left no room for the header\", \"packets\": 1017, "
		    "\"packets_per_second\": 117.500}, "
		    "\"to-other-client\": {\"text\": \"relayed to another client of this server\", \"packets\": 1018, "
		    "\"packets_per_second\": 118.500}, "
		    "\"local\": {\"text\": \"to this host, but not to another offloaded channel\", \"packets\": 1019, "
		    "\"packets_per_second\": 119.500}, "
		    "\"frags\": {\"text\": \"in several buffers, which the device out does not take\", \"packets\": 1020, "
		    "\"packets_per_second\": 120.500}, "
		    "\"limited\": {\"text\": \"dropped: the session has used up its max-bps\", \"packets\": 1021, "
		    "\"packets_per_second\": 121.500}, "
		    "\"probation\": {\"text\": \"this host has not been seen to relay such packets\", \"packets\": 1022, "
		    "\"packets_per_second\": 122.500}, "
		    "\"sample\": {\"text\": \"to see whether this host still relays such packets\", \"packets\": 1023, "
		    "\"packets_per_second\": 123.500}}, "
		    "\"data_packets\": {\"kernel\": 4037, \"userspace\": 963}, \"bytes\": {\"received\": 60007, \"sent\": 60008}}");
}

static void test_channels(void **state)
{
	static struct snapshot snapshot;
	struct channel_entry entries[2];
	struct written written;
	struct json json = { .out = written_open(&written) };

	(void)state;
	craft_snapshot(&snapshot, entries);
	channels_json_write(&json, &snapshot, 0);
	assert_written("channels", &written,
		    "{\"pid\": 42, \"process_seen\": true, \"program_id\": 7, \"programs\": 2, \"version\": 9, "
		    "\"interval_seconds\": 2.000, \"channels\": ["
		    "{\"client\": {\"address\": \"192.0.2.2\", \"port\": 40000}, "
		    "\"server\": {\"address\": \"192.0.2.1\", \"port\": 3478}, "
		    "\"relay\": {\"address\": \"198.51.100.1\", \"port\": 50000}, "
		    "\"peer\": {\"address\": \"198.51.100.2\", \"port\": 7000}, "
		    "\"number\": 16385, \"session\": \"001000000000000004\", \"user\": \"alice\", "
		    "\"realm\": \"example.org\", \"age_seconds\": 4.750, \"relay_thread_alive\": true, "
		    "\"limit_bytes_per_second\": 64000, \"session_packets_dropped\": 31, \"to_peer\": {\"packets\": 32, "
		    "\"data_bytes\": 3172, \"received_bytes\": 3300, \"sent_bytes\": 3172, \"packets_per_second\": 1.500, "
		    "\"data_bits_per_second\": 12000.250, \"next_hop_known\": true, \"on_probation\": true}, "
		    "\"to_client\": {\"packets\": 33, \"data_bytes\": 3400, \"received_bytes\": 3400, \"sent_bytes\": 3532, "
		    "\"packets_per_second\": 2.500, \"data_bits_per_second\": 13000.750, \"next_hop_known\": false, \"on_probation\": true}}, "
		    "{\"client\": {\"address\": \"2001:db8:1::2\", \"port\": 40001}, "
		    "\"server\": {\"address\": \"2001:db8:1::1\", \"port\": 3479}, "
		    "\"relay\": {\"address\": \"2001:db8:2::1\", \"port\": 50001}, "
		    "\"peer\": {\"address\": \"2001:db8:2::2\", \"port\": 7001}, "
		    "\"number\": 32767, \"session\": null, \"user\": null, \"realm\": null, \"age_seconds\": 60.000, \"relay_thread_alive\": false, "
		    "\"limit_bytes_per_second\": null, \"session_packets_dropped\": null, \"to_peer\": {\"packets\": 35, "
		    "\"data_bytes\": 3460, \"received_bytes\": 3600, \"sent_bytes\": 3460, \"packets_per_second\": 3.500, "
		    "\"data_bits_per_second\": 14000.000, \"next_hop_known\": false, \"on_probation\": true}, "
		    "\"to_client\": {\"packets\": 36, \"data_bytes\": 3700, \"received_bytes\": 3700, \"sent_bytes\": 3844, "
		    "\"packets_per_second\": 4.500, \"data_bits_per_second\": 15000.000, \"next_hop_known\": true, \"on_probation\": true}}]}");
}

/* Without an earlier snapshot there are no rates; and so many lines are enough. */
static void test_first_snapshot(void **state)
{
	static struct snapshot snapshot;
	struct channel_entry entries[2];
	struct written written;
	char *text;
	struct json json = { .out = written_open(&written) };

	(void)state;
	craft_snapshot(&snapshot, entries);
	snapshot.seconds = 0;
	channels_json_write(&json, &snapshot, 1);
	status_json_write(&json, &snapshot);
	text = written_close(&written);
	assert_non_null(strstr(text, "\"packets_per_second\": null, \"data_bits_per_second\": null"));
	assert_non_null(strstr(text, "\"packets\": 1000, \"packets_per_second\": null}"));
	assert_non_null(strstr(text, "\"number\": 16385"));
	assert_null(strstr(text, "\"number\": 32767"));
	free(text);
}

static void test_servers(void **state)
{
	const struct server_list list = { 2, { { .pid = 42, .program = 7, .programs = 2, .version = 9, .seen = true },
					       { .pid = 43, .program = 8, .programs = 1, .version = 1 } } };
	struct written written;
	struct json json = { .out = written_open(&written) };

	(void)state;
	server_json_list(&json, &list);
	assert_written("list", &written,
		    "{\"servers\": ["
		    "{\"pid\": 42, \"process_seen\": true, \"program_id\": 7, \"programs\": 2, \"version\": 9}, "
		    "{\"pid\": 43, \"process_seen\": false, \"program_id\": 8, \"programs\": 1, \"version\": 1}]}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings),  cmocka_unit_test(test_values),         cmocka_unit_test(test_status),
		cmocka_unit_test(test_channels), cmocka_unit_test(test_first_snapshot), cmocka_unit_test(test_servers),
	};

	return cmocka_run_group_tests_name("xdp_utils_json", tests, NULL, NULL);
}
