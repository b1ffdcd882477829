/* SPDX-License-Identifier: BSD-3-Clause */
/* One interface that the offload would use, or uses: what it is, and the mode that it has or would get. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_INTERFACE_H
#define OFFLOAD_XDP_UTILS_CHECK_INTERFACE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/option.h"
#include "check_program.h"
#include "iface/driver.h"
#include "iface/member.h"
#include "netlink/device.h"
#include "netlink/links.h"
#include "server.h"

#define CHECK_WHY 320

/* Names of interfaces. */
struct check_names {
	unsigned int count;
	char name[ABI_ATTACHMENTS][IFNAMSIZ];
	bool optional[ABI_ATTACHMENTS]; /* only packets leave by it: native mode or nothing */
};

struct check_interface {
	char name[IFNAMSIZ];
	uint32_t ifindex;                /* 0: there is no such interface */
	char device[IFNAMSIZ];           /* the one below its VLANs, or itself, that native mode needs; "": none */
	char driver[DEVICE_DRIVER_SIZE]; /* of that device */
	char members[MEMBER_NAMES];      /* of that device, on which it runs the program; "": none */
	uint32_t mtu;
	unsigned int queues, queues_max; /* in which that device receives; 0: not known */
	bool resets;                     /* attaching resets that device */
	bool up;
	bool optional;                                      /* native mode or nothing, and nothing is amiss without it */
	bool lro;                                           /* rx-lro is on for that device */
	bool takes_redirects;                               /* what native mode elsewhere sends to it leaves */
	bool merges;                                        /* rx-gro-list or rx-udp-gro-forwarding keeps generic mode from it */
	struct check_program program;                       /* an XDP program that is there already */
	enum status_mode mode;                              /* that it has or would get */
	char why_native[CHECK_WHY], why_generic[CHECK_WHY]; /* why not; "": there is no reason, or it was not asked */
	char command[DRIVER_COMMAND];                       /* that changes the reason against native mode; "": none is known */
};

struct check_interfaces {
	unsigned int count;
	struct check_interface interface[ABI_ATTACHMENTS];
};

/**
 * Looks at the interfaces in `names`. `frags` is whether the kernel takes programs for frames of several buffers, and
 * `servers` are those whose programs may be there, which are no others'. 0, or -errno of links_read.
 */
int check_interface_read(const struct check_names *names, enum option_mode mode, bool frags,
			 const struct server_list *servers, struct check_interfaces *all);

/**
 * Makes all interfaces generic that can be, as the server does, if one that can only be generic gets no packets from
 * native mode. Pure.
 */
void check_interface_one_mode(struct check_interfaces *all);

/** Removes the optional ones that would carry no program, of which the server says nothing either. Pure. */
void check_interface_drop_optional(struct check_interfaces *all);

#endif
