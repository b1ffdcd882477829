/* SPDX-License-Identifier: BSD-3-Clause */
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Whom the problems are told to. */
struct listener {
	void (*each)(const char *line, void *data);
	void *data;
};

static void tell(const struct listener *listener, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const struct listener *listener, const char *format, ...)
{
	char line[PROBLEM_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	listener->each(line, listener->data);
}

static void tell_waiting(const struct status *status, const struct listener *listener)
{
	if (status->waiting[0])
		tell(listener, "waiting for %.*s: no interface has %s; channels with such an address are relayed in userspace",
		     STATUS_WAITING, status->waiting, memchr(status->waiting, ',', STATUS_WAITING) ? "them" : "it");
}

/* Whether packets can come in by one device and leave by another. */
static bool one_of_several(const struct status *status)
{
	for (unsigned int i = 1; i < status->interfaces; i++) {
		if (status->interface[i].device_ifindex != status->interface[0].device_ifindex)
			return true;
	}
	return false;
}

static void tell_interfaces(const struct snapshot *snapshot, const struct listener *listener)
{
	for (unsigned int i = 0; i < snapshot->status.interfaces; i++) {
		const struct status_interface *interface = &snapshot->status.interface[i];

		if (interface->mode == STATUS_MODE_NONE)
			tell(listener, "%.*s does not carry the program: its packets are relayed in userspace", STATUS_NAME,
			     interface->name);
		if (interface->no_redirect && one_of_several(&snapshot->status))
			tell(listener,
			     "%.*s has fewer queues than this host has CPUs: what comes in by other interfaces and leaves by it is "
			     "relayed in userspace; ethtool -L gives it more",
			     STATUS_NAME, interface->device);
	}
}

static const char *fault_text(unsigned int fault)
{
	static const char *const texts[] = {
		[STATUS_FAULT_NEVER_RUNS] = "its driver has taken the program and does not run it",
		[STATUS_FAULT_NO_ROOM] = "its driver leaves the program no room to make frames longer",
		[STATUS_FAULT_NOT_SENT] = "its driver does not send what the program returns",
	};

	return fault < sizeof(texts) / sizeof(texts[0]) ? texts[fault] : NULL;
}

static void tell_fault(const struct status_interface *interface, const struct listener *listener)
{
	const char *text = fault_text(interface->fault), *follows;

	if (interface->fault == STATUS_FAULT_DROPS_REDIRECTS)
		tell(listener,
		     "%.*s: its driver drops what is redirected to it: what comes in by other interfaces and leaves by it is relayed in "
		     "userspace; it may have fewer queues than this host has CPUs (ethtool -L)",
		     STATUS_NAME, interface->name);
	if (!text)
		return;
	if (interface->mode != STATUS_MODE_NATIVE)
		follows = "native mode is not used any more";
	else if (interface->fault == STATUS_FAULT_NOT_SENT)
		follows = "packets that leave by it are lost; use xdp-mode=auto or xdp-mode=generic";
	else
		follows = "its packets are relayed in userspace; use xdp-mode=auto or xdp-mode=generic";
	tell(listener, "%.*s: native mode does not work, as %s: %s", STATUS_NAME, interface->name, text, follows);
}

static void tell_faults(const struct snapshot *snapshot, const struct listener *listener)
{
	const struct status *status = &snapshot->status;

	for (unsigned int i = 0; i < status->interfaces; i++)
		tell_fault(&status->interface[i], listener);
	if (status->stray)
		tell(listener,
		     "the program gets frames that come in by the interface with index %u, which does not carry it: they are relayed in "
		     "userspace; with xdp-mode=generic they are relayed in the kernel",
		     status->stray);
}

static void tell_notes(const struct status_host *host, const struct listener *listener)
{
	unsigned int kept = host->notes < STATUS_NOTES ? host->notes : STATUS_NOTES;

	for (unsigned int i = 0; i < kept; i++)
		tell(listener, "%.*s", STATUS_NOTE, host->note[i].text);
	if (host->notes > kept)
		tell(listener, "%u more of this kind are in turnserver's log", host->notes - kept);
}

static const char *senders(enum direction direction)
{
	return direction == TO_PEER ? "clients" : "peers";
}

/* An interface of the server, by the name that the server has told, or else by its index. */
static void name_interface(const struct status *status, uint32_t ifindex, char *name, size_t size)
{
	snprintf(name, size, "the interface with index %u", ifindex);
	for (unsigned int i = 0; i < status->interfaces; i++) {
		if (status->interface[i].ifindex == ifindex)
			snprintf(name, size, "%.*s", STATUS_NAME, status->interface[i].name);
	}
}

static void tell_one_sided(const struct snapshot *snapshot, enum direction direction, const struct listener *listener)
{
	const struct one_sided *amiss = &snapshot->one_sided[direction];
	enum direction other = direction == TO_PEER ? TO_CLIENT : TO_PEER;
	char name[64];

	name_interface(&snapshot->status, amiss->ifindex, name, sizeof(name));
	if (amiss->no_program)
		tell(listener,
		     "%u channels: packets of %s should come in by %s, which does not carry the program: they are relayed in "
		     "userspace",
		     amiss->no_program, senders(direction), name);
	if (amiss->none)
		tell(listener,
		     "%u channels: packets of %s are relayed in the kernel, and none of %s was: these send nothing, or their "
		     "packets never come in by an interface that carries the program",
		     amiss->none, senders(other), senders(direction));
}

void problem_each(const struct snapshot *snapshot, void (*each)(const char *line, void *data), void *data)
{
	const struct listener listener = { each, data };
	const struct status *status = &snapshot->status;

	if (!snapshot->server.seen)
		tell(&listener, "no process that can be seen from here has these tables: the server has ended, or runs "
				"in another PID namespace");
	if (status->blocked)
		tell(&listener, "this host has IPsec policies, which XDP would bypass: everything is relayed in userspace "
				"until they are removed");
	if (snapshot->monitor_silent)
		tell(&listener, "the server's monitor thread has not reported for 5 seconds, so next hops may be out of date: "
				"everything is relayed in userspace until it reports again");
	else if (snapshot->threads_silent)
		tell(&listener, "%u of %u relay threads have not reported for 5 seconds: their channels are relayed in userspace, "
				"if at all",
		     snapshot->threads_silent, snapshot->threads_silent + snapshot->threads_alive);
	tell_waiting(status, &listener);
	tell_interfaces(snapshot, &listener);
	tell_faults(snapshot, &listener);
	if (snapshot->channels_used >= status->channels)
		tell(&listener, "the tables are full: further channels are relayed in userspace; raise xdp-max-channels");
	if (snapshot->hops_unresolved)
		tell(&listener, "%u of %u next hops are not resolved: packets to them are relayed in userspace",
		     snapshot->hops_unresolved, snapshot->hops);
	tell_one_sided(snapshot, TO_PEER, &listener);
	tell_one_sided(snapshot, TO_CLIENT, &listener);
	tell_notes(&status->host, &listener);
}
