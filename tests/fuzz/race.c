/* SPDX-License-Identifier: BSD-3-Clause */
#include "race.h"

#include <string.h>

static uint32_t word(const void *from, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)from + offset, sizeof(value));
	return value;
}

/* The words that differ between what stands in a place and what is to stand there, as steps. */
static int words(struct race_step *step, enum race_place place, const void *from, const void *to, uint32_t begin,
		 uint32_t end)
{
	int steps = 0;

	for (uint32_t at = begin; at < end; at += 4)
		if (word(from, at) != word(to, at))
			step[steps++] = (struct race_step){place, at, word(to, at)};
	return steps;
}

static void reverse(struct race_step *step, int steps)
{
	for (int i = 0; i < steps / 2; i++) {
		struct race_step other = step[i];

		step[i] = step[steps - 1 - i];
		step[steps - 1 - i] = other;
	}
}

/* The counters are the program's: they stay. */
int race_flow_steps(const struct race *race, const struct flow_slot *from, const struct flow_words *from_words,
		    const struct flow_slot *to, const struct flow_words *to_words, struct race_step *step)
{
	uint32_t at = offsetof(struct flow_slot, seq);
	int steps = 1;

	if (race->kind == RACE_GATE) {
		step[0] = (struct race_step){PLACE_SLOT, offsetof(struct flow_slot, gate), to->gate};
		return 1;
	}
	step[0] = (struct race_step){PLACE_SLOT, at, from->seq + 1};
	if (race->kind == RACE_END)
		return 1;
	steps += words(step + steps, PLACE_SLOT, from, to, offsetof(struct flow_slot, key_saddr),
		       offsetof(struct flow_slot, usage));
	steps += words(step + steps, PLACE_SLOT, from, to, offsetof(struct flow_slot, saddr), sizeof(*to));
	steps += words(step + steps, PLACE_WORDS, from_words, to_words, 0, sizeof(*to_words));
	if (race->backwards)
		reverse(step + 1, steps - 1);
	step[steps] = (struct race_step){PLACE_SLOT, at, from->seq + 2};
	return steps + 1;
}

uint16_t race_hop_egress(const struct race *race)
{
	return WORLD_EGRESS(race->moves ? HOPS : race->after.flow[race->which].flow.hop);
}

/* An entry that leads nowhere afterwards keeps what was in it, and its egress. */
int race_hop_steps(const struct race *race, const struct hop_entry *from, const struct egress *egress,
		   struct race_step *step)
{
	int which = (int)race->after.flow[race->which].flow.hop;
	struct hop_entry to = world_hop_entry(&race->after.hop[which], which);
	struct egress to_egress = world_egress(&race->after.hop[which]);
	uint32_t at = offsetof(struct hop_entry, seq);
	int steps = 0, first;

	to.egress = race_hop_egress(race);
	if (from->seq & 1)
		step[steps++] = (struct race_step){PLACE_SLOT, at, from->seq + 1};
	if (!(to.seq & 1))
		return steps;
	first = steps;
	steps += words(step + steps, PLACE_SLOT, from, &to, offsetof(struct hop_entry, mtu), sizeof(to));
	steps += words(step + steps, PLACE_EGRESS, egress, &to_egress, 0, sizeof(to_egress));
	if (race->backwards)
		reverse(step + first, steps - first);
	step[steps] = (struct race_step){PLACE_SLOT, at, to.seq};
	return steps + 1;
}
