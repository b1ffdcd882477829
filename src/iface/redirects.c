/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/redirects.h"

#include <string.h>

#include "abi.h"
#include "base/cpus.h"
#include "base/kernel.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/driver.h"
#include "iface/driver_name.h"
#include "iface/drops.h"
#include "netlink/device.h"

struct device {
	uint32_t ifindex;
	bool lost;
	bool told;             /* the log has that frames are lost */
	uint32_t queues, cpus; /* by which this was decided */
};

/* Those in native mode. */
static struct {
	struct device device[ABI_PORTS];
	unsigned int count;
} known;

static struct device *find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < known.count; i++) {
		if (known.device[i].ifindex == ifindex)
			return &known.device[i];
	}
	return NULL;
}

static bool lacks_queues(uint32_t ifindex)
{
	const struct device *device = find(ifindex);

	return device && device->lost;
}

static bool any_port(uint32_t device, bool (*is_so)(uint32_t ifindex))
{
	uint32_t ports[ABI_PORTS];
	unsigned int count = attachment_ports(device, ports);

	while (count--) {
		if (is_so(ports[count]))
			return true;
	}
	return false;
}

bool redirects_lack_queues(uint32_t device)
{
	return any_port(device, lacks_queues);
}

bool redirects_are_dropped(uint32_t device)
{
	return any_port(device, drops_lose_redirects);
}

void redirects_forget(void)
{
	known.count = 0;
}

/* What was seen to get lost before may leave now. `cpus` is 0 if it was not read, because nothing depends on it. */
static void try_again(struct device *device, uint32_t queues, uint32_t cpus)
{
	if ((device->queues && device->queues != queues) || (device->cpus && cpus && device->cpus != cpus))
		drops_forget(device->ifindex);
	device->queues = queues;
	device->cpus = cpus;
}

/* What is logged of a device matters only if there are frames of others that could be redirected to it. */
static void look_at(struct device *device, const struct link *link, bool alone)
{
	char driver[DEVICE_DRIVER_SIZE] = DEVICE_DRIVER_UNKNOWN;
	struct device_channels channels;
	uint32_t cpus = 0;

	driver_name_find(device->ifindex, driver);
	device_channels(link->name, &channels);
	if (drops_lose_redirects(device->ifindex) || driver_wants_queues(driver, kernel_version()))
		cpus = cpus_online();
	try_again(device, channels.combined + channels.tx, cpus);
	device->lost = driver_loses_redirects(driver, kernel_version(), &channels, cpus);
	if (device->lost == device->told || alone)
		return;
	device->told = device->lost;
	if (device->lost)
		log_line(LOG_LEVEL_WARNING,
			 "%s: has %u queues, fewer than this host has CPUs (%u), and its driver (%s) drops what a CPU without a queue "
			 "redirects; so what comes in by another interface and leaves by %s is relayed in userspace; give it as many "
			 "queues if it can: ethtool -L %s combined %u",
			 link->name, channels.combined, cpus, driver, link->name, link->name, cpus);
	else
		log_line(LOG_LEVEL_INFO,
			 "%s: has a queue for each CPU now, so what comes in by other interfaces and leaves by it is relayed in "
			 "the kernel again",
			 link->name);
}

/*
 * The devices in native mode and the members that run their programs: by these the frames leave. `alone` says whether there is
 * only one device and it has one member at most, so that frames leave by the port that they came in by.
 */
static unsigned int native_ports(uint32_t *ports, bool *alone)
{
	uint32_t devices[ABI_ATTACHMENTS];
	unsigned int count = 0, native = 0, all = attachment_list(devices);

	for (unsigned int i = 0; i < all; i++) {
		if (attachment_state(devices[i]) != ATTACHMENT_NATIVE)
			continue;
		count += attachment_ports(devices[i], &ports[count]);
		native++;
	}
	*alone = native == 1 && count <= 2;
	return count;
}

void redirects_follow(const struct links *links)
{
	struct device next[ABI_PORTS] = { 0 };
	uint32_t ports[ABI_PORTS];
	bool alone;
	unsigned int count = 0, all = native_ports(ports, &alone);

	for (unsigned int i = 0; i < all; i++) {
		const struct device *had = find(ports[i]);

		if (links_find(links, ports[i]))
			next[count++] = had ? *had : (struct device){ .ifindex = ports[i] };
	}
	memcpy(known.device, next, count * sizeof(*next));
	known.count = count;
	for (unsigned int i = 0; i < count; i++)
		look_at(&known.device[i], links_find(links, known.device[i].ifindex), alone);
}
