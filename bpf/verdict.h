/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Every packet ends in one verdict, whose number is the index of its counter. A number is
 * never used again for something else. Packets that are relayed leave from here, packets
 * over max-bps are dropped; with every other verdict the packet goes up untouched, and
 * coturn decides what becomes of it.
 */
#ifndef BPF_VERDICT_H
#define BPF_VERDICT_H

/*            number  name               meaning */
#define VERDICTS(X)                                                                                   \
	X(0, TO_PEER, "relayed to peer")                                                              \
	X(1, TO_CLIENT, "relayed to client")                                                          \
	X(2, NOT_IP, "not IP in an Ethernet frame")                                                   \
	X(3, NOT_UDP, "not UDP")                                                                      \
	X(4, NOT_OURS, "Ethernet destination or VLAN is not this host's")                             \
	X(5, TRUNCATED, "frame, IP and UDP lengths do not agree")                                     \
	X(6, IP_OPTIONS, "IP header with options")                                                    \
	X(7, IP_CHECKSUM, "IP header checksum wrong")                                                 \
	X(8, FRAGMENT, "IP fragment")                                                                 \
	X(9, NO_FLOW, "no offloaded channel")                                                         \
	X(10, BAD_LENGTH, "ChannelData length does not fit the datagram")                             \
	X(11, TTL, "TTL too low to be relayed")                                                       \
	X(12, SERVER_SILENT, "the relay thread or the monitor thread has not reported for 5 seconds") \
	X(13, NO_NEXT_HOP, "next hop not resolved")                                                   \
	X(14, TOO_BIG, "larger than the MTU of the route out")                                        \
	X(15, NO_REDIRECT, "the device out takes no redirected frames")                               \
	X(16, CHECKSUM, "UDP checksum cannot be completed here")                                      \
	X(17, NO_ROOM, "the driver left no room for the header")                                      \
	X(18, TO_OTHER_CLIENT, "relayed to another client of this server")                            \
	X(19, LOCAL, "to this host, but not to another offloaded channel")                            \
	X(20, FRAGS, "in several buffers, which the device out does not take")                        \
	X(21, LIMITED, "dropped: the session has used up its max-bps")                                \
	X(22, PROBATION, "this host has not been seen to relay such packets")                         \
	X(23, SAMPLE, "to see whether this host still relays such packets")

/* clang-format off */
enum verdict {
#define VERDICT_ENUM(number, name, text) VERDICT_##name = (number),
	VERDICTS(VERDICT_ENUM)
#undef VERDICT_ENUM
	VERDICT_COUNT,
	/* What a stage returns when the next stage is to decide: no packet ends in it. */
	VERDICT_CONTINUE = VERDICT_COUNT,
};
/* clang-format on */

/* How many counters each CPU has: they fill whole cache lines. */
#define VERDICT_SLOTS 32
_Static_assert(VERDICT_COUNT <= VERDICT_SLOTS, "every verdict has a counter");

#endif
