/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "iface/attachment.h"
#include "iface/dispatcher.h"
#include "iface/member.h"
#include "iface/vlan.h"
#include "iface/watch.h"
#include "netlink/device.h"

static void write_line(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_line(char *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line, MODE_LINE, format, args);
	va_end(args);
}

static enum mode_outcome outcome_of(int error)
{
	if (!error)
		return MODE_CARRIED;
	return error == -EBUSY ? MODE_OCCUPIED : MODE_FAILED;
}

/* ---- trying ---- */

/* Whether a driver that has refused the program might take one for frames of several buffers. */
static bool frags_may_help(const struct mode_plan *plan, const struct link *device, int error)
{
	uint64_t features;

	if (plan->frags || plan->running || device->mtu <= ETH_DATA_LEN || error == -EPERM ||
	    error == -EBUSY || error == -EEXIST || error == -ENOSPC)
		return false;
	return device_xdp_features(device->ifindex, &features) || features & XDP_FEATURE_RX_SG;
}

/* Whether the kernel says that what the program relays would not leave by this device. */
static bool cannot_send(const struct link *device, char *why)
{
	char driver[DEVICE_DRIVER_SIZE];

	if (mode_check_features_unknown(device->ifindex) || attachment_takes_redirects(device->ifindex))
		return false;
	device_driver(device->name, driver);
	write_line(why, "the driver (%s) does not send what an XDP program relays", driver);
	return true;
}

/* The device has no program yet. */
static enum mode_outcome attach_native(const struct mode_plan *plan, const struct links *links, const struct link *device,
				       char *why)
{
	int error = mode_check_native(links, device, plan->mode == OPTION_MODE_NATIVE, why, MODE_LINE);

	if (error)
		return outcome_of(error);
	error = attachment_attach(device, false);
	if (error) {
		mode_check_explain(error, device, false, why, MODE_LINE);
		return frags_may_help(plan, device, error) ? MODE_NEEDS_FRAGS : outcome_of(error);
	}
	/* Some drivers say that they send only once a program is attached. */
	if (cannot_send(device, why)) {
		attachment_detach(device->ifindex);
		return MODE_FAILED;
	}
	return MODE_CARRIED;
}

static enum mode_outcome try_native(const struct mode_plan *plan, struct interface *interface,
				    const struct links *links, const struct link *link, char *why)
{
	struct vlan_key tags;
	const struct link *device = vlan_below(links, link, &tags);
	enum mode_outcome outcome = MODE_CARRIED;

	if (!device) {
		write_line(why, "the VLAN has more than %d tags, or the device below it is in another network namespace",
			   ABI_TAGS);
		return MODE_FAILED;
	}
	if (watch_distrusts(device->ifindex, why, MODE_LINE))
		return MODE_FAILED;
	if (attachment_state(device->ifindex) == ATTACHMENT_GENERIC) {
		write_line(why, "%s carries the program in generic mode already", device->name);
		return MODE_OCCUPIED;
	}
	if (attachment_state(device->ifindex) == ATTACHMENT_NONE)
		outcome = attach_native(plan, links, device, why);
	if (outcome == MODE_CARRIED)
		interface->device = device->ifindex;
	return outcome;
}

static enum mode_outcome try_generic(struct interface *interface, const struct links *links,
				     const struct link *link, char *why)
{
	int error = mode_check_generic(links, link, 0, why, MODE_LINE);

	if (!error && attachment_state(link->ifindex) == ATTACHMENT_NONE) {
		error = attachment_attach(link, true);
		if (error)
			mode_check_explain(error, link, true, why, MODE_LINE);
	}
	if (!error)
		interface->device = link->ifindex;
	return outcome_of(error);
}

static const char *down(const struct link *link)
{
	return link->up ? "" : "; the interface is down: channels over it are relayed once it is up";
}

static const char *name_of(enum attachment_state state)
{
	static const char *const names[] = {
		[ATTACHMENT_NONE] = "any",
		[ATTACHMENT_NATIVE] = "native",
		[ATTACHMENT_GENERIC] = "generic",
	};

	return names[state];
}

/* Whether the program may stay in the dispatcher of a device, in the mode that the dispatcher has. */
static bool suits(const struct mode_plan *plan, const struct links *links, const struct link *link,
		  enum attachment_state state, char *why)
{
	enum attachment_state wanted = plan->mode == OPTION_MODE_NATIVE  ? ATTACHMENT_NATIVE :
				       plan->mode == OPTION_MODE_GENERIC ? ATTACHMENT_GENERIC :
									   ATTACHMENT_NONE;

	if (wanted != ATTACHMENT_NONE && state != wanted) {
		write_line(why, "libxdp's dispatcher there runs in %s mode, and xdp-mode wants %s", name_of(state),
			   name_of(wanted));
		return false;
	}
	if (state == ATTACHMENT_GENERIC)
		return !mode_check_generic(links, link, link->ifindex, why, MODE_LINE);
	return !cannot_send(link, why);
}

/* Joins the programs that run there already, if libxdp's dispatcher runs them. */
static enum mode_outcome try_dispatcher(const struct mode_plan *plan, struct interface *interface,
					const struct links *links, const struct link *link, char *why)
{
	enum attachment_state state;

	if (!dispatcher_is_there(link->ifindex))
		return MODE_OCCUPIED;
	if (attachment_join(link, why, MODE_LINE))
		return MODE_OCCUPIED;
	state = attachment_state(link->ifindex);
	if (!suits(plan, links, link, state, why)) {
		attachment_detach(link->ifindex);
		return MODE_FAILED;
	}
	interface->device = link->ifindex;
	write_line(interface->line, "%s mode through libxdp's dispatcher, which runs other programs too, mtu %u%s",
		   name_of(state), link->mtu, down(link));
	interface->level = LOG_LEVEL_INFO;
	return MODE_CARRIED;
}

/* ---- saying what was chosen ---- */

static void describe_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
			    const struct link *link)
{
	bool trusted = plan->mode == OPTION_MODE_NATIVE && mode_check_features_unknown(interface->device);
	const struct link *device = links_find(links, interface->device);
	bool below = device && device != link;
	char members[MEMBER_NAMES] = "";

	if (device)
		member_names(links, device, members);
	write_line(interface->line, "native mode%s%s%s%s, mtu %u%s%s", below ? " on " : "",
		   below ? device->name : "", members[0] ? " by " : "", members, link->mtu, down(link),
		   trusted ? "; this kernel (before 6.3) does not say whether the driver sends what an XDP program "
			     "relays: if relayed packets are lost, use xdp-mode=generic" :
			     "");
	interface->level = trusted ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
}

void mode_describe(const struct mode_plan *plan, struct interface *interface, const struct links *links,
		   const struct link *link)
{
	if (attachment_state(interface->device) == ATTACHMENT_NATIVE && !attachment_is_dispatched(interface->device))
		describe_native(plan, interface, links, link);
}

static void describe_generic(struct interface *interface, const struct link *link, const char *why)
{
	write_line(interface->line, "generic mode, mtu %u%s%.360s%s", link->mtu, why[0] ? ": " : "", why, down(link));
	interface->level = LOG_LEVEL_INFO;
}

static void describe_none(const struct mode_plan *plan, struct interface *interface, const char *why_not_native,
			  const char *why_not_generic)
{
	static const char left_out[] = "left out, channels over it are relayed in userspace";

	if (why_not_native[0] && why_not_generic[0] && strcmp(why_not_native, why_not_generic) != 0)
		write_line(interface->line, "%s: no native mode: %.200s; no generic mode: %.200s", left_out,
			   why_not_native, why_not_generic);
	else
		write_line(interface->line, "%s: %.440s", left_out, why_not_generic[0] ? why_not_generic : why_not_native);
	interface->level = plan->running ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
}

/*
 * Packets only leave by an optional interface: in generic mode that takes no program, and
 * other devices take it from their drivers only if these have one.
 */
static enum mode_outcome choose_optional(const struct mode_plan *plan, struct interface *interface,
					 const struct links *links, const struct link *link)
{
	bool useless = plan->mode == OPTION_MODE_GENERIC || (plan->mode == OPTION_MODE_AUTO && plan->all_generic);
	char why[MODE_LINE] = "";

	interface->line[0] = '\0';
	if (useless) {
		/* The others may leave generic mode. */
		memset(&interface->inputs, 0, sizeof(interface->inputs));
		return MODE_FAILED;
	}
	if (!link->ethernet || try_native(plan, interface, links, link, why) != MODE_CARRIED)
		return MODE_FAILED;
	describe_native(plan, interface, links, link);
	return MODE_CARRIED;
}

enum mode_outcome mode_choose(const struct mode_plan *plan, struct interface *interface,
			      const struct links *links, const struct link *link)
{
	char why_native[MODE_LINE] = "", why_generic[MODE_LINE] = "";
	bool follows_others = plan->all_generic && plan->mode == OPTION_MODE_AUTO;
	enum mode_outcome outcome = MODE_FAILED;

	interface->chosen_ns = clock_monotonic_ns();
	if (!plan->running)
		dispatcher_clean(link->ifindex);
	mode_check_read_inputs(links, link, &interface->inputs);
	if (interface->optional)
		return choose_optional(plan, interface, links, link);
	if (!link->ethernet || device_driver_is(link->name, "dummy")) {
		describe_none(plan, interface, "",
			      link->ethernet ? "it is a dummy interface, which no packet comes in by" :
					       "it is not an Ethernet interface");
		return outcome;
	}
	if (follows_others)
		write_line(why_native, "another interface can only use generic mode and gets no packets from interfaces in "
				       "native mode, so all use generic mode; name only the interfaces that matter with "
				       "xdp-interface");
	else if (plan->mode != OPTION_MODE_GENERIC)
		outcome = try_native(plan, interface, links, link, why_native);
	if (outcome == MODE_CARRIED)
		describe_native(plan, interface, links, link);
	if (outcome == MODE_CARRIED || outcome == MODE_NEEDS_FRAGS)
		return outcome;
	if (plan->mode != OPTION_MODE_NATIVE)
		outcome = try_generic(interface, links, link, why_generic);
	if (outcome == MODE_CARRIED) {
		describe_generic(interface, link, why_native);
		/* Its driver was not tried: any feature that it has is reason enough to try it later. */
		if (follows_others)
			interface->inputs.features = 0;
		return outcome;
	}
	if (outcome == MODE_OCCUPIED)
		outcome = try_dispatcher(plan, interface, links, link, why_generic);
	if (outcome != MODE_CARRIED)
		describe_none(plan, interface, why_native, why_generic);
	return outcome;
}

void mode_absent(struct interface *interface)
{
	write_line(interface->line, "waiting for it, as there is no such interface; channels over it are relayed in userspace");
	interface->level = LOG_LEVEL_WARNING;
}

void mode_log(struct interface *interface)
{
	if (!interface->line[0] || !strcmp(interface->logged, interface->line))
		return;
	write_line(interface->logged, "%s", interface->line);
	log_line(interface->level, "%s: %s", interface->name, interface->line);
}
