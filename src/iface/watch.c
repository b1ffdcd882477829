/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/watch.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/changes.h"
#include "iface/drops.h"
#include "iface/one_mode.h"
#include "iface/redirects.h"
#include "iface/stray.h"
#include "iface/watch_judge.h"
#include "netlink/device.h"
#include "netlink/link_count.h"

#define SECOND_NS 1000000000ULL
/* So long after the program was attached anew, it is not attached anew again. */
#define ANEW_NS (600 * SECOND_NS)

/* A device that carries the program in native mode, or has carried it. */
struct watched {
	uint32_t ifindex;
	enum status_fault fault; /* the last one */
	bool distrusted;         /* native mode is not tried again */
	bool told;               /* the log has the fault */
	uint64_t anew_ns;        /* when the program was attached anew because it did not run; 0: never */
	struct watch_state state;
};

static struct {
	struct watched device[ABI_PORTS];
	unsigned int count;
	uint64_t next_ns;
	enum watch_proof proof; /* for the second that has passed */
} watch;

void watch_start(const struct stray *stray)
{
	memset(&watch, 0, sizeof(watch));
	stray_start(stray);
}

static struct watched *find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < watch.count; i++) {
		if (watch.device[i].ifindex == ifindex)
			return &watch.device[i];
	}
	return NULL;
}

/* NULL: there are too many. */
static struct watched *find_or_add(uint32_t ifindex)
{
	struct watched *device = find(ifindex);

	if (device || watch.count == ABI_PORTS)
		return device;
	device = &watch.device[watch.count++];
	*device = (struct watched){ .ifindex = ifindex };
	return device;
}

/* A device that is gone is another one when it comes back. */
static void forget_gone(const struct links *links)
{
	uint32_t listed[DROPS_DEVICES];
	unsigned int kept = 0, count = drops_list(listed);

	for (unsigned int i = 0; i < watch.count; i++) {
		if (links_find(links, watch.device[i].ifindex))
			watch.device[kept++] = watch.device[i];
	}
	watch.count = kept;
	for (unsigned int i = 0; i < count; i++) {
		if (!links_find(links, listed[i]))
			drops_forget(listed[i]);
	}
}

/* ---- what was counted ---- */

/* A redirect that the kernel refuses is no failure of the driver, and may be counted as one, too. */
static uint64_t not_sent(const struct drops_count *drops)
{
	return drops->failed > drops->refused ? drops->failed - drops->refused : 0;
}

/* 0 or -errno. */
static int take_sample(const struct link *link, struct watch_sample *sample)
{
	uint32_t ports[ABI_PORTS];
	unsigned int count = attachment_ports(link->ifindex, ports);
	struct link_count counted;
	int error = link_count_read(link->ifindex, &counted);

	if (error)
		return error;
	*sample = (struct watch_sample){
		.up = link->up,
		.proof = watch.proof,
		.link_received = counted.received,
		.link_sent = counted.sent,
	};
	for (unsigned int i = 0; i < count; i++) {
		struct drops_count drops = drops_read(ports[i]);
		uint32_t no_room;

		if (attachment_take_seen(ports[i], &no_room))
			sample->seen = true;
		sample->no_room += no_room;
		sample->stack_received += drops.received;
		sample->not_sent += not_sent(&drops);
	}
	return 0;
}

/* ---- what follows ---- */

static const char *clause(enum status_fault fault)
{
	static const char *const clauses[] = {
		[STATUS_FAULT_NONE] = "",
		[STATUS_FAULT_NEVER_RUNS] = "has taken the program, and does not run it",
		[STATUS_FAULT_NO_ROOM] = "leaves the program no room to make frames longer",
		[STATUS_FAULT_NOT_SENT] = "does not send what the program returns",
		[STATUS_FAULT_DROPS_REDIRECTS] = "drops what is redirected to it",
	};

	return clauses[fault];
}

/* Attaches the program once more: some drivers lose it when they are set down and up. Whether that was tried. */
static bool attach_anew(struct watched *device, const struct link *link, struct interfaces *interfaces, uint64_t now)
{
	if (device->fault != STATUS_FAULT_NEVER_RUNS || attachment_is_dispatched(link->ifindex) ||
	    (device->anew_ns && now - device->anew_ns < ANEW_NS) || changes_detach(interfaces, link->ifindex))
		return false;
	log_line(LOG_LEVEL_WARNING,
		 "%s: the program is attached in native mode and has seen none of %llu packets that came in, so that these were relayed in "
		 "userspace; it is attached anew",
		 link->name, (unsigned long long)device->state.frames);
	device->anew_ns = now;
	return true;
}

/* 0, or -EBUSY if the driver keeps the program. */
static int give_up(struct watched *device, const struct link *link, struct interfaces *interfaces, const char *driver)
{
	int error = changes_detach(interfaces, link->ifindex);

	if (error)
		return error;
	log_line(LOG_LEVEL_WARNING, "%s: native mode does not work: the driver (%s) %s; from now on it uses generic mode if it can",
		 link->name, driver, clause(device->fault));
	device->distrusted = true;
	return 0;
}

static const char *remedy(const struct interfaces *interfaces, const struct link *link)
{
	if (attachment_is_dispatched(link->ifindex))
		return "the other programs of libxdp's dispatcher there have chosen the mode: load them in generic mode";
	if (interfaces->plan.mode == OPTION_MODE_AUTO)
		return "it does not give the program back at this mtu; set the mtu to 1500, and the interface uses generic mode";
	return "use xdp-mode=auto or xdp-mode=generic";
}

static void warn_only(const struct watched *device, const struct link *link, const struct interfaces *interfaces,
		      const char *driver)
{
	log_line(LOG_LEVEL_WARNING, "%s: native mode does not work: the driver (%s) %s; packets that %s; %s", link->name, driver,
		 clause(device->fault),
		 device->fault == STATUS_FAULT_NOT_SENT ? "leave by it are lost" : "come in by it are relayed in userspace",
		 remedy(interfaces, link));
}

static void act(struct watched *device, const struct link *link, struct interfaces *interfaces, uint64_t now)
{
	bool may_change = interfaces->plan.mode == OPTION_MODE_AUTO && !attachment_is_dispatched(link->ifindex);
	char driver[DEVICE_DRIVER_SIZE];

	if (attach_anew(device, link, interfaces, now))
		return;
	device_driver(link->name, driver);
	if ((!may_change || give_up(device, link, interfaces, driver)) && !device->told)
		warn_only(device, link, interfaces, driver);
	device->told = true;
}

/* Whether packets that come in by other interfaces are to leave by a device that packets also come in by. */
static bool is_between(const struct interfaces *interfaces, uint32_t device, const struct links *links)
{
	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct interface *interface = &interfaces->interface[i];

		if (interface->device == device && !interface->optional && !interfaces_alone(interfaces, interface, links))
			return true;
	}
	return false;
}

/* In generic mode the stack sends what is redirected. mode_check_device refuses native mode for the same reason. */
static void leave_for_generic(struct interfaces *interfaces, const struct links *links, uint32_t device)
{
	if (interfaces->plan.mode == OPTION_MODE_AUTO && redirects_are_dropped(device) && is_between(interfaces, device, links) &&
	    one_mode_can_change(interfaces, device, links))
		changes_detach(interfaces, device);
}

static void look_at(const struct link *link, struct interfaces *interfaces, uint64_t now, bool *doubtful)
{
	struct watched *device = find_or_add(link->ifindex);
	struct watch_sample sample;
	enum status_fault fault;

	if (!device || take_sample(link, &sample))
		return;
	fault = watch_judge(&device->state, &sample);
	*doubtful = *doubtful || device->state.doubtful;
	if (fault) {
		device->fault = fault;
		act(device, link, interfaces, now);
	} else if (device->fault == STATUS_FAULT_NEVER_RUNS && sample.seen) {
		device->fault = STATUS_FAULT_NONE;
	}
}

/* What the network stack receives is counted only while there is a doubt, because that costs time. */
static void set_proof(bool doubtful)
{
	if (watch.proof == WATCH_PROOF_IMPOSSIBLE)
		return;
	if (drops_count_received(doubtful))
		watch.proof = WATCH_PROOF_IMPOSSIBLE;
	else
		watch.proof = doubtful ? WATCH_PROOF_ON : WATCH_PROOF_OFF;
}

/* The devices that packets leave by, whether they carry the program or not. */
static void look_at_redirects(const struct links *links)
{
	uint32_t listed[DROPS_DEVICES];
	unsigned int count = drops_list(listed);

	for (unsigned int i = 0; i < count; i++) {
		const struct link *link = links_find(links, listed[i]);
		bool lost = drops_lose_redirects(listed[i]);

		drops_look(listed[i], link && link->up);
		if (!lost && drops_lose_redirects(listed[i]) && link)
			log_line(LOG_LEVEL_WARNING,
				 "%s: its driver drops frames that are redirected to it, on one CPU at least; the offload redirects no more "
				 "frames to it in native mode: with xdp-mode=auto it uses generic mode if it can, or else channels whose packets "
				 "come in elsewhere and leave by it are relayed in userspace; it may have fewer queues than this host has CPUs "
				 "(ethtool -L)",
				 link->name);
	}
}

void watch_look(struct interfaces *interfaces, const struct links *links)
{
	uint32_t devices[ABI_ATTACHMENTS];
	uint64_t now = clock_monotonic_ns();
	bool doubtful = false;
	unsigned int count;

	if (now < watch.next_ns)
		return;
	count = attachment_list(devices);
	watch.next_ns = now + SECOND_NS;
	forget_gone(links);
	for (unsigned int i = 0; i < count; i++) {
		const struct link *link = links_find(links, devices[i]);

		if (link && attachment_state(devices[i]) == ATTACHMENT_NATIVE)
			look_at(link, interfaces, now, &doubtful);
	}
	set_proof(doubtful);
	look_at_redirects(links);
	for (unsigned int i = 0; i < count; i++)
		leave_for_generic(interfaces, links, devices[i]);
	stray_look(links);
}

bool watch_distrusts(uint32_t ifindex, char *why, size_t size)
{
	const struct watched *device = find(ifindex);
	char name[IF_NAMESIZE] = "", driver[DEVICE_DRIVER_SIZE];

	if (!device || !device->distrusted)
		return false;
	if_indextoname(ifindex, name);
	device_driver(name, driver);
	snprintf(why, size, "native mode does not work: the driver (%s) %s", driver, clause(device->fault));
	return true;
}

uint8_t watch_fault(uint32_t ifindex)
{
	const struct watched *device = find(ifindex);

	if (device && device->fault)
		return (uint8_t)device->fault;
	/* In generic mode the stack sends what is redirected. */
	if (!ifindex || attachment_state(ifindex) == ATTACHMENT_GENERIC)
		return STATUS_FAULT_NONE;
	return redirects_are_dropped(ifindex) ? STATUS_FAULT_DROPS_REDIRECTS : STATUS_FAULT_NONE;
}

uint32_t watch_lost(uint32_t ifindex)
{
	uint32_t ports[ABI_PORTS], lost = 0;
	unsigned int count = ifindex ? attachment_ports(ifindex, ports) : 0;

	while (count--) {
		struct drops_count drops = drops_read(ports[count]);

		lost += (uint32_t)(drops.dropped + not_sent(&drops));
	}
	return lost;
}
