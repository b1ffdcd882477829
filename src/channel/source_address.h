/* SPDX-License-Identifier: BSD-3-Clause */
/* The address that this host sends from where a socket does not say. */
#ifndef OFFLOAD_CHANNEL_SOURCE_ADDRESS_H
#define OFFLOAD_CHANNEL_SOURCE_ADDRESS_H

#include "channel/eligibility.h"

/**
 * What a socket that is bound to a wildcard sends to `remote` from: the address
 * that the route prefers. `local` has the port already. 0, or -errno if there is
 * no way. Any thread; sends nothing.
 */
int source_address_find(const union endpoint *remote, union endpoint *local);

#endif
