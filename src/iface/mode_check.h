/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What speaks against one mode or the other on a device, in words. Reasons are clauses with
 * no full stop, for a line of the log; `size` is that of `why` in bytes. All of this is for
 * one thread.
 */
#ifndef OFFLOAD_IFACE_MODE_CHECK_H
#define OFFLOAD_IFACE_MODE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/device.h"
#include "netlink/links.h"

/* What the choice of an interface's mode depends on: as long as it is the same, so is the choice. */
struct mode_inputs {
	uint32_t ifindex, mtu;
	uint32_t other;  /* id of the XDP program on it, or on the device below its VLANs; 0: none */
	uint32_t up;     /* it has a carrier */
	uint32_t vlans;  /* there are VLANs above it */
	uint32_t merges; /* received datagrams are merged: gro_merges_udp */
	/* Of the device below its VLANs: */
	uint32_t members;    /* member_fingerprint */
	uint32_t member;     /* it is a member of another: of which */
	uint32_t device_mtu; /* of a veth that of its other end */
	uint32_t lro;        /* rx-lro is on */
	struct device_channels channels;
	uint64_t features; /* XDP_FEATURE_*; 0 if they are not known */
};

/* What is wanted of a device in native mode. */
struct mode_wish {
	bool trusted; /* native mode is asked for, also where nothing says whether the device sends what is relayed */
	bool alone;   /* frames only have to leave by the device that they came in by */
};

/** Reads the inputs of an interface. What the kernel does not say is 0. */
void mode_check_read_inputs(const struct links *links, const struct link *link,
			    struct mode_inputs *inputs);

/** Whether the inputs differ in something for which a driver that could not run the program may be able to now. */
bool mode_check_may_help(const struct mode_inputs *before, const struct mode_inputs *now);

/**
 * Whether a device can run the program in native mode, as far as that is known before it is
 * tried; if it runs the program on members, whether each of them can. 0; -EBUSY if a program is there that is not this
 * one; or -EOPNOTSUPP. After an error `why` says the reason.
 */
int mode_check_native(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
		      size_t size);

/** The same for a device alone: its members, and what it is a member of, are not looked at. */
int mode_check_device(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
		      size_t size);

/**
 * Whether an interface can run the program in generic mode. `own` is a device that carries
 * this program now (0: none), so that the program there is not another's. `link` may be
 * NULL: there is no such interface. 0; -EBUSY if another XDP program is there; -ENODEV; or
 * -EOPNOTSUPP. After an error `why` says the reason.
 */
int mode_check_generic(const struct links *links, const struct link *link, uint32_t own, char *why,
		       size_t size);

/** Writes to `why` what it means that attaching to a device in generic mode failed with -errno. */
void mode_check_explain_generic(int error, char *why, size_t size);

/**
 * Writes to `why` what it means that attaching in native mode failed with -errno, and what changes it. `sentence` is
 * what the driver says of it, or "".
 */
void mode_check_explain_native(int error, const struct links *links, const struct link *device, const char *sentence,
			       char *why, size_t size);

#endif
