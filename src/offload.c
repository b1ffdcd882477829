/* SPDX-License-Identifier: BSD-3-Clause */
#include "offload.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "iface/manager.h"
#include "channel/channel.h"
#include "base/log.h"
#include "table/maps.h"
#include "netlink/rtnetlink.h"
#include "route/nexthop.h"
#include "base/capability.h"
#include "loader.h"

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

static int socket_style(struct channel_style *style)
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
	struct mnl_socket *netlink = netlink_open();
	int error = netlink ? 0 : -errno;

	if (error)
		log_line(LOG_LEVEL_ERROR,
			 "no netlink socket, which tells of links and routes: %s; a unit of systemd must allow it with "
			 "RestrictAddressFamilies=AF_NETLINK",
			 strerror(-error));
	netlink_close(netlink);
	return error;
}

static int find_interfaces(const struct settings *settings, const char *const *addresses,
			   unsigned int count, struct interface_list *list)
{
	int error;

	list->count = settings->interfaces;
	memcpy(list->name, settings->interface, sizeof(list->name));
	if (list->count)
		return 0;
	for (unsigned int i = 0; i < count; i++) {
		error = interfaces_of_address(addresses[i], list);
		if (error == -ENOSPC)
			log_line(LOG_LEVEL_WARNING, "%s: more than %d interfaces; name those that matter with xdp-interface",
				 addresses[i], ABI_PORTS);
		else if (error == -EADDRNOTAVAIL)
			log_line(LOG_LEVEL_INFO, "%s: on no interface but the loopback, which carries nothing: its channels "
						 "are relayed in userspace", addresses[i]);
		else if (error)
			log_line(LOG_LEVEL_WARNING, "%s: no interface found for this address: %s", addresses[i],
				 strerror(-error));
	}
	return 0;
}

int offload_start(const struct settings *settings, const char *const *addresses, unsigned int count,
		  int client_ttl_fixed)
{
	static const struct nexthop_callbacks callbacks = {
		.device_flags = program_device_flags,
		.links_changed = program_links_changed,
	};
	struct channel_style style = { .client_ttl_fixed = (uint8_t)client_ttl_fixed };
	struct interface_list interfaces;
	unsigned int carriers, all;
	struct map_set maps;
	int error;

	privilege_raise();
	error = check_netlink();
	if (!error)
		error = find_interfaces(settings, addresses, count, &interfaces);
	if (!error)
		error = socket_style(&style);
	if (error)
		return error;
	error = program_start(settings, &interfaces, &maps);
	if (error)
		return error;
	error = map_open(&maps);
	if (error)
		goto program;
	error = channel_start(settings->channels, &style);
	if (error)
		goto map;
	map_state_begin(settings->channels, settings->mode);
	error = nexthop_start(maps.hop_rows, &callbacks);
	if (error)
		goto channel;
	carriers = attach_carriers(&all);
	log_line(LOG_LEVEL_INFO, "offload of UDP channels is on, for up to %u channels, on %u of %u interfaces (xdp-mode %s)",
		 settings->channels, carriers, all, option_mode_name(settings->mode));
	return 0;
channel:
	channel_stop();
map:
	map_close();
program:
	program_stop();
	log_line(LOG_LEVEL_ERROR, "the offload cannot start: %s", strerror(-error));
	return error;
}

void offload_privileges_dropped(void)
{
	nexthop_privileges_dropped();
}

void offload_beat(uint16_t owner)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	map_deadline_put(owner, ((uint64_t)now.tv_sec + OFFLOAD_SILENCE_SECONDS) * 1000000000 +
					(uint64_t)now.tv_nsec);
}

void offload_count_refusal(enum channel_refusal refusal)
{
	map_refusal_count(refusal);
}

void offload_count_failure(int error)
{
	map_failure_count(error);
}
