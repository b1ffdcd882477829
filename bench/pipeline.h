/* SPDX-License-Identifier: BSD-3-Clause */
/* Many requests at once, over many sockets. */
#ifndef BENCH_PIPELINE_H
#define BENCH_PIPELINE_H

#include "turn.h"

struct pipeline {
	const int *fds; /* connected sockets; request i goes by number i % fd_count */
	unsigned int fd_count;
	unsigned int count;  /* requests */
	unsigned int window; /* so many are under way at a time */
	void *context;
	/* Makes request i; called again if it has to be repeated. */
	void (*make)(void *context, unsigned int i, struct turn_message *request);
	/* May be NULL. Returns 0 or -errno, which ends it all. */
	int (*take)(void *context, unsigned int i, const struct turn_message *response);
};

/*
 * Returns 0 when all have had their success response, -EPROTO if one has been
 * refused, -ETIMEDOUT if nothing comes any more, or another -errno.
 */
int pipeline_run(const struct pipeline *pipeline);

#endif
