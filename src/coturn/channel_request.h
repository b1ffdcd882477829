/* SPDX-License-Identifier: BSD-3-Clause */
/* A channel of coturn's, described for the offload (struct channel_request). */
#ifndef OFFLOAD_COTURN_CHANNEL_REQUEST_H
#define OFFLOAD_COTURN_CHANNEL_REQUEST_H

#include <stdbool.h>

#include "ns_turn_session.h"

#include "offload.h"

/**
 * Describes a channel that coturn binds to `peer`; all but its limit. `sibling_df` tells
 * of the relay's socket what another channel by it has found: whether it sends with
 * DF, and that it is not bound to a device; NULL: the socket is asked. On the session's
 * relay thread.
 */
void channel_request_describe(ts_ur_super_session *ss, const ch_info *chn, const ioa_addr *peer,
			      const bool *sibling_df, struct channel_request *request);

#endif
