/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and addresses as people read them. Pure. */
#ifndef OFFLOAD_XDP_UTILS_UNIT_H
#define OFFLOAD_XDP_UTILS_UNIT_H

#include <stdint.h>

#include "transport.h"

struct text {
	char text[64];
};

/** A whole number: 1,234,567. */
struct text unit_count(uint64_t number);

/** Bytes, in decimal units: 999 B, 1.2 kB, 35.0 MB. */
struct text unit_bytes(uint64_t bytes);

/** Packets per second: 0, 0.5, 12.3, 1,234. */
struct text unit_rate(double per_second);

/** Bits per second: 0 bit/s, 1.2 Mbit/s. */
struct text unit_bits(double per_second);

/** A duration: 0s, 59s, 3m 12s, 5h 03m, 12d 4h. */
struct text unit_time(uint64_t nanoseconds);

/** An address and port: 192.0.2.1:3478, [2001:db8::1]:3478. */
struct text unit_transport(const struct transport *transport);

/** The address without its port. */
struct text unit_address(const struct transport *transport);

/** Replaces the control characters of a line by question marks, so that a terminal can show it. */
void unit_clean(char *line);

#endif
