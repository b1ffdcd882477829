/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/driver_name.h"

#include <net/if.h>
#include <string.h>

#include "abi.h"

static struct {
	unsigned int count;
	struct {
		uint32_t ifindex;
		char driver[DEVICE_DRIVER_SIZE];
	} device[ABI_PORTS];
} drivers;

void driver_name_follow(const struct links *links)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < drivers.count; i++) {
		if (links_find(links, drivers.device[i].ifindex))
			drivers.device[kept++] = drivers.device[i];
	}
	drivers.count = kept;
}

bool driver_name_find(uint32_t ifindex, char driver[DEVICE_DRIVER_SIZE])
{
	char name[IF_NAMESIZE];

	for (unsigned int i = 0; i < drivers.count; i++) {
		if (drivers.device[i].ifindex == ifindex) {
			memcpy(driver, drivers.device[i].driver, DEVICE_DRIVER_SIZE);
			return true;
		}
	}
	if (!if_indextoname(ifindex, name))
		return false;
	device_driver(name, driver);
	if (drivers.count < ABI_PORTS && strcmp(driver, DEVICE_DRIVER_UNKNOWN) != 0) {
		drivers.device[drivers.count].ifindex = ifindex;
		memcpy(drivers.device[drivers.count++].driver, driver, DEVICE_DRIVER_SIZE);
	}
	return true;
}

void driver_name_forget(void)
{
	drivers.count = 0;
}
