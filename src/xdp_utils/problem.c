/* SPDX-License-Identifier: BSD-3-Clause */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>

struct teller {
	void (*each)(const char *line, void *data);
	void *data;
};

static void tell(const struct teller *teller, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const struct teller *teller, const char *format, ...)
{
	char line[PROBLEM_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	teller->each(line, teller->data);
}

static void tell_interfaces(const struct snapshot *snapshot, const struct teller *teller)
{
	for (unsigned int i = 0; i < snapshot->state.interfaces; i++) {
		const struct status_interface *interface = &snapshot->state.interface[i];

		if (interface->mode == STATUS_MODE_NONE)
			tell(teller, "%.*s does not carry the program", STATUS_NAME, interface->name);
	}
}

void problems_each(const struct snapshot *snapshot, void (*each)(const char *line, void *data), void *data)
{
	const struct teller teller = { each, data };
	const struct status *state = &snapshot->state;

	if (!snapshot->server.seen)
		tell(&teller, "no process that can be seen from here has these tables: the server has ended, or runs "
			      "in another PID namespace");
	if (state->blocked)
		tell(&teller, "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace");
	if (snapshot->relays_silent)
		tell(&teller, "%u of %u relay threads not heard of: their channels are relayed in userspace, if at all",
		     snapshot->relays_silent, snapshot->relays_silent + snapshot->relays_alive);
	tell_interfaces(snapshot, &teller);
	if (snapshot->bound >= state->channels)
		tell(&teller, "the tables are full: further channels are relayed in userspace; raise xdp-max-channels");
	if (snapshot->hops_unresolved)
		tell(&teller, "%u of %u next hops not known: packets to them are relayed in userspace",
		     snapshot->hops_unresolved, snapshot->hops);
}
