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
	bool follows;              /* it could be native, and is generic because another interface can only be that */
	char why[MODE_LINE];       /* why it is not in native mode; "": it is, or no reason is needed */
	enum log_level level;      /* of `line` */
	char line[MODE_LINE];      /* what there is to say about it */
	char logged[MODE_LINE];    /* the line that the log has last */
};

/* What decides on the modes of all interfaces alike. */
struct mode_plan {
	enum option_mode mode;
	char outsider[IFNAMSIZ]; /* with OPTION_MODE_AUTO: no native mode, as packets would not cross to this one; "": none */
	bool alone;              /* packets leave by no other device than that of the interface whose mode is chosen */
	bool running;            /* the server runs: what cannot be is a warning, and no error any more */
};

enum mode_outcome {
	MODE_CARRIED,  /* a device carries the program for the interface */
	MODE_OCCUPIED, /* not now: the device carries another XDP program, or ours in generic mode; it may go */
	MODE_FAILED,   /* not as things are */
};

/**
 * Attaches the program for an interface that has none: in native mode, or else in generic
 * mode, or else through libxdp's dispatcher if the device carries one; plan->mode may rule
 * out the first or the second. Sets interface->device if it is carried; interface->line says
 * which it is and why.
 */
enum mode_outcome mode_choose(const struct mode_plan *plan, struct interface *interface,
			      const struct links *links, const struct link *link);

/**
 * Whether native mode could be tried for an interface that the program is attached to in generic mode now; writes why
 * not to interface->why. Nothing is attached or detached.
 */
bool mode_may_be_native(const struct mode_plan *plan, struct interface *interface, const struct links *links,
			const struct link *link);

/** Makes interface->line say that there is no such interface. */
void mode_absent(struct interface *interface);

/** Writes interface->line to the log, unless it is empty or was the last one written. */
void mode_log(struct interface *interface);

#endif
