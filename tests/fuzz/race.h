/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A writer that changes a table while the program reads it: step by step, each before one
 * of the program's loads from it, as abi.h says that tables are written (struct flow_slot,
 * struct hop_entry). The same input has the same order of steps and loads in every run.
 */
#ifndef FUZZ_RACE_H
#define FUZZ_RACE_H

#include "model/world.h"

enum race_kind {
	RACE_NONE,
	RACE_FLOW, /* another flow of the same key takes its slot */
	RACE_KEY,  /* a flow of another key does */
	RACE_END,  /* the flow ends */
	RACE_GATE, /* the flow's gate opens, closes, or gets or loses GATE_ASK */
	RACE_HOP,  /* another next hop */
	RACES,
};

struct race {
	enum race_kind kind;
	int which;      /* FIRST or SECOND */
	uint32_t first; /* the load before which the writer begins */
	uint32_t pace;  /* its steps between two loads; 0: all at once */
	bool backwards; /* the words between the changes of the sequence */
	bool moves;     /* the other next hop has another egress; otherwise its egress is written anew */
	struct world after;
};

#define RACE_STEPS 40

/* A slot, or the entry of a next hop; and what stands elsewhere: the words of the slot, the egress of the next hop. */
enum race_place { PLACE_SLOT, PLACE_WORDS, PLACE_EGRESS, PLACES };

struct race_step {
	enum race_place place;
	uint32_t offset, value; /* of what stands in the place */
};

/* What the writer does to a slot that is to become another, or to a next hop. Number of steps. */
int race_flow_steps(const struct race *race, const struct flow_slot *from, const struct flow_words *from_words,
		    const struct flow_slot *to, const struct flow_words *to_words, struct race_step *step);
int race_hop_steps(const struct race *race, const struct hop_entry *from, const struct egress *egress,
		   struct race_step *step);
/* The egress that the other next hop gets, and which the writer writes. */
uint16_t race_hop_egress(const struct race *race);

#endif
