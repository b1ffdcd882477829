/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet as the tracing programs have recorded it, in words. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CAPTURED_H
#define OFFLOAD_XDP_UTILS_CAPTURED_H

#include <stddef.h>
#include <stdint.h>

#include "capture.h"
#include "filter.h"
#include "transport.h"
#include "unit.h"

struct captured {
	const struct capture_record *record;
	const uint8_t *in, *out; /* the bytes that were kept of the frame; `out` is NULL if it did not leave */
};

/** Finds the parts of a record of `size` bytes. 0, or -EINVAL if they are not all there. */
int captured_read(const void *record, size_t size, struct captured *captured);

/** The verdict's word, such as to-peer. */
struct text captured_verdict(const struct captured *captured);

/** What became of the packet and of which channel it is, for a comment: one line, cut to `size`. */
void captured_describe(const struct captured *captured, char *line, size_t size);

/** The UDP addresses of a frame. 0, or -ENOMSG if it is no whole UDP header over IP. */
int captured_addresses(const uint8_t *frame, uint32_t kept, struct transport *source, struct transport *destination);

/** What the tracing programs are to look for. */
void captured_filter(const struct filter *filter, uint32_t verdicts, struct capture_filter *wanted);

#endif
