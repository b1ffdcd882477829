/* SPDX-License-Identifier: BSD-3-Clause */
/* Inputs to start from: each way, family and kind of checksum, then each trouble. */
#include <string.h>

#include "cook.h"

enum { WAYS_AND_FAMILIES = WAYS * 8, SUMS = 4, TROUBLES = TROUBLES_END - TROUBLE_FIRST };

bool recipe_seed(unsigned int number, uint8_t *input, size_t *length)
{
	struct recipe r;

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
	} else if (number < WAYS_AND_FAMILIES * SUMS + 3 * TROUBLES) {
		number -= WAYS_AND_FAMILIES * SUMS;
		r.way = number % WAYS;
		r.families = number;
		r.tags_in = number / 4;
		r.tci_in[1] = r.tci_in[3] = 7;
		r.trailer = 0x80 | number;
		r.trouble[0].kind = TROUBLE_FIRST + number / 3;
		r.trouble[0].value[0] = 1 + number % 3;
		r.trouble[0].value[1] = 1;
	} else {
		return false;
	}
	memcpy(input, &r, sizeof(r));
	*length = sizeof(r);
	return true;
}
