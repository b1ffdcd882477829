/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * turn_packet_processed counts the datagrams that clients have sent. Each relay
 * thread adds its own to it once a second; so what the kernel took is added then.
 * turn_udp_* count system calls and what each carried, and stay as they are: the
 * kernel makes none.
 */
#include "mainrelay.h"
#include "prom_server.h"

#include "coturn/release.h"

void __real_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas);
void __wrap_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas);

static _Thread_local uint64_t processed;

void release_count_processed(uint64_t packets)
{
	processed += packets;
}

void __wrap_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas)
{
	struct prom_udp_counter_deltas all = { 0 };

	if (deltas)
		all = *deltas;
	all.packets_processed += processed;
	processed = 0;
	__real_prom_flush_udp_counters(&all);
}
