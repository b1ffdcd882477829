/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode_line.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "iface/driver_check.h"
#include "iface/member.h"

void mode_line_write(char *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line, MODE_LINE, format, args);
	va_end(args);
}

const char *mode_line_state(enum attachment_state state)
{
	static const char *const names[] = {
		[ATTACHMENT_NONE] = "any",
		[ATTACHMENT_NATIVE] = "native",
		[ATTACHMENT_GENERIC] = "generic",
	};

	return names[state];
}

static const char *down(const struct link *link)
{
	return link->up ? "" : "; the interface is down: channels over it are relayed once it is up";
}

static void describe_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
			    const struct link *link)
{
	const struct link *device = links_find(links, interface->device);
	bool trusted = plan->mode == OPTION_MODE_NATIVE && device && driver_check_unknown(device);
	bool below = device && device != link;
	char members[MEMBER_NAMES] = "";

	if (device)
		member_names(links, device, members);
	mode_line_write(interface->line, "native mode%s%s%s%s, mtu %u%s%s", below ? " on " : "",
			below ? device->name : "", members[0] ? " by " : "", members, link->mtu, down(link),
			trusted ? "; this kernel (before 6.3) does not say whether the driver sends what an XDP program "
				  "relays: if relayed packets are lost, use xdp-mode=generic" :
				  "");
	interface->level = trusted ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO;
}

static void describe_generic(struct interface *interface, const struct link *link)
{
	mode_line_write(interface->line, "generic mode, mtu %u%s%.360s%s", link->mtu, interface->why[0] ? ": " : "", interface->why,
			down(link));
	interface->level = LOG_LEVEL_INFO;
}

static void describe_dispatched(struct interface *interface, const struct link *link)
{
	mode_line_write(interface->line, "%s mode through libxdp's dispatcher, which runs other programs too, mtu %u%s",
			mode_line_state(attachment_state(interface->device)), link->mtu, down(link));
	interface->level = LOG_LEVEL_INFO;
}

void mode_line_carried(const struct mode_plan *plan, struct interface *interface, const struct links *links,
		       const struct link *link)
{
	if (attachment_is_dispatched(interface->device))
		describe_dispatched(interface, link);
	else if (attachment_state(interface->device) == ATTACHMENT_GENERIC)
		describe_generic(interface, link);
	else if (attachment_state(interface->device) == ATTACHMENT_NATIVE)
		describe_native(plan, interface, links, link);
}

void mode_line_left_out(const struct mode_plan *plan, struct interface *interface, const char *why_not_generic)
{
	static const char left_out[] = "left out, channels over it are relayed in userspace";

	if (interface->why[0] && why_not_generic[0] && strcmp(interface->why, why_not_generic) != 0)
		mode_line_write(interface->line, "%s: no native mode: %.200s; no generic mode: %.200s", left_out,
				interface->why, why_not_generic);
	else
		mode_line_write(interface->line, "%s: %.440s", left_out, why_not_generic[0] ? why_not_generic : interface->why);
	interface->level = plan->running ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR;
}
