/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp: the whole page of metrics of a crafted snapshot. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xdp_utils.h"
#include "xdp_utils/metrics.h"

static char *page(const struct measured *measured, unsigned int count, bool each_channel)
{
	struct written written;
	FILE *out = written_open(&written);

	metrics_write(out, measured, count, each_channel);
	return written_close(&written);
}

/* What is written here is what dashboards and alarms rely on. */
static const char servers_part[] =
	"# HELP turn_xdp_servers Servers on this host that relay channels in the kernel.\n"
	"# TYPE turn_xdp_servers gauge\n"
	"turn_xdp_servers 2\n"
	"# HELP turn_xdp_up 1 if the tables of a server could be read.\n"
	"# TYPE turn_xdp_up gauge\n"
	"turn_xdp_up{pid=\"42\"} 1\n"
	"turn_xdp_up{pid=\"43\"} 0\n"
	"# HELP turn_xdp_start_time_seconds When the offload started, in seconds since 1970.\n"
	"# TYPE turn_xdp_start_time_seconds gauge\n"
	"turn_xdp_start_time_seconds{pid=\"42\"} 1700000000\n"
	"# HELP turn_xdp_channels Channels that the kernel relays.\n"
	"# TYPE turn_xdp_channels gauge\n"
	"turn_xdp_channels{pid=\"42\"} 15\n"
	"# HELP turn_xdp_channels_max Channels that the kernel's tables have room for.\n"
	"# TYPE turn_xdp_channels_max gauge\n"
	"turn_xdp_channels_max{pid=\"42\"} 16\n"
	"# HELP turn_xdp_flows Flows in the kernel's tables, two for each channel, by what comes in.\n"
	"# TYPE turn_xdp_flows gauge\n"
	"turn_xdp_flows{pid=\"42\",family=\"ipv4\"} 23\n"
	"turn_xdp_flows{pid=\"42\",family=\"ipv6\"} 24\n"
	"# HELP turn_xdp_next_hops Next hops in use; packets to unknown ones are relayed in userspace.\n"
	"# TYPE turn_xdp_next_hops gauge\n"
	"turn_xdp_next_hops{pid=\"42\",state=\"known\"} 17\n"
	"turn_xdp_next_hops{pid=\"42\",state=\"unknown\"} 12\n"
	"# HELP turn_xdp_relay_threads Relay threads; channels of silent ones are not relayed in the kernel.\n"
	"# TYPE turn_xdp_relay_threads gauge\n"
	"turn_xdp_relay_threads{pid=\"42\",state=\"alive\"} 21\n"
	"turn_xdp_relay_threads{pid=\"42\",state=\"silent\"} 22\n"
	"# HELP turn_xdp_monitor_silent 1 if the monitor thread is silent, which keeps all channels in userspace.\n"
	"# TYPE turn_xdp_monitor_silent gauge\n"
	"turn_xdp_monitor_silent{pid=\"42\"} 0\n"
	"# HELP turn_xdp_interface_attached 1 if an interface carries the program, 0 if it should and does not.\n"
	"# TYPE turn_xdp_interface_attached gauge\n"
	"turn_xdp_interface_attached{pid=\"42\",interface=\"eth0.7\",device=\"eth0\",mode=\"native\"} 1\n"
	"turn_xdp_interface_attached{pid=\"42\",interface=\"wlan0\",device=\"\",mode=\"none\"} 0\n"
	"# HELP turn_xdp_interface_no_redirect 1 if an interface has too few queues for packets from other interfaces, "
	"which are relayed in userspace.\n"
	"# TYPE turn_xdp_interface_no_redirect gauge\n"
	"turn_xdp_interface_no_redirect{pid=\"42\",interface=\"eth0.7\"} 1\n"
	"turn_xdp_interface_no_redirect{pid=\"42\",interface=\"wlan0\"} 0\n"
	"# HELP turn_xdp_interface_fault 1 if native mode was seen not to work on an interface, by what is wrong.\n"
	"# TYPE turn_xdp_interface_fault gauge\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"eth0.7\",fault=\"never-runs\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"eth0.7\",fault=\"no-room\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"eth0.7\",fault=\"not-sent\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"eth0.7\",fault=\"drops-redirects\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"wlan0\",fault=\"never-runs\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"wlan0\",fault=\"no-room\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"wlan0\",fault=\"not-sent\"} 0\n"
	"turn_xdp_interface_fault{pid=\"42\",interface=\"wlan0\",fault=\"drops-redirects\"} 0\n"
	"# HELP turn_xdp_lost_frames_total Frames that the program sent by an interface's device and that the driver dropped.\n"
	"# TYPE turn_xdp_lost_frames_total counter\n"
	"turn_xdp_lost_frames_total{pid=\"42\",interface=\"eth0.7\"} 32\n"
	"turn_xdp_lost_frames_total{pid=\"42\",interface=\"wlan0\"} 0\n"
	"# HELP turn_xdp_ipsec_blocked 1 if the host's IPsec policies keep all channels in userspace.\n"
	"# TYPE turn_xdp_ipsec_blocked gauge\n"
	"turn_xdp_ipsec_blocked{pid=\"42\"} 1\n"
	"# HELP turn_xdp_host_examines 1 if the host has what may refuse or change packets, by family.\n"
	"# TYPE turn_xdp_host_examines gauge\n"
	"turn_xdp_host_examines{pid=\"42\",family=\"ipv4\"} 1\n"
	"turn_xdp_host_examines{pid=\"42\",family=\"ipv6\"} 1\n"
	"# HELP turn_xdp_host_translates 1 if the host has what may change addresses or ports, by family.\n"
	"# TYPE turn_xdp_host_translates gauge\n"
	"turn_xdp_host_translates{pid=\"42\",family=\"ipv4\"} 0\n"
	"turn_xdp_host_translates{pid=\"42\",family=\"ipv6\"} 1\n"
	"# HELP turn_xdp_host_notes Rules, queueing disciplines, filters and chains that packets relayed in the kernel do not pass.\n"
	"# TYPE turn_xdp_host_notes gauge\n"
	"turn_xdp_host_notes{pid=\"42\"} 2\n"
	"# HELP turn_xdp_events_lost_total Times that events of the kernel were lost and the server read everything again.\n"
	"# TYPE turn_xdp_events_lost_total counter\n"
	"turn_xdp_events_lost_total{pid=\"42\"} 3\n"
	"# HELP turn_xdp_channels_left_total Channel bindings that stayed in userspace, by reason.\n"
	"# TYPE turn_xdp_channels_left_total counter\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"client-not-udp\"} 11\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"relay-not-udp\"} 12\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"family\"} 13\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"wildcard\"} 14\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"link-local\"} 15\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"bound\"} 16\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"group\"} 17\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"loopback\"} 18\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"number\"} 19\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"mapped\"} 20\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"translated\"} 21\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"host\"} 22\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"unseen\"} 23\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"one-way\"} 24\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"share\"} 25\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"full\"} 4\n"
	"turn_xdp_channels_left_total{pid=\"42\",reason=\"failed\"} 5\n"
	"# HELP turn_xdp_packets_total Packets that the program saw, by what became of them.\n"
	"# TYPE turn_xdp_packets_total counter\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"to-peer\"} 1000\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"to-client\"} 1001\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"not-ip\"} 1002\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"not-udp\"} 1003\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"not-ours\"} 1004\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"truncated\"} 1005\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"ip-options\"} 1006\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"ip-checksum\"} 1007\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"fragment\"} 1008\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"no-flow\"} 1009\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"bad-length\"} 1010\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"ttl\"} 1011\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"server-silent\"} 1012\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"no-next-hop\"} 1013\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"too-big\"} 1014\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"no-redirect\"} 1015\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"checksum\"} 1016\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"no-room\"} 1017\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"to-other-client\"} 1018\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"local\"} 1019\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"frags\"} 1020\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"limited\"} 1021\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"probation\"} 1022\n"
	"turn_xdp_packets_total{pid=\"42\",verdict=\"sample\"} 1023\n"
	"# HELP turn_xdp_data_packets_total Datagrams of data that the kernel and coturn itself have relayed; the latter are up to a second old.\n"
	"# TYPE turn_xdp_data_packets_total counter\n"
	"turn_xdp_data_packets_total{pid=\"42\",by=\"kernel\"} 4037\n"
	"turn_xdp_data_packets_total{pid=\"42\",by=\"userspace\"} 963\n"
	"# HELP turn_xdp_received_bytes_total UDP payload of relayed packets as received; it is up to a second old.\n"
	"# TYPE turn_xdp_received_bytes_total counter\n"
	"turn_xdp_received_bytes_total{pid=\"42\"} 60007\n"
	"# HELP turn_xdp_sent_bytes_total UDP payload of relayed packets as sent; it is up to a second old.\n"
	"# TYPE turn_xdp_sent_bytes_total counter\n"
	"turn_xdp_sent_bytes_total{pid=\"42\"} 60008\n";

static const char channels_part[] =
	"# HELP turn_xdp_channel_packets_total Packets of a channel.\n"
	"# TYPE turn_xdp_channel_packets_total counter\n"
	"turn_xdp_channel_packets_total{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\",direction=\"to-peer\"} 32\n"
	"turn_xdp_channel_packets_total{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\",direction=\"to-client\"} 33\n"
	"turn_xdp_channel_packets_total{pid=\"42\",client=\"[2001:db8:1::2]:40001\",relay=\"[2001:db8:2::1]:50001\",peer=\"[2001:db8:2::2]:7001\""
	",number=\"0x7fff\",user=\"\",realm=\"\",direction=\"to-peer\"} 35\n"
	"turn_xdp_channel_packets_total{pid=\"42\",client=\"[2001:db8:1::2]:40001\",relay=\"[2001:db8:2::1]:50001\",peer=\"[2001:db8:2::2]:7001\""
	",number=\"0x7fff\",user=\"\",realm=\"\",direction=\"to-client\"} 36\n"
	"# HELP turn_xdp_channel_data_bytes_total Data of a channel, without ChannelData headers.\n"
	"# TYPE turn_xdp_channel_data_bytes_total counter\n"
	"turn_xdp_channel_data_bytes_total{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\",direction=\"to-peer\"} 3172\n"
	"turn_xdp_channel_data_bytes_total{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\",direction=\"to-client\"} 3400\n"
	"turn_xdp_channel_data_bytes_total{pid=\"42\",client=\"[2001:db8:1::2]:40001\",relay=\"[2001:db8:2::1]:50001\",peer=\"[2001:db8:2::2]:7001\""
	",number=\"0x7fff\",user=\"\",realm=\"\",direction=\"to-peer\"} 3460\n"
	"turn_xdp_channel_data_bytes_total{pid=\"42\",client=\"[2001:db8:1::2]:40001\",relay=\"[2001:db8:2::1]:50001\",peer=\"[2001:db8:2::2]:7001\""
	",number=\"0x7fff\",user=\"\",realm=\"\",direction=\"to-client\"} 3700\n"
	"# HELP turn_xdp_channel_limit_bytes Bytes per second, in each direction on each side, that max-bps allows the channel's session.\n"
	"# TYPE turn_xdp_channel_limit_bytes gauge\n"
	"turn_xdp_channel_limit_bytes{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\"} 64000\n"
	"# HELP turn_xdp_channel_session_dropped_total Packets of the channel's session that the kernel dropped for max-bps.\n"
	"# TYPE turn_xdp_channel_session_dropped_total counter\n"
	"turn_xdp_channel_session_dropped_total{pid=\"42\",client=\"192.0.2.2:40000\",relay=\"198.51.100.1:50000\",peer=\"198.51.100.2:7000\""
	",number=\"0x4001\",user=\"alice\",realm=\"example.org\"} 31\n";

/* A server with tables, and one whose tables cannot be read. */
static void test_page(void **state)
{
	static struct snapshot snapshot;
	static char wanted[sizeof(servers_part) + sizeof(channels_part)];
	struct channel_entry entries[2];
	struct server other = { .pid = 43, .version = 8, .seen = true };
	struct measured measured[] = { { &snapshot.server, &snapshot }, { &other, NULL } };
	char *text;

	(void)state;
	craft_snapshot(&snapshot, entries);
	text = page(measured, 2, false);
	assert_text("the page", text, servers_part);
	free(text);
	text = page(measured, 2, true);
	snprintf(wanted, sizeof(wanted), "%s%s", servers_part, channels_part);
	assert_text("the page with channels", text, wanted);
	free(text);
}

static void test_no_server(void **state)
{
	char *text = page(NULL, 0, true);

	(void)state;
	assert_text("the page without servers", text,
		    "# HELP turn_xdp_servers Servers on this host that relay channels in the kernel.\n"
		    "# TYPE turn_xdp_servers gauge\n"
		    "turn_xdp_servers 0\n");
	free(text);
}

/* The process ID does not tell two servers from each other whose processes are not seen. */
static void check_two_servers(bool seen, uint32_t second_pid, const char *wanted)
{
	static struct snapshot one, other;
	struct measured measured[] = { { &one.server, &one }, { &other.server, &other } };
	char *text;

	simple_snapshot(&one, NULL, 0);
	simple_snapshot(&other, NULL, 3);
	other.channels.count = 0;
	one.server.seen = other.server.seen = seen;
	other.server.pid = second_pid;
	other.server.program = 8;
	text = page(measured, 2, false);
	assert_non_null(strstr(text, wanted));
	free(text);
}

/* All series of a metric stand together, those of the first server first. */
static void test_two_servers(void **state)
{
	(void)state;
	check_two_servers(true, 43, "gauge\nturn_xdp_channels{pid=\"42\"} 0\nturn_xdp_channels{pid=\"43\"} 3\n#");
	check_two_servers(false, 42, "gauge\nturn_xdp_channels{pid=\"42\",program_id=\"7\"} 0\n"
				       "turn_xdp_channels{pid=\"42\",program_id=\"8\"} 3\n#");
}

/* Names of interfaces are whatever root likes. */
static void test_odd_names(void **state)
{
	static struct snapshot snapshot;
	struct measured measured = { &snapshot.server, &snapshot };
	char *text;

	(void)state;
	simple_snapshot(&snapshot, NULL, 0);
	strcpy(snapshot.status.interface[0].name, "\x1b[2J\"\\\xff");
	text = page(&measured, 1, true);
	assert_non_null(strstr(text, "turn_xdp_interface_attached{pid=\"42\",interface=\"?[2J\\\"\\\\?\","));
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_no_server),
		cmocka_unit_test(test_two_servers),
		cmocka_unit_test(test_odd_names),
	};

	return cmocka_run_group_tests_name("xdp_utils_metrics", tests, NULL, NULL);
}
