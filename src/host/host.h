/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the survey of this host up to date: takes it at the start, once a second, and when
 * nf_tables has changed; and says what it has found in the log and in the status. One thread
 * at a time: the one that starts the server, then the monitor thread.
 */
#ifndef OFFLOAD_HOST_HOST_H
#define OFFLOAD_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "host/survey.h"

struct mnl_socket;

struct host_callbacks {
	/*
	 * The flags or the signature of the survey are others than before; also called by host_start.
	 * While nf_tables changes fast it is called for each change that is heard. NULL: nobody asks.
	 */
	void (*changed)(const struct survey *survey);
	/* Writes the indices of the devices that packets come in and leave by, at most `room`. Returns how many. */
	unsigned int (*devices)(uint32_t *ifindexes, unsigned int room);
};

/** Takes the first survey, and says what it has found. */
void host_start(const struct host_callbacks *callbacks);

/** Closes what the survey keeps open. Only after host_start, while no other thread takes a survey. */
void host_stop(void);

/** Opens a socket that hears when nf_tables changes: see survey_listen. */
struct mnl_socket *host_listen(void);

/** Reads the pending events of this socket. If nf_tables has changed, host_look takes the survey at once. */
void host_heard(struct mnl_socket *socket);

/**
 * Takes the survey if it is due by `now_ns` (CLOCK_MONOTONIC in nanoseconds), which may be a little in the future. `heard`: the kernel has told not long
 * ago that something of its routing has changed, so that the routing rules are to be read again. Returns when to call
 * this again.
 */
uint64_t host_look(uint64_t now_ns, bool heard);

#endif
