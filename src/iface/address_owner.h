/* SPDX-License-Identifier: BSD-3-Clause */
/* Which interfaces have the server's addresses. */
#ifndef OFFLOAD_IFACE_ADDRESS_OWNER_H
#define OFFLOAD_IFACE_ADDRESS_OWNER_H

#include <net/if.h>

#include "abi.h"

/** Names of interfaces, at most as many as can carry the program. */
struct interface_list {
	unsigned int count;
	char name[ABI_ATTACHMENTS][IFNAMSIZ];
};

/**
 * Adds the interfaces that have `address`, an IP address as text; the wildcard address stands
 * for all addresses of its family. Loopback interfaces are left out, as nothing is relayed over
 * them. Names that are in the list already are not added twice. 0; -EINVAL if the text is no
 * address; -EADDRNOTAVAIL if no interface has it; -ENOSPC if the list is full; or another
 * -errno. Any thread.
 */
int address_owner_find(const char *address, struct interface_list *list);

#endif
