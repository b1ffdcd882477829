/* SPDX-License-Identifier: BSD-3-Clause */
/* Replaces multiplex_peer.c and prometheus.c in a build of coturn 4.6, which has neither feature. */
#include "coturn/release.h"

bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer)
{
	(void)ss, (void)peer;
	return true;
}

void release_count_processed(uint64_t packets)
{
	(void)packets;
}
