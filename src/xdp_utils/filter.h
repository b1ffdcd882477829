/* SPDX-License-Identifier: BSD-3-Clause */
/* Which channels are shown. Pure. */
#ifndef OFFLOAD_XDP_UTILS_FILTER_H
#define OFFLOAD_XDP_UTILS_FILTER_H

#include <stdint.h>

#include "channels.h"
#include "pattern.h"

struct filter {
	struct pattern client, relay, peer;
	uint16_t number;  /* a channel number; 0: any */
	const char *user; /* the name of the session's user; NULL: any */
	uint64_t session; /* coturn's ID of the session; 0: any */
};

/** Reads a channel number, as 16384 or 0x4000. 0, or -EINVAL, which leaves *number as it was. */
int filter_number_parse(const char *text, uint16_t *number);

/** Reads the ID of a session, as coturn's log has it. 0, or -EINVAL, which leaves *session as it was. */
int filter_session_parse(const char *text, uint64_t *session);

/** Takes the channels that do not match out of the list. The order of the others stays. */
void filter_channels(struct channel_list *channels, const struct filter *filter);

#endif
