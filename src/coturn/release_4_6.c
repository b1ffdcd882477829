/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Replaces multiplex_peer.c, prometheus.c and send_batch.c in a build of coturn 4.6, which has none of these features. It
 * does not need client_ttl.c.
 */
#include "mainrelay.h"

#include "coturn/release.h"

ts_ur_super_session *release_session_of(ioa_socket_handle relay, const ioa_addr *peer)
{
	(void)peer;
	return relay->session;
}

bool release_collects_packets(void)
{
	return false;
}

bool release_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer)
{
	(void)ss, (void)peer;
	return true;
}

void release_count_processed(uint64_t packets)
{
	(void)packets;
}
