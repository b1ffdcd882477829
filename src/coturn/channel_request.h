/* SPDX-License-Identifier: BSD-3-Clause */
/* Describes a channel of coturn's for the offload (struct channel_request). */
#ifndef OFFLOAD_COTURN_CHANNEL_REQUEST_H
#define OFFLOAD_COTURN_CHANNEL_REQUEST_H

#include <stdbool.h>

#include "ns_turn_session.h"

#include "offload.h"

/**
 * Describes the channel `chn` of a session, which coturn binds to `peer`, in `request`. Only the slot of its
 * limit is left 0.
 *
 * `sibling_df` is not NULL if another channel of the same relay's socket is in the kernel already: that the
 * socket is not bound to a device is known then, and *sibling_df says whether it sends with DF. With NULL the
 * socket is asked by system calls. On the session's relay thread.
 */
void channel_request_describe(ts_ur_super_session *ss, const ch_info *chn, const ioa_addr *peer,
			      const bool *sibling_df, struct channel_request *request);

#endif
