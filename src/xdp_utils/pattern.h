/* SPDX-License-Identifier: BSD-3-Clause */
/* Patterns of transport addresses, as users write them. Pure. */
#ifndef OFFLOAD_XDP_UTILS_PATTERN_H
#define OFFLOAD_XDP_UTILS_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "transport.h"

/* An address, a prefix, an address with a port, or a port. */
struct pattern {
	bool set;       /* false: it matches everything */
	uint8_t family; /* 0: any address */
	uint8_t bits;   /* leading bits of the address that have to be the same */
	uint16_t port;  /* 0: any port */
	union abi_addr address;
};

/**
 * Reads 192.0.2.1, 192.0.2.0/24, 192.0.2.1:3478, 2001:db8::/32, [2001:db8::1]:3478 or
 * :3478. 0, or -EINVAL, which leaves *pattern as it was.
 */
int pattern_parse(const char *text, struct pattern *pattern);

/** Whether a transport address is one of those that the pattern stands for. */
bool pattern_matches(const struct pattern *pattern, const struct transport *transport);

#endif
