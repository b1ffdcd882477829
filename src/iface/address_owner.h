/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces the server's addresses are on. */
#ifndef OFFLOAD_IFACE_ADDRESS_OWNER_H
#define OFFLOAD_IFACE_ADDRESS_OWNER_H

#include <net/if.h>

#include "abi.h"

/** Interfaces by name; as many as can carry the program. */
struct interface_list {
	unsigned int count;
	char name[ABI_ATTACHMENTS][IFNAMSIZ];
};

/**
 * Adds the interfaces that own `address`, an IP address in text; a wildcard
 * stands for all. Loopback is left out: nothing is relayed over it. 0; -EINVAL
 * if the text is no address; -EADDRNOTAVAIL if no other interface has it; or
 * -errno.
 */
int address_owner_find(const char *address, struct interface_list *list);

#endif
