/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "iface/dispatcher.h"
#include "netlink/device.h"
#include "iface/attachment.h"
#include "iface/vlan.h"

static void write_line(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_line(char *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line, MODE_LINE, format, args);
	va_end(args);
}

/* Whether a driver that has refused might take a program for several buffers. */
static bool frags_may_help(const struct mode_plan *plan, const struct link *device, int error)
{
	uint64_t features;

	if (plan->frags || device->mtu <= ETH_DATA_LEN || error == -EPERM || error == -EBUSY ||
	    error == -EEXIST || error == -ENOSPC)
		return false;
	return device_xdp_features(device->ifindex, &features) || features & XDP_FEATURE_RX_SG;
}

/* 0, or -errno with a reason. */
static int try_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
		      const struct link *link, char *why)
{
	struct vlan_key tags;
	const struct link *device = vlan_below(links, link, &tags);
	int error;

	if (!device) {
		write_line(why, "its VLAN has more than %d tags, or its device is not in this network namespace",
			   ABI_TAGS);
		return -EOPNOTSUPP;
	}
	if (attachment_state(device->ifindex) == ATTACHMENT_GENERIC) {
		write_line(why, "%s uses generic mode", device->name);
		return -EBUSY;
	}
	if (attachment_state(device->ifindex) == ATTACHMENT_NONE) {
		error = mode_check_native(device, plan->mode == OPTION_MODE_NATIVE, why, MODE_LINE);
		if (error)
			return error;
		error = attachment_attach(device, false);
		if (error) {
			mode_check_explain(error, device, why, MODE_LINE);
			return frags_may_help(plan, device, error) ? -EMSGSIZE : error;
		}
		if (!mode_check_features_unknown(device->ifindex) && !attachment_takes_redirects(device->ifindex)) {
			attachment_detach(device->ifindex);
			write_line(why, "its driver does not send what an XDP program relays");
			return -EOPNOTSUPP;
		}
	}
	interface->device = device->ifindex;
	return 0;
}

static int try_generic(struct interface *interface, const struct links *links,
		       const struct link *link, char *why)
{
	int error = mode_check_generic(links, link, 0, why, MODE_LINE);

	if (!error && attachment_state(link->ifindex) == ATTACHMENT_NONE) {
		error = attachment_attach(link, true);
		if (error)
			mode_check_explain(error, link, why, MODE_LINE);
	}
	if (!error)
		interface->device = link->ifindex;
	return error;
}

static const char *down(const struct link *link)
{
	return link->up ? "" : "; it is down, and relays when it comes up";
}

/*
 * Beside others, if what runs on the device is a dispatcher of libxdp that takes
 * another program; in the mode that it has.
 */
static int try_beside(const struct mode_plan *plan, struct interface *interface,
		      const struct links *links, const struct link *link, char *why)
{
	static const char *const names[] = { "any", "native", "generic" };
	enum attachment_state wanted = plan->mode == OPTION_MODE_NATIVE  ? ATTACHMENT_NATIVE :
				 plan->mode == OPTION_MODE_GENERIC ? ATTACHMENT_GENERIC :
								     ATTACHMENT_NONE;
	enum attachment_state state;

	if (!dispatcher_is_there(link->ifindex))
		return -EBUSY;
	if (attachment_join(link, why, MODE_LINE))
		return -EBUSY;
	state = attachment_state(link->ifindex);
	if (wanted != ATTACHMENT_NONE && state != wanted) {
		write_line(why, "libxdp's dispatcher runs in %s mode", names[state]);
	} else if (state == ATTACHMENT_GENERIC &&
		   mode_check_generic(links, link, link->ifindex, why, MODE_LINE)) {
		;
	} else if (state == ATTACHMENT_NATIVE && !mode_check_features_unknown(link->ifindex) &&
		   !attachment_takes_redirects(link->ifindex)) {
		write_line(why, "its driver does not send what an XDP program relays");
	} else {
		interface->device = link->ifindex;
		write_line(interface->line, "%s mode beside other programs, by libxdp's dispatcher, mtu %u%s",
			   names[state], link->mtu, down(link));
		interface->level = LOG_LEVEL_INFO;
		return 0;
	}
	attachment_detach(link->ifindex);
	return -EOPNOTSUPP;
}

static void note_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
			const struct link *link)
{
	bool untold = plan->mode == OPTION_MODE_NATIVE && mode_check_features_unknown(interface->device);
	const struct link *device = links_find(links, interface->device);
	bool below = device && device != link;

	write_line(interface->line, "native mode%s%s, mtu %u%s%s", below ? " on " : "",
		   below ? device->name : "", link->mtu, down(link),
		   untold ? "; kernels before 6.3 do not say whether the driver sends what an XDP program relays" :
			    "");
	interface->level = untold ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
}

static void note_generic(struct interface *interface, const struct link *link, const char *why)
{
	write_line(interface->line, "generic mode%s%.400s%s, mtu %u%s", why[0] ? " (" : "", why,
		   why[0] ? ")" : "", link->mtu, down(link));
	interface->level = LOG_LEVEL_INFO;
}

static void note_none(const struct mode_plan *plan, struct interface *interface, const char *why_not_native,
		      const char *why_not_generic)
{
	const char *native = strcmp(why_not_native, why_not_generic) ? why_not_native : "";

	write_line(interface->line, "left out, channels over it stay in userspace: %.220s%s%.220s", native,
		   native[0] && why_not_generic[0] ? "; " : "", why_not_generic);
	interface->level = plan->running ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
}

time_t mode_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

int mode_choose(const struct mode_plan *plan, struct interface *interface, const struct links *links,
	   const struct link *link)
{
	char why_native[MODE_LINE] = "", why_generic[MODE_LINE] = "";
	bool dragged = plan->all_generic && plan->mode == OPTION_MODE_AUTO;
	int error = -EOPNOTSUPP;

	interface->since = mode_now();
	if (!plan->running)
		dispatcher_clean(link->ifindex);
	mode_check_read_inputs(links, link, &interface->tried);
	if (!link->ethernet) {
		note_none(plan, interface, "", "it is not an Ethernet interface");
		return error;
	}
	if (dragged)
		write_line(why_native, "as another interface can do nothing else; xdp-interface names those that matter");
	else if (plan->mode != OPTION_MODE_GENERIC)
		error = try_native(plan, interface, links, link, why_native);
	if (!error) {
		note_native(plan, interface, links, link);
		return 0;
	}
	if (error == -EMSGSIZE && !plan->running)
		return error;
	if (plan->mode != OPTION_MODE_NATIVE)
		error = try_generic(interface, links, link, why_generic);
	if (error == -EBUSY) {
		error = try_beside(plan, interface, links, link, why_generic);
		if (!error)
			return 0;
	}
	if (error) {
		note_none(plan, interface, why_native, why_generic);
		return error;
	}
	note_generic(interface, link, why_native);
	if (dragged)
		interface->tried.features = 0; /* its driver was not asked */
	return 0;
}

void mode_absent(const struct mode_plan *plan, struct interface *interface)
{
	note_none(plan, interface, "", "there is no such interface");
}

void mode_log(struct interface *interface)
{
	if (!interface->line[0] || !strcmp(interface->said, interface->line))
		return;
	write_line(interface->said, "%s", interface->line);
	log_line(interface->level, "%s: %s", interface->name, interface->line);
}
