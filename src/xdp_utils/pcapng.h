/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes captures in the format pcapng (draft-ietf-opsawg-pcapng), which wireshark, tshark and
 * tcpdump read. Errors stay in the stream, where ferror(3) tells them. Pure.
 */
#ifndef OFFLOAD_XDP_UTILS_PCAPNG_H
#define OFFLOAD_XDP_UTILS_PCAPNG_H

#include <stdint.h>
#include <stdio.h>

enum pcapng_direction {
	PCAPNG_INBOUND = 1,
	PCAPNG_OUTBOUND = 2,
};

/* The longest comment and name that is written; a longer one is cut. */
#define PCAPNG_TEXT 512

struct pcapng_packet {
	uint32_t interface; /* its number in the file, from 0 */
	uint64_t time;      /* since 1970, ns */
	const void *bytes;  /* the first `kept` of the `length` bytes of an Ethernet frame */
	uint32_t kept, length;
	enum pcapng_direction direction;
	uint64_t id;         /* the same for both forms of a packet */
	uint32_t queue;      /* that received it */
	uint64_t action;     /* what the XDP program returned */
	const char *comment; /* one line of UTF-8 */
};

/** Begins a file; `application` is what writes it. */
void pcapng_begin(FILE *out, const char *application);

/** Describes an interface: the first one has number 0, the next one 1. `snap` is the most bytes of a frame. */
void pcapng_interface(FILE *out, const char *name, uint32_t snap);

/** Writes a frame. Its interface has been described. */
void pcapng_packet(FILE *out, const struct pcapng_packet *packet);

/** Says of an interface, at a time (since 1970, ns), how many frames were lost because the reader was too slow. */
void pcapng_lost(FILE *out, uint32_t interface, uint64_t time, uint64_t lost);

#endif
