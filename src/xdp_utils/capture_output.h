/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes captured packets: to a file in the format pcapng, or a line for each. */
#ifndef OFFLOAD_XDP_UTILS_CAPTURE_OUTPUT_H
#define OFFLOAD_XDP_UTILS_CAPTURE_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "abi.h"
#include "captured.h"

/* Interfaces that packets can come in by, members of bonds among them, and devices that they can leave by. */
#define CAPTURE_DEVICES (ABI_PORTS + ABI_DEVICES)

struct capture_output {
	FILE *out;
	bool pcapng;
	uint32_t snap;
	int64_t offset; /* of CLOCK_REALTIME to CLOCK_MONOTONIC, ns */
	/* What the server says of its interfaces. It may change meanwhile. */
	const struct status *status;
	uint64_t packets;
	uint32_t devices;
	uint32_t device[CAPTURE_DEVICES]; /* their ifindexes, in the order of their numbers in the file */
};

/** Writes the beginning. The fields before `packets` are set, the others 0. */
void capture_output_begin(struct capture_output *output);

/** Writes a packet. */
void capture_output_packet(struct capture_output *output, const struct captured *captured);

/** Writes the end: how many packets were lost, at a time (CLOCK_MONOTONIC, ns). */
void capture_output_end(struct capture_output *output, uint64_t time, uint64_t lost);

#endif
