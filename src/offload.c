/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/clock.h"
#include "base/log.h"
#include "channel/channel.h"
#include "channel/examples.h"
#include "host/host.h"
#include "iface/manager.h"
#include "iface/selection.h"
#include "loader.h"
#include "netlink/request.h"
#include "netlink/rtnetlink.h"
#include "route/nexthop.h"
#include "route/watchdog.h"
#include "table/gates.h"
#include "table/maps.h"
#include "table/sessions.h"
#include "table/status.h"

/* How long an example of a flow counts at most. */
#define EXAMPLE_PERIOD_MS 20000

/* An option of a new UDP socket of this host: coturn leaves these as they are. */
static int socket_option(int family, int level, int option, int *value)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*value);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, level, option, value, &size))
		error = -errno;
	close(fd);
	return error;
}

static int socket_style(struct flow_style *style)
{
	int ttl, ttl6, discover, labels, error;

	error = socket_option(AF_INET, IPPROTO_IP, IP_TTL, &ttl);
	if (!error)
		error = socket_option(AF_INET, IPPROTO_IP, IP_MTU_DISCOVER, &discover);
	if (error)
		return error;
	style->ttl = (uint8_t)ttl;
	style->client_df = discover != IP_PMTUDISC_DONT;
	/* A host without IPv6 has no such sockets, and no such channels. */
	if (!socket_option(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl6))
		style->ttl6 = (uint8_t)ttl6;
	if (!socket_option(AF_INET6, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, &labels))
		style->flow_labels = labels;
	return getrandom(&style->secret, sizeof(style->secret), 0) < 0 ? -errno : 0;
}

/* What forbids it is most likely a sandbox, which can be told. */
static int check_netlink(void)
{
	struct mnl_socket *netlink = rtnetlink_open();
	int error = netlink ? 0 : -errno;

	if (error)
		log_line(LOG_LEVEL_ERROR,
			 "no netlink socket, which tells of links and routes: %s; a unit of systemd must allow it with "
			 "RestrictAddressFamilies=AF_NETLINK",
			 strerror(-error));
	rtnetlink_close(netlink);
	return error;
}

/* What the log says of the interfaces. It is found out before there is a monitor thread, which changes them. */
struct reach {
	unsigned int carriers, all;
	bool waits; /* for addresses */
};

static struct reach find_reach(void)
{
	struct reach reach = { .waits = selection_waits() };

	reach.carriers = manager_carriers(&reach.all);
	return reach;
}

static void say_started(const struct settings *settings, const struct reach *reach)
{
	const char *mode = option_mode_name(settings->mode);

	if (reach->carriers)
		log_line(LOG_LEVEL_INFO, "offload of UDP channels is on, for up to %u channels, on %u of %u interfaces%s (xdp-mode %s)",
			 settings->channels, reach->carriers, reach->all, reach->waits ? ", and waits for addresses" : "", mode);
	else
		log_line(LOG_LEVEL_WARNING,
			 "offload of UDP channels is on, for up to %u channels, but no interface carries the program yet: "
			 "everything is relayed in userspace until one does (xdp-mode %s)",
			 settings->channels, mode);
}

/*
 * The time between two examples of a flow. Connection tracking forgets a flow without an answer after its time
 * out, and each sample counts as a packet of it.
 */
static uint64_t example_period_ms(void)
{
	uint64_t timeout_ms = 1000ull * survey_udp_timeout();

	return timeout_ms < EXAMPLE_PERIOD_MS * 3 / 2 ? timeout_ms * 2 / 3 : EXAMPLE_PERIOD_MS;
}

static void host_changed(const struct survey *survey)
{
	examples_set_period(example_period_ms());
	gates_host_changed(survey->flags & GATES_HOST_ALL);
}

static int start(const struct settings *settings, const char *const *addresses, unsigned int count, int client_ttl_fixed)
{
	static const struct nexthop_callbacks callbacks = {
		.device_flags = loader_device_flags,
		.look_at_links = loader_look_at_links,
		.host = { host_listen, host_heard, host_look },
	};
	static const struct host_callbacks host = { .changed = host_changed, .devices = loader_devices };
	struct flow_style style = { .client_ttl_fixed = (uint8_t)client_ttl_fixed };
	struct reach reach;
	struct maps maps;
	int error;

	capability_raise();
	error = check_netlink();
	if (error)
		return error;
	error = socket_style(&style);
	if (!error)
		error = selection_start(settings, addresses, count);
	if (error) {
		log_line(LOG_LEVEL_ERROR, "the offload cannot start: %s", strerror(-error));
		return error;
	}
	error = loader_start(settings, &maps);
	if (error)
		goto selection;
	error = maps_open(&maps);
	if (error)
		goto program;
	/* A session has one channel at least. */
	error = sessions_open(settings->channels);
	if (error)
		goto maps;
	channel_start(&style);
	status_begin(settings->channels, settings->mode);
	host_start(&host);
	reach = find_reach();
	error = nexthop_start(maps.hop_entries, &callbacks);
	if (error)
		goto host;
	say_started(settings, &reach);
	return 0;
host:
	host_stop();
	sessions_close();
maps:
	maps_close();
program:
	loader_stop();
	log_line(LOG_LEVEL_ERROR, "the offload cannot start: %s", strerror(-error));
selection:
	selection_stop();
	return error;
}

int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed)
{
	int error = start(settings, addresses, count, client_ttl_fixed);

	/* From now on the monitor thread asks, with sockets of its own. */
	request_socket_forget_own();
	return error;
}

bool offload_is_built(void)
{
	return true;
}

void offload_privileges_dropped(void)
{
	nexthop_privileges_dropped();
}

void offload_beat(uint16_t owner)
{
	maps_deadline_put(owner, watchdog_deadline(clock_monotonic_ns()));
}

int offload_channel_open(const struct channel_request *request, uint16_t owner, struct channel *channel)
{
	return channel_open(request, owner, channel);
}

int offload_session_take(const struct session_entry *session, uint32_t *number)
{
	return sessions_take(session, number);
}

void offload_session_give(uint32_t number)
{
	sessions_give(number);
}

struct limit *offload_session_limit(uint32_t number)
{
	return sessions_limit(number);
}

void offload_count_relayed(uint64_t bytes_in, uint64_t bytes_out)
{
	status_count_total(bytes_in, bytes_out);
}

void offload_count_userspace(uint64_t packets)
{
	status_count_userspace(packets);
}

void offload_channel_close(struct channel *channel)
{
	channel_close(channel);
}

void offload_channel_clear_df(struct channel *channel)
{
	channel_clear_df(channel);
}

void offload_channel_fetch(const struct channel *channel)
{
	channel_fetch(channel);
}

bool offload_channel_moved(const struct channel *channel)
{
	return channel_moved(channel);
}

void offload_channel_fetch_rest(const struct channel *channel)
{
	channel_fetch_rest(channel);
}

void offload_channel_read(struct channel *channel, struct usage *to_peer, struct usage *to_client)
{
	channel_read(channel, to_peer, to_client);
}

bool offload_wants_examples(void)
{
	return gates_host(gates_now());
}

int offload_host_listen(void)
{
	return gates_listen();
}

void offload_channel_relayed(struct channel *channel, bool to_client, int error)
{
	channel_relayed(channel, to_client ? TO_CLIENT : TO_PEER, error);
}

enum refusal offload_channel_look(struct channel *channel, bool second)
{
	return channel_look(channel, second);
}

bool offload_is_crowded(void)
{
	return maps_flows_crowded();
}

void offload_channel_free(struct channel *channel)
{
	channel_free(channel);
}

void offload_count_refusal(enum refusal refusal)
{
	status_count_refusal(refusal);
}

void offload_count_failure(int error)
{
	status_count_failure(error);
}
