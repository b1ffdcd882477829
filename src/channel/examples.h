/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * By example: the kernel relays the packets of a channel only after this host was seen to relay such packets.
 * A firewall, address translation, the reverse path filter or a cgroup's program may refuse or change what
 * coturn would relay, and the XDP program runs before all of them. Where the host has any of these, a
 * flow begins with a closed gate: its packets go up, and coturn relays them. The gate opens when coturn has sent
 * a packet of the direction with success, while the XDP program has seen the flow's own key come in by
 * one device. Where addresses are translated, both directions of the channel must have had such an example,
 * since the wire never shows one of the keys of a translated channel. From time to time a packet of an open
 * flow is sent up as a sample: it keeps the host's connection tracking alive, and shows whether the host
 * still relays. All functions are for the relay thread of the channel's session.
 */
#ifndef OFFLOAD_CHANNEL_EXAMPLES_H
#define OFFLOAD_CHANNEL_EXAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "channel/eligibility.h"
#include "channel/flow_build.h"
#include "table/gates.h"

/** What is known of one direction of a channel. Times are clock_coarse_ms(). */
struct example {
	uint32_t slot;          /* of the table of flows */
	uint32_t hop;           /* where the direction's packets go: index of the hops */
	uint32_t ifindex;       /* the device of that next hop when the example was seen; 0: not known */
	uint32_t place;         /* from where the example came (bits of abi.h); 0: there is none yet */
	uint32_t relayed;       /* packets that coturn has sent since an example is wanted */
	uint32_t refused;       /* packets that the host did not let coturn send since then */
	uint64_t usage;         /* what the kernel had relayed when it was last looked at (struct flow_slot) */
	bool open;              /* the gate is open */
	bool sampling;          /* the next packet is to go up, or is on its way through coturn */
	uint64_t gone_ms;       /* sampling: when the sample was found to have gone up; 0: not yet */
	uint64_t sampled_ms;    /* when the last example was seen, or a sample was asked for */
	uint64_t wanted_ms;     /* since when an example is wanted */
	uint64_t rest_until_ms; /* before this, coturn may still send what has come in earlier */
};

/** What is known of both directions of a channel. */
struct examples {
	gates_state state;   /* of the gates, when it was last looked at */
	uint32_t families;   /* the flags of enum gates_host that concern the channel */
	uint32_t generation; /* nexthop_generation() then */
	uint32_t told;       /* the reasons (bits of enum refusal) that were returned already */
	struct example direction[DIRECTIONS];
};

/**
 * Begins for a channel whose flows have just been written, with their gates closed. `slot` and `hop` are those of
 * each direction, `family` is the address family of the packets that come in: AF_INET or AF_INET6.
 */
void examples_begin(struct examples *examples, const uint32_t slot[DIRECTIONS], const uint32_t hop[DIRECTIONS],
		    const int family[DIRECTIONS]);

/** coturn has tried to send a packet of a direction: `error` is 0 or the errno of its system call. */
void examples_relayed(struct examples *examples, unsigned int which, int error);

/** Has the CPU fetch from memory what examples_look reads, without waiting for it. */
void examples_fetch(const struct examples *examples);

/**
 * Looks at the channel, which is to be done every second, and more often after the state of the gates has changed. `second`:
 * a second has passed since this was last given. Returns why a direction still has no example, once for each
 * reason, or REFUSAL_NONE.
 */
enum refusal examples_look(struct examples *examples, bool second);

/**
 * Sets how long an open gate stays open without another example, in milliseconds. Any thread. It is to be
 * shorter than the time for which the host's connection tracking keeps an entry.
 */
void examples_set_period(uint64_t period_ms);

#endif
