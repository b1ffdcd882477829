/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_find.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "iface/selection.h"
#include "netlink/links.h"

#define TOPIC "interfaces"
#define LOG_PREFIX "xdp: "

/* ---- the server's addresses ---- */

/* Adds an address that is not there yet. */
static void add(struct check_addresses *list, const char *address)
{
	for (unsigned int i = 0; i < list->count; i++) {
		if (!strcmp(list->address[i], address))
			return;
	}
	if (list->count < CHECK_ADDRESSES)
		snprintf(list->address[list->count++], INET6_ADDRSTRLEN, "%s", address);
}

/* Writes an address as text. False if it is none of those that turnserver uses when it is not told which. */
static bool is_used(const struct ifaddrs *one, char text[INET6_ADDRSTRLEN])
{
	const struct sockaddr *address = one->ifa_addr;

	if (!(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK) || !address)
		return false;
	if (address->sa_family == AF_INET)
		return inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, text, INET6_ADDRSTRLEN) &&
		       strncmp(text, "169.254.", 8) != 0;
	return address->sa_family == AF_INET6 &&
	       inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, text, INET6_ADDRSTRLEN) &&
	       strncmp(text, "fe80", 4) != 0;
}

/* turnserver listens on all addresses if it is not told which, and relays from all. */
static void add_all(struct check_addresses *list)
{
	struct ifaddrs *all;
	char text[INET6_ADDRSTRLEN];

	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		if (is_used(one, text))
			add(list, text);
	}
	freeifaddrs(all);
}

/* Those that turnserver listens on and relays from. It relays from those that it was told to listen on. */
static void collect(const struct check_config *config, struct check_addresses *list)
{
	list->count = 0;
	for (unsigned int i = 0; i < config->listening.count; i++)
		add(list, config->listening.address[i]);
	for (unsigned int i = 0; i < config->relay.count; i++)
		add(list, config->relay.address[i]);
	if (!config->listening.count)
		add_all(list);
}

/* ---- the interfaces ---- */

/* What the server would log becomes rows. The sink has no argument of its own. */
static struct check_report *told;

static void take_line(enum log_level level, const char *line)
{
	if (level != LOG_LEVEL_INFO)
		check_report_add(told, CHECK_NOTE, TOPIC, NULL, "%s", line + strlen(LOG_PREFIX));
}

static int select_interfaces(const struct settings *settings, const struct check_addresses *list,
			     struct interface_list *selected)
{
	const char *texts[CHECK_ADDRESSES] = { NULL };
	struct links links;
	int error = links_read(&links);

	if (error)
		return error;
	for (unsigned int i = 0; i < list->count; i++)
		texts[i] = list->address[i];
	error = selection_start(settings, texts, list->count);
	if (!error)
		error = selection_find(&links, selected);
	selection_stop();
	links_free(&links);
	return error;
}

void check_find(const struct check_config *config, const struct settings *settings, struct check_names *names,
		struct check_report *report)
{
	static struct check_addresses addresses;
	struct interface_list selected = { 0 };
	int error;

	collect(config, &addresses);
	told = report;
	log_to(take_line);
	error = select_interfaces(settings, &addresses, &selected);
	log_to(NULL);
	for (names->count = 0; names->count < selected.count; names->count++) {
		memcpy(names->name[names->count], selected.entry[names->count].name, IFNAMSIZ);
		names->optional[names->count] = selected.entry[names->count].optional;
	}
	/* If links cannot be read, check_interface_read says so. */
	if (!error && !names->count)
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "none of the server's addresses is on an interface other than the loopback; name an interface "
				 "with xdp-interface");
}
