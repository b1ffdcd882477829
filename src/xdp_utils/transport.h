/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport addresses: an IP address of either family, and a port. Pure. */
#ifndef OFFLOAD_XDP_UTILS_TRANSPORT_H
#define OFFLOAD_XDP_UTILS_TRANSPORT_H

#include <stdint.h>

#include "abi.h"

struct transport {
	uint8_t family; /* AF_INET or AF_INET6 */
	uint16_t port;  /* in host order */
	union abi_addr address;
};

/** Orders by family (IPv4 first), then address, then port. The result is as that of memcmp(3). */
int transport_compare(const struct transport *one, const struct transport *other);

#endif
