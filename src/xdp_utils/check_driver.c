/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_driver.h"

#include <stdio.h>
#include <string.h>

/*
 * A frame of one buffer is a page, less the headroom for XDP (256 bytes), the end of the buffer (struct
 * skb_shared_info, 320 bytes) and the headers of Ethernet and VLAN. These are the drivers' own limits with pages of
 * 4096 bytes; on machines with larger pages they are higher, and nothing is said of them.
 */
static const struct {
	const char *name;
	uint32_t mtu;     /* the largest for a program that takes frames of one buffer */
	bool half_queues; /* no more than half of the queues may be in use: the others are for what XDP sends */
} drivers[] = {
	{ "ena", 3498, true },         /* ENA_XDP_MAX_MTU and ena_xdp_legal_queue_count() of the driver */
	{ "virtio_net", 3506, false }, /* virtnet_xdp_set() */
	{ "veth", 3506, false },       /* veth_xdp_set(), for the MTU of the other end */
};

static bool mtu_is_refused(const struct check_driver *driver, uint32_t most, char *why, size_t size, char *command,
			   size_t command_size)
{
	bool veth = !strcmp(driver->name, "veth");

	if (driver->frags || driver->mtu <= most)
		return false;
	snprintf(why, size, "the driver (%s) takes the program up to mtu %u, and %s has %u", driver->name, most,
		 veth ? "the other end" : "the interface", driver->mtu);
	snprintf(command, command_size, "ip link set dev %s mtu %u", veth ? "OTHER-END" : driver->device, most);
	return true;
}

static bool queues_are_refused(const struct check_driver *driver, char *why, size_t size, char *command,
			       size_t command_size)
{
	if (driver->queues_max < 2 || 2 * driver->queues <= driver->queues_max)
		return false;
	snprintf(why, size, "the driver (%s) takes the program with up to %u of its %u queues in use, and %u are",
		 driver->name, driver->queues_max / 2, driver->queues_max, driver->queues);
	snprintf(command, command_size, "ethtool -L %s combined %u", driver->device, driver->queues_max / 2);
	return true;
}

bool check_driver_refuses(const struct check_driver *driver, char *why, size_t size, char *command,
			  size_t command_size)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(drivers[i].name, driver->name) != 0)
			continue;
		return mtu_is_refused(driver, drivers[i].mtu, why, size, command, command_size) ||
		       (drivers[i].half_queues && queues_are_refused(driver, why, size, command, command_size));
	}
	return false;
}
