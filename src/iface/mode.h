/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How one interface carries the program: in its driver (native mode), behind the driver
 * (generic mode), or not at all, and why. All of this is for one thread.
 */
#ifndef OFFLOAD_IFACE_MODE_H
#define OFFLOAD_IFACE_MODE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/option.h"
#include "iface/mode_check.h"
#include "netlink/links.h"

/* Bytes of a line about an interface, with the 0 at its end. */
#define MODE_LINE 512

/* An interface that is to carry the program. */
struct interface {
	char name[IFNAMSIZ];
	uint32_t ifindex;          /* 0: it is not there */
	bool optional;             /* native mode or nothing, and nothing is said of it unless it is native */
	uint64_t unwanted_ns;      /* since when it is no longer selected: clock_monotonic_ns; 0: it is */
	uint32_t device;           /* that carries the program for it: itself, or the one below its VLANs; 0: none */
	struct mode_inputs inputs; /* by which its mode was last chosen */
	uint64_t chosen_ns;        /* when its mode was last chosen: clock_monotonic_ns */
	enum log_level level;      /* of `line` */
	char line[MODE_LINE];      /* what there is to say about it */
	char logged[MODE_LINE];    /* the line that the log has last */
};

/* What decides on the modes of all interfaces alike. */
struct mode_plan {
	enum option_mode mode;
	bool frags;       /* the program is the last to try: no other takes larger frames */
	bool all_generic; /* with OPTION_MODE_AUTO: no native mode, as packets would not cross to others */
	bool running;     /* the server runs: the program cannot be loaded anew */
};

enum mode_outcome {
	MODE_CARRIED,     /* a device carries the program for the interface */
	MODE_OCCUPIED,    /* not now: the device carries another XDP program, or ours in generic mode; it may go */
	MODE_NEEDS_FRAGS, /* not this program: the driver may take one for frames of several buffers */
	MODE_FAILED,      /* not as things are */
};

/**
 * Attaches the program for an interface that has none: in native mode, or else in generic
 * mode, or else through libxdp's dispatcher if the device carries one; plan->mode may rule
 * out the first or the second. Sets interface->device if it is carried; interface->line says
 * which it is and why, but for MODE_NEEDS_FRAGS, which comes only before the server runs.
 */
enum mode_outcome mode_choose(const struct mode_plan *plan, struct interface *interface,
			      const struct links *links, const struct link *link);

/** Makes interface->line say how a device in native mode carries the interface now; the dispatcher's line stays. */
void mode_describe(const struct mode_plan *plan, struct interface *interface, const struct links *links,
		   const struct link *link);

/** Makes interface->line say that there is no such interface. */
void mode_absent(struct interface *interface);

/** Writes interface->line to the log, unless it is empty or was the last one written. */
void mode_log(struct interface *interface);

#endif
