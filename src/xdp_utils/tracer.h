/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tracing programs of capture.bpf.c, attached to a server's XDP program and to its copies.
 * The kernel detaches them when this process ends, however it ends.
 */
#ifndef OFFLOAD_XDP_UTILS_TRACER_H
#define OFFLOAD_XDP_UTILS_TRACER_H

#include <stddef.h>
#include <stdint.h>

#include "capture.h"
#include "server.h"
#include "tables.h"

struct tracer;

struct tracer_plan {
	const struct server *server;
	const struct tables *tables;
	struct capture_filter filter;
	uint32_t snap;   /* bytes of each form of a frame, up to CAPTURE_SNAP_MAX */
	uint32_t buffer; /* bytes of the ring buffer: a power of 2, of whole pages */
	/* Gets each record. Not 0 ends tracer_read(). */
	int (*take)(void *data, void *record, size_t size);
	void *data;
};

/**
 * Loads and attaches the tracing programs. 0, to be closed; or -errno, with nothing attached.
 * What libbpf and the kernel said is then in library_log_warning().
 */
int tracer_open(const struct tracer_plan *plan, struct tracer **tracer);

/** A descriptor that can be read from when there are records. */
int tracer_fd(const struct tracer *tracer);

/** Gives all records that are there to `take`. 0, or what it returned. */
int tracer_read(struct tracer *tracer);

/** Detaches the programs. The records that are there can still be read. */
void tracer_detach(struct tracer *tracer);

/** How many packets were wanted and found no room in the ring buffer. */
uint64_t tracer_lost(const struct tracer *tracer);

/** Takes NULL, too. */
void tracer_close(struct tracer *tracer);

#endif
