/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of devices' drivers, which stay the same as long as there is the device. One thread at a time. */
#ifndef OFFLOAD_IFACE_DRIVER_NAME_H
#define OFFLOAD_IFACE_DRIVER_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "netlink/device.h"
#include "netlink/links.h"

/** Writes the name of a device's driver as device_driver does, and remembers it. False if there is no such device. */
bool driver_name_find(uint32_t ifindex, char driver[DEVICE_DRIVER_SIZE]);

/** Forgets the devices that are gone. */
void driver_name_follow(const struct links *links);

/** Forgets all devices. */
void driver_name_forget(void);

#endif
