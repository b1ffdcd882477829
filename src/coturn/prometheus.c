/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn's metrics for Prometheus. turn_packet_processed counts the datagrams that clients have sent. Each
 * relay thread adds its own number to it once a second, and here the datagrams that the kernel relayed in its
 * place are added to that number. The metrics turn_udp_* count coturn's system calls and what each of them
 * carried, so nothing is added to them. Everything here runs on the relay threads.
 */
#include "mainrelay.h"
#include "prom_server.h"

#include "coturn/release.h"

void __real_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas);
void __wrap_prom_flush_udp_counters(const struct prom_udp_counter_deltas *deltas);

/* What this relay thread has not added yet. */
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
