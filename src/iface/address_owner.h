/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces have an address of the server. */
#ifndef OFFLOAD_IFACE_ADDRESS_OWNER_H
#define OFFLOAD_IFACE_ADDRESS_OWNER_H

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "abi.h"

/* An address that the server listens on or relays from. */
struct own_address {
	char text[INET6_ADDRSTRLEN];
	int family; /* AF_INET or AF_INET6 */
	union abi_addr address;
	bool any;      /* the wildcard address, which stands for all addresses of its family */
	bool loopback; /* 127.0.0.0/8 or ::1 */
};

/** Reads an IP address. 0, or -EINVAL if the text is none. Any thread. */
int address_owner_parse(const char *text, struct own_address *address);

/** Whether an entry of getifaddrs(3) has the address. Any thread. */
bool address_owner_has(const struct ifaddrs *entry, const struct own_address *address);

/** Writes the name of the interface that an entry of getifaddrs(3) is about. Any thread. */
void address_owner_name(const struct ifaddrs *entry, char name[IFNAMSIZ]);

#endif
