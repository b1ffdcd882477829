/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An input of the fuzzer: what world and what frame to make. All zeros is a packet that
 * is relayed. Every byte changes one thing. Few bytes can break a packet (`trouble`), so
 * that most inputs get far.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "race.h"

#define INPUT_TROUBLES 3

/* Bytes only, so that there is neither padding nor byte order. */
struct input {
	uint8_t way;      /* to peer, to client, to other client */
	uint8_t families; /* bits: v6 in, v6 out, v6 behind that */
	uint8_t address[2]; /* seed of addresses, ports, MACs */
	uint8_t extreme;    /* addresses of many 0 or 1 bits */
	uint8_t channel[2], other_channel[2];
	uint8_t length[2], length_kind;
	uint8_t excess, excess_kind;
	uint8_t trailer;
	uint8_t fill, seed;
	uint8_t sum; /* kind of UDP checksum */
	uint8_t steer;
	uint8_t tos, ttl, id[2], frag, label[3];
	uint8_t tags_in, tci_in[4];
	uint8_t tags_out[2], tci_out[2][4];
	uint8_t tos_zero[2], ttl_from, flow_ttl[2], hop_ttl[2], df;
	uint8_t id_first[2][2], flow_label[2][2];
	uint8_t owner[2], near[2], packets[2];
	uint8_t device; /* where it leaves: bits */
	uint8_t hop_flags;
	uint8_t generic;
	uint8_t port_row;
	uint8_t alias; /* bits: it comes in by an alias of its device, the device has an entry too */
	uint8_t mtu;
	uint8_t seq;
	uint8_t cpu;
	uint8_t kernel; /* bits: frags, no coarse clock, folded sums, weak order, data cannot move */
	uint8_t split[2], piece;
	uint8_t headroom, metadata, tailroom;
	uint8_t decoy; /* bits: other flows that are bound */
	uint8_t limited; /* bits: which flows max-bps limits, and how much is left to each meter */
	uint8_t gates;   /* 0: every gate is open */
	uint8_t gate[2]; /* of the flow that the packet has, and of that which it leads to */
	uint8_t race[4]; /* what a writer changes meanwhile: kind, bits, when, how fast */
	struct {
		uint8_t kind, value[2];
	} trouble[INPUT_TROUBLES];
	struct {
		uint8_t kind, at[2], value;
	} patch[2];
};

/* Makes the world, the frame, and what changes meanwhile; what the input lacks is zeros. */
void build_scenario(const uint8_t *input, size_t length, struct world *world, struct frame *frame,
		    struct race *race);

/* Inputs to start from: each writes one, and false after the last. */
bool seed_input(unsigned int number, uint8_t *input, size_t *length);

#endif
