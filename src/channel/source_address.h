/* SPDX-License-Identifier: BSD-3-Clause */
/* The address that this host sends from, where a socket is bound to a wildcard address. */
#ifndef OFFLOAD_CHANNEL_SOURCE_ADDRESS_H
#define OFFLOAD_CHANNEL_SOURCE_ADDRESS_H

#include "channel/eligibility.h"

/**
 * Finds the address from which a socket that is bound to a wildcard address sends to `remote`: the
 * one that the route prefers. It is written into `local`, which must have the family of
 * `remote`; the port there stays. Returns 0; or -errno of socket(2), connect(2) or
 * getsockname(2), such as -ENETUNREACH if there is no route, and then `local` is unchanged.
 * Sends nothing. Any thread.
 */
int source_address_find(const union endpoint *remote, union endpoint *local);

#endif
