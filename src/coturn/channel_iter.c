/* SPDX-License-Identifier: BSD-3-Clause */
#include "coturn/channel_iter.h"

ch_info *channel_iter_next(allocation *a, struct channel_iter *place)
{
	for (; place->bucket < CH_MAP_HASH_SIZE; place->bucket++, place->at = 0) {
		ch_map_array *array = &a->chns.table[place->bucket];

		while (place->at < CH_MAP_ARRAY_SIZE + array->extra_sz) {
			size_t at = place->at++;
			ch_info *chn = at < CH_MAP_ARRAY_SIZE ? &array->main_chns[at] :
								array->extra_chns[at - CH_MAP_ARRAY_SIZE];

			if (chn && chn->allocated)
				return chn;
		}
	}
	return NULL;
}
