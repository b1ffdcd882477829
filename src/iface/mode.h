/* SPDX-License-Identifier: BSD-3-Clause */
/* How one interface carries the program: native, generic, or not at all, and why. */
#ifndef OFFLOAD_IFACE_MODE_H
#define OFFLOAD_IFACE_MODE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "netlink/links.h"
#include "base/log.h"
#include "base/option.h"
#include "iface/mode_check.h"

#define MODE_LINE 512

struct interface {
	char name[IFNAMSIZ];
	uint32_t ifindex; /* 0: it is not there */
	uint32_t device;  /* that carries the program for it: itself, or the one below its VLANs */
	struct mode_inputs tried;
	time_t since; /* when it was settled: CLOCK_MONOTONIC, in seconds */
	enum log_level level;
	char line[MODE_LINE]; /* what there is to say of it */
	char said[MODE_LINE];
};

struct mode_plan {
	enum option_mode mode;
	bool frags;       /* no other program could take larger frames */
	bool all_generic; /* native mode would cut others off */
	bool running;     /* the program cannot be loaded anew */
};

/**
 * Attaches the program for an interface that has none: native, or else generic,
 * or else not; `line` says which and why. 0, or -errno; -EMSGSIZE if a driver may
 * take a program for frames of several buffers in its place.
 */
int mode_choose(const struct mode_plan *plan, struct interface *interface, const struct links *links,
	   const struct link *link);

/** CLOCK_MONOTONIC, in seconds. */
time_t mode_now(void);

/** An interface that is not there. */
void mode_absent(const struct mode_plan *plan, struct interface *interface);

/** Writes the line to the log if it is news. */
void mode_log(struct interface *interface);

#endif
