/* SPDX-License-Identifier: BSD-3-Clause */
/* In place of hook_multiplex.c and hook_prometheus.c, for releases that have neither. */
#include "mainrelay.h"

#include "coturn/session.h"

bool hook_peer_owned(ts_ur_super_session *ss, const ioa_addr *peer)
{
	(void)ss, (void)peer;
	return true;
}

void hook_packets_processed(uint64_t packets)
{
	(void)packets;
}
