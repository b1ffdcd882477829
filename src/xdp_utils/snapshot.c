/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "table.h"

#define EDITION_TRIES 1000

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Rows of interfaces are whole if their edition is even and stays what it was. */
static void read_state(const struct tables *tables, struct state *state)
{
	for (int i = 0; i < EDITION_TRIES; i++) {
		uint32_t edition = __atomic_load_n(&tables->state->edition, __ATOMIC_ACQUIRE);

		memcpy(state, tables->state, sizeof(*state));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(edition & 1) && edition == __atomic_load_n(&tables->state->edition, __ATOMIC_RELAXED))
			break;
	}
	if (state->interfaces > ABI_PORTS)
		state->interfaces = ABI_PORTS;
}

static void read_relays(const struct tables *tables, struct snapshot *snapshot)
{
	uint64_t time = now(CLOCK_MONOTONIC);

	for (int i = 0; i < ABI_OWNERS; i++) {
		uint64_t deadline = __atomic_load_n(&tables->deadlines[i], __ATOMIC_RELAXED);

		if (deadline > time)
			snapshot->relays_alive++;
		else if (deadline)
			snapshot->relays_silent++;
	}
}

static void read_verdicts(const struct tables *tables, struct snapshot *snapshot)
{
	const uint64_t(*row)[VERDICT_ROW] = tables->verdicts.memory;

	for (uint32_t cpu = 0; cpu < tables->cpus; cpu++) {
		for (int i = 0; i < VERDICT_COUNT; i++)
			snapshot->verdicts[i] += __atomic_load_n(&row[cpu][i], __ATOMIC_RELAXED);
	}
}

/* ---- usage ---- */

static const struct usage_row *usage_row(const struct tables *tables, uint32_t cpu, uint32_t row)
{
	return (const struct usage_row *)tables->usage.memory + (size_t)cpu * tables->usage_rows + row;
}

static struct usage read_row(const struct usage_row *row)
{
	return (struct usage){
		.packets = __atomic_load_n(&row->packets, __ATOMIC_RELAXED),
		.bytes_in = __atomic_load_n(&row->bytes_in, __ATOMIC_RELAXED),
		.bytes_out = __atomic_load_n(&row->bytes_out, __ATOMIC_RELAXED),
	};
}

static void add(struct usage *sum, const struct usage *more)
{
	sum->packets += more->packets;
	sum->bytes_in += more->bytes_in;
	sum->bytes_out += more->bytes_out;
}

static struct usage read_cpus(const struct tables *tables, uint32_t row)
{
	struct usage sum = { 0 };

	for (uint32_t cpu = 0; cpu < tables->cpus; cpu++) {
		struct usage one = read_row(usage_row(tables, cpu, row));

		add(&sum, &one);
	}
	return sum;
}

/* Rows that no flow has had yet are left alone: there may be very many of them. */
static void read_total(const struct tables *tables, struct snapshot *snapshot)
{
	for (uint32_t row = 0; row < tables->usage_rows; row++) {
		struct usage one;

		if (!usage_row(tables, tables->cpus, row)->since)
			continue;
		one = read_cpus(tables, row);
		add(&snapshot->total, &one);
	}
}

/*
 * What one direction carried since its flow began. -ENOENT if the row is another
 * flow's by now, which began after the tables of flows were read.
 */
static int read_way(const struct tables *tables, uint32_t row, uint64_t taken, struct way *way,
		    uint64_t *since)
{
	const struct usage_row *begin;
	struct usage was, is;

	if (row >= tables->usage_rows)
		return -ENOENT;
	begin = usage_row(tables, tables->cpus, row);
	*since = __atomic_load_n(&begin->since, __ATOMIC_ACQUIRE);
	was = read_row(begin);
	is = read_cpus(tables, row);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (*since > taken || *since != __atomic_load_n(&begin->since, __ATOMIC_RELAXED))
		return -ENOENT;
	way->used.packets = is.packets - was.packets;
	way->used.bytes_in = is.bytes_in - was.bytes_in;
	way->used.bytes_out = is.bytes_out - was.bytes_out;
	return 0;
}

/* ---- flows ---- */

static bool is_resolved(const struct tables *tables, uint32_t row)
{
	const struct hop_row *hop = (const struct hop_row *)tables->hops.memory + row;
	const struct hop *slot;

	if (row >= tables->room[TABLE_HOPS])
		return false;
	slot = &hop->slot[__atomic_load_n(&hop->current, __ATOMIC_ACQUIRE) & 1];
	return slot->ifindex || slot->flags & HOP_LOCAL;
}

struct reader {
	struct flow_list flows;
	bool v6;
};

static int keep_flow(const void *key, const struct flow *flow, void *data)
{
	struct reader *reader = data;
	struct seen_flow seen;

	flow_see(reader->v6, key, flow, &seen);
	return flow_add(&reader->flows, &seen);
}

static int read_flows(const struct tables *tables, struct snapshot *snapshot, struct flow_list *flows)
{
	struct reader reader = { .v6 = false };
	int error = tables_each_flow(tables, TABLE_FLOWS, keep_flow, &reader);

	snapshot->flows = (unsigned int)reader.flows.count;
	reader.v6 = true;
	if (!error)
		error = tables_each_flow(tables, TABLE_FLOWS6, keep_flow, &reader);
	snapshot->flows6 = (unsigned int)reader.flows.count - snapshot->flows;
	*flows = reader.flows;
	return error;
}

static int count_hops(const struct tables *tables, const struct flow_list *flows, struct snapshot *snapshot)
{
	uint32_t rows = tables->room[TABLE_HOPS];
	bool *seen = calloc(rows + 1, 1);

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < flows->count; i++) {
		uint32_t row = flows->flow[i].flow.hop;

		if (row >= rows || seen[row])
			continue;
		seen[row] = true;
		snapshot->hops++;
		snapshot->hops_unresolved += !is_resolved(tables, row);
	}
	free(seen);
	return 0;
}

static void read_limit(const struct tables *tables, struct channel_row *row)
{
	const struct limit *limit = row->limited ? tables_limit(tables, row->usage[TO_PEER]) : NULL;

	if (!limit)
		return;
	row->limit = __atomic_load_n(&limit->bps, __ATOMIC_RELAXED);
	row->dropped = __atomic_load_n(&limit->refused, __ATOMIC_RELAXED);
}

static int complete(const struct tables *tables, uint64_t taken, struct channel_row *row)
{
	uint64_t since = 0, time = now(CLOCK_MONOTONIC);

	for (int i = 0; i < DIRECTIONS; i++) {
		if (read_way(tables, row->usage[i], taken, &row->way[i], &since))
			return -ENOENT;
		row->way[i].resolved = is_resolved(tables, row->hop[i]);
		if (since > row->since)
			row->since = since;
	}
	row->alive = row->owner < ABI_OWNERS &&
		     __atomic_load_n(&tables->deadlines[row->owner], __ATOMIC_RELAXED) > time;
	read_limit(tables, row);
	return 0;
}

static int read_channels(const struct tables *tables, struct snapshot *snapshot)
{
	struct flow_list flows = { 0 };
	struct channel_list *channels = &snapshot->channels;
	int error = read_flows(tables, snapshot, &flows);
	size_t kept = 0;

	if (!error)
		error = count_hops(tables, &flows, snapshot);
	if (!error)
		error = channels_pair(&flows, channels);
	free(flows.flow);
	for (size_t i = 0; i < channels->count && !error; i++) {
		if (!complete(tables, snapshot->taken, &channels->row[i]))
			channels->row[kept++] = channels->row[i];
	}
	channels->count = kept;
	snapshot->bound = (unsigned int)kept;
	return error;
}

int snapshot_take(const struct server *server, struct snapshot *snapshot)
{
	struct tables tables;
	int error;

	memset(snapshot, 0, sizeof(*snapshot));
	if (server->version != ABI_VERSION)
		return -EPROTONOSUPPORT;
	error = tables_open(server, &tables);
	if (error)
		return error;
	snapshot->server = *server;
	snapshot->taken = now(CLOCK_BOOTTIME);
	read_state(&tables, &snapshot->state);
	read_relays(&tables, snapshot);
	read_verdicts(&tables, snapshot);
	read_total(&tables, snapshot);
	snapshot->flow_room = tables.room[TABLE_FLOWS];
	snapshot->vlan_room = tables.room[TABLE_VLANS];
	snapshot->device_room = tables.room[TABLE_DEVICES];
	snapshot->vlans = tables_count(&tables, TABLE_VLANS);
	snapshot->devices = tables_count(&tables, TABLE_DEVICES);
	error = read_channels(&tables, snapshot);
	tables_close(&tables);
	if (error)
		snapshot_free(snapshot);
	return error;
}

void snapshot_free(struct snapshot *snapshot)
{
	free(snapshot->channels.row);
	snapshot->channels = (struct channel_list){ 0 };
}

void snapshot_compare(struct snapshot *before, struct snapshot *after)
{
	if (before->server.map[TABLE_FLOWS] != after->server.map[TABLE_FLOWS] || after->taken <= before->taken)
		return;
	after->seconds = (double)(after->taken - before->taken) / 1e9;
	for (int i = 0; i < VERDICT_COUNT; i++)
		after->verdicts_gained[i] = after->verdicts[i] - before->verdicts[i];
	channels_compare(&before->channels, &after->channels, after->seconds);
}
