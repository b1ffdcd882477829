/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs to start from: each way, family and kind of checksum, each trouble, each race, each kind of gate, and little room. */
#include <string.h>

#include "scenario.h"

enum { WAYS_AND_FAMILIES = WAYS * 8, SUMS = 4, TROUBLES = TROUBLES_END - TROUBLE_FIRST };
enum { GATE_SEEDS = 2 * 256, ROOM_SEEDS = 128 * 4 };
enum { RACE_MOMENTS = 24, RACE_SEEDS = RACE_MOMENTS * 4 * (RACES - 1), GATE_RACE_SEEDS = RACE_MOMENTS * 2 * WAYS };

bool seed_input(unsigned int number, uint8_t *input, size_t *length)
{
	struct input r;

	memset(&r, 0, sizeof(r));
	r.address[1] = 1 + number;
	r.length[1] = 20 + number;
	if (number < WAYS_AND_FAMILIES * SUMS) {
		r.way = number % WAYS;
		r.families = number / WAYS % 8;
		r.sum = 0x80 + number / WAYS_AND_FAMILIES;
		r.tags_in = number % 3;
		r.tags_out[0] = number / 3 % 3;
		r.tags_out[1] = number / 5 % 3;
		r.tci_in[1] = r.tci_in[3] = 10;
		r.kernel = number;
		r.excess_kind = number;
		r.generic = number / 2;
		r.split[0] = number << 5;
		r.limited = number * 5;
	} else if (number < WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES) {
		number -= WAYS_AND_FAMILIES * SUMS;
		r.way = number % WAYS;
		r.families = number;
		r.tags_in = number / 4;
		r.tci_in[1] = r.tci_in[3] = 7;
		r.trailer = 0x80 | number;
		r.trouble[0].kind = TROUBLE_FIRST + number / 4;
		/* Or one bit, which is that of more fragments. */
		r.trouble[0].value[0] = number % 4 != 2 ? 1 + number % 4 : 0x20;
		r.trouble[0].value[1] = number % 4 != 2;
	} else if (number < WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS) {
		number -= WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES;
		r.race[0] = 0x80 + number % (RACES - 1);
		r.gates = number / 2 % 2;
		r.gate[0] = r.gate[1] = number * 3;
		number /= RACES - 1;
		r.race[2] = number / 2 % RACE_MOMENTS;
		if (number < 2 * RACE_MOMENTS) {
			r.race[1] = number % 2 + number / 4 % 2 * 4;
			r.race[3] = number % 5;
		} else {
			/* All at once, and a next hop is known afterwards, by the same egress or by another one. */
			r.race[1] = 4 + number % 2 * 8;
		}
		r.way = number % WAYS;
		r.families = number / 3;
		r.kernel = number % 2 * 8;
	} else if (number < WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS + GATE_SEEDS) {
		number -= WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS;
		r.way = number < GATE_SEEDS / 2 ? number % 2 : WAY_OTHER;
		r.families = number / 2;
		r.port_row = number % 5;
		r.gates = 1;
		r.gate[number >= GATE_SEEDS / 2] = number;
	} else if (number < WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS + GATE_SEEDS + ROOM_SEEDS) {
		number -= WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS + GATE_SEEDS;
		r.headroom = 0x80 | number;
		r.tailroom = number % 7 ? 40 : number % 41;
		r.way = number % WAYS;
		r.families = number / WAYS;
		r.tags_out[0] = r.tags_out[1] = number / 5 % 3;
		r.tags_in = number / 13 % 3;
		r.tci_in[1] = r.tci_in[3] = 10;
		r.trailer = number % 11 ? 0 : 0x80 | number;
		r.kernel = number % 2;
		r.split[0] = number / 2 % 2 * 0x80;
		r.split[1] = number % 40;
		r.alias = number;
	} else if (number < WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS + GATE_SEEDS + ROOM_SEEDS + GATE_RACE_SEEDS) {
		/* Within one moment a closed gate opens, or gives way to the open gate of another flow. */
		number -= WAYS_AND_FAMILIES * SUMS + 4 * TROUBLES + RACE_SEEDS + GATE_SEEDS + ROOM_SEEDS;
		r.race[0] = 0xff - 0xff % (RACES - 1) - (RACES - 1) + (number % 2 ? RACE_GATE : RACE_KEY) - 1;
		r.race[2] = number / 2 % RACE_MOMENTS;
		r.way = number / (2 * RACE_MOMENTS);
		r.race[1] = r.way == WAY_OTHER;
		r.gates = 1;
		r.gate[r.way == WAY_OTHER] = 3;
	} else {
		return false;
	}
	memcpy(input, &r, sizeof(r));
	*length = sizeof(r);
	return true;
}
