/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/clock.h"
#include "iface/attachment.h"
#include "iface/dispatcher.h"
#include "iface/driver_check.h"
#include "iface/leaving.h"
#include "iface/mode_line.h"
#include "iface/own_addresses.h"
#include "iface/vlan.h"
#include "iface/watch.h"
#include "netlink/device.h"

static enum mode_outcome outcome_of(int error)
{
	if (!error)
		return MODE_CARRIED;
	return error == -EBUSY ? MODE_OCCUPIED : MODE_FAILED;
}

/* ---- trying ---- */

/* Whether a driver that has refused the program might take the one for frames of several buffers. */
static bool frags_may_help(const struct links *links, const struct link *device, int error)
{
	struct driver_facts facts;

	if (!attachment_has_frags() || error == -EPERM || error == -EBUSY || error == -EEXIST || error == -EUSERS)
		return false;
	driver_check_read(links, device, true, &facts);
	return facts.mtu > ETH_DATA_LEN && (facts.frags || !facts.told);
}

/*
 * Whether the device does not send what the program relays. Where packets leave by no other device, it need not take
 * redirects: what its own program returns is enough.
 */
static bool cannot_send(const struct mode_plan *plan, const struct link *device, char *why)
{
	char driver[DEVICE_DRIVER_SIZE];
	uint64_t features;

	if (plan->alone) {
		if (!driver_check_redirects(device))
			attachment_set_alone(device->ifindex);
		return false;
	}
	if (device_xdp_features(device->ifindex, &features) || leaving_takes_redirects(device->ifindex))
		return false;
	device_driver(device->name, driver);
	mode_line_write(why, "the driver (%s) does not send what is redirected to it, and there are several interfaces", driver);
	return true;
}

/* With the program for frames of one buffer, or else with the other one. 0 or -errno. */
static int attach_either(const struct links *links, const struct link *device, char *why)
{
	int error = attachment_attach(device, false, false);
	bool frags = error && frags_may_help(links, device, error);
	char sentence[MODE_LINE / 2] = "";

	if (frags)
		error = attachment_attach(device, false, true);
	if (!error)
		return 0;
	if (error != -EPERM && error != -EUSERS && error != -EBUSY)
		attachment_ask(device, frags, sentence, sizeof(sentence));
	mode_check_explain_native(error, links, device, sentence, why, MODE_LINE);
	return error;
}

/* An operator who sees a pause in other traffic finds the reason in the log. */
static void say_reset(const struct link *device)
{
	char driver[DEVICE_DRIVER_SIZE];

	device_driver(device->name, driver);
	if (driver_resets(driver))
		log_line(LOG_LEVEL_INFO,
			 "%s: its driver (%s) resets the card when the program is attached, so that all its traffic pauses for a moment, and "
			 "again when turnserver ends",
			 device->name, driver);
}

/* The device has no program yet. */
static enum mode_outcome attach_native(const struct mode_plan *plan, const struct links *links,
				       const struct link *device, char *why)
{
	const struct mode_wish wish = { .trusted = plan->mode == OPTION_MODE_NATIVE, .alone = plan->alone };
	int error = mode_check_native(links, device, &wish, why, MODE_LINE);

	if (!error)
		error = attach_either(links, device, why);
	if (error)
		return outcome_of(error);
	/* Some drivers say that they send only once a program is attached. */
	if (cannot_send(plan, device, why)) {
		attachment_detach(device->ifindex);
		return MODE_FAILED;
	}
	say_reset(device);
	return MODE_CARRIED;
}

static void say_no_device(char *why)
{
	mode_line_write(why, "the VLAN has more than %d tags, or the device below it is in another network namespace", ABI_TAGS);
}

static enum mode_outcome try_native(const struct mode_plan *plan, struct interface *interface,
				    const struct links *links, const struct link *link, char *why)
{
	const struct link *device = vlan_device(links, link);
	enum mode_outcome outcome = MODE_CARRIED;

	if (!device) {
		say_no_device(why);
		return MODE_FAILED;
	}
	if (watch_distrusts(device->ifindex, why, MODE_LINE))
		return MODE_FAILED;
	if (attachment_state(device->ifindex) == ATTACHMENT_GENERIC) {
		mode_line_write(why, "%s carries the program in generic mode already", device->name);
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
		error = attachment_attach(link, true, false);
		if (error)
			mode_check_explain_generic(error, why, MODE_LINE);
	}
	if (!error)
		interface->device = link->ifindex;
	return outcome_of(error);
}

/* Whether the program may stay in the dispatcher of a device, in the mode that the dispatcher has. */
static bool suits(const struct mode_plan *plan, const struct links *links, const struct link *link,
		  enum attachment_state state, char *why)
{
	enum attachment_state wanted = plan->mode == OPTION_MODE_NATIVE  ? ATTACHMENT_NATIVE :
				       plan->mode == OPTION_MODE_GENERIC ? ATTACHMENT_GENERIC :
									   ATTACHMENT_NONE;

	if (wanted != ATTACHMENT_NONE && state != wanted) {
		mode_line_write(why, "libxdp's dispatcher there runs in %s mode, and xdp-mode wants %s", mode_line_state(state),
				mode_line_state(wanted));
		return false;
	}
	if (state == ATTACHMENT_GENERIC)
		return !mode_check_generic(links, link, link->ifindex, why, MODE_LINE);
	return !cannot_send(plan, link, why);
}

/* Joins the programs that run there already, if libxdp's dispatcher runs them. */
static enum mode_outcome try_dispatcher(const struct mode_plan *plan, struct interface *interface,
					const struct links *links, const struct link *link, char *why)
{
	enum attachment_state state;

	if (!dispatcher_is_there(link->ifindex))
		return MODE_OCCUPIED;
	/* The dispatcher has chosen the mode: that another program is attached there is no reason beside its own. */
	interface->why[0] = '\0';
	if (attachment_join(link, why, MODE_LINE))
		return MODE_OCCUPIED;
	state = attachment_state(link->ifindex);
	if (!suits(plan, links, link, state, why)) {
		attachment_detach(link->ifindex);
		return MODE_FAILED;
	}
	interface->device = link->ifindex;
	return MODE_CARRIED;
}

/*
 * Packets only leave by an optional interface: in generic mode that takes no program, and
 * other devices take it from their drivers only if these have one.
 */
static enum mode_outcome choose_optional(const struct mode_plan *plan, struct interface *interface,
					 const struct links *links, const struct link *link)
{
	bool useless = plan->mode == OPTION_MODE_GENERIC || (plan->mode == OPTION_MODE_AUTO && plan->outsider[0]);
	char why[MODE_LINE] = "";

	interface->line[0] = '\0';
	if (useless) {
		/* The others may leave generic mode. */
		memset(&interface->inputs, 0, sizeof(interface->inputs));
		return MODE_FAILED;
	}
	if (!link->ethernet || try_native(plan, interface, links, link, why) != MODE_CARRIED)
		return MODE_FAILED;
	mode_line_carried(plan, interface, links, link);
	return MODE_CARRIED;
}

/*
 * Whether native mode is out of the question as things are, without a try. What the interface's own driver cannot do
 * comes first: another interface is a reason only for one that could.
 */
static bool native_is_ruled_out(const struct mode_plan *plan, struct interface *interface, const struct links *links,
				const struct link *link)
{
	const struct mode_wish wish = { .trusted = plan->mode == OPTION_MODE_NATIVE, .alone = plan->alone };
	const struct link *device = vlan_device(links, link);

	interface->follows = false;
	if (!device)
		say_no_device(interface->why);
	else if (mode_check_native(links, device, &wish, interface->why, MODE_LINE))
		return true;
	else if (plan->outsider[0] && plan->mode == OPTION_MODE_AUTO) {
		interface->follows = true;
		mode_line_write(interface->why,
				"%s can only use generic mode and gets no packets from interfaces in native mode, so all use generic "
				"mode; name only the interfaces that matter with xdp-interface",
				plan->outsider);
	} else
		return false;
	return true;
}

bool mode_may_be_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
			const struct link *link)
{
	return !native_is_ruled_out(plan, interface, links, link);
}

/* The first of the modes that the interface can have. */
static enum mode_outcome choose_first(const struct mode_plan *plan, struct interface *interface, const struct links *links,
				      const struct link *link, char *why_not_generic)
{
	bool follows = plan->outsider[0] && plan->mode == OPTION_MODE_AUTO;
	enum mode_outcome outcome = MODE_FAILED;

	interface->why[0] = '\0';
	interface->follows = false;
	if (follows)
		native_is_ruled_out(plan, interface, links, link);
	else if (plan->mode != OPTION_MODE_GENERIC)
		outcome = try_native(plan, interface, links, link, interface->why);
	if (outcome == MODE_CARRIED)
		return outcome;
	if (plan->mode != OPTION_MODE_NATIVE)
		outcome = try_generic(interface, links, link, why_not_generic);
	if (outcome == MODE_OCCUPIED)
		outcome = try_dispatcher(plan, interface, links, link, why_not_generic);
	return outcome;
}

enum mode_outcome mode_choose(const struct mode_plan *plan, struct interface *interface,
			      const struct links *links, const struct link *link)
{
	char why_generic[MODE_LINE] = "";
	enum mode_outcome outcome = MODE_FAILED;

	interface->chosen_ns = clock_monotonic_ns();
	if (!plan->running)
		dispatcher_clean(link->ifindex);
	mode_check_read_inputs(links, link, &interface->inputs);
	if (interface->optional)
		return choose_optional(plan, interface, links, link);
	if (!link->ethernet || own_addresses_is_silent(link))
		mode_line_write(why_generic, "%s", link->ethernet ? "it is a dummy interface, which no packet comes in by" : "it is not an Ethernet interface");
	else
		outcome = choose_first(plan, interface, links, link, why_generic);
	if (outcome == MODE_CARRIED)
		mode_line_carried(plan, interface, links, link);
	else
		mode_line_left_out(plan, interface, why_generic);
	return outcome;
}

void mode_absent(struct interface *interface)
{
	mode_line_write(interface->line, "waiting for it, as there is no such interface; channels over it are relayed in userspace");
	interface->level = LOG_LEVEL_WARNING;
}

void mode_log(struct interface *interface)
{
	if (!interface->line[0] || !strcmp(interface->logged, interface->line))
		return;
	mode_line_write(interface->logged, "%s", interface->line);
	log_line(interface->level, "%s: %s", interface->name, interface->line);
}
