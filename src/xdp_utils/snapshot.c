/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "table.h"

#define EDITION_TRIES 1000

static uint64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Rows of interfaces are whole if their seq is even and stays what it was. */
static void read_state(const struct tables *tables, struct status *state)
{
	for (int i = 0; i < EDITION_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&tables->status->seq, __ATOMIC_ACQUIRE);

		memcpy(state, tables->status, sizeof(*state));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(seq & 1) && seq == __atomic_load_n(&tables->status->seq, __ATOMIC_RELAXED))
			break;
	}
	if (state->interfaces > ABI_ATTACHMENTS)
		state->interfaces = ABI_ATTACHMENTS;
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

/* ---- flows ---- */

static bool is_resolved(const struct tables *tables, uint32_t row)
{
	const struct hop_entry *hop = (const struct hop_entry *)tables->hops.memory + row;
	const struct hop *slot;

	if (row >= tables->room[TABLE_HOPS])
		return false;
	slot = &hop->slot[__atomic_load_n(&hop->current, __ATOMIC_ACQUIRE) & 1];
	return slot->ifindex || slot->flags & HOP_LOCAL;
}

struct reader {
	struct flow_list flows;
	unsigned int v6;
};

static int keep_flow(const struct flow_slot *slot, uint64_t since, void *data)
{
	struct reader *reader = data;
	struct seen_flow seen;

	flow_see(slot, since, &seen);
	reader->v6 += seen.from.family == AF_INET6;
	return flow_add(&reader->flows, &seen);
}

static int read_flows(const struct tables *tables, struct snapshot *snapshot, struct flow_list *flows)
{
	struct reader reader = { .v6 = 0 };
	int error = tables_each_flow(tables, keep_flow, &reader);

	snapshot->flows = (unsigned int)reader.flows.count - reader.v6;
	snapshot->flows6 = reader.v6;
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
	const struct limit *limit = row->limited ? tables_limit(tables, row->limit_row) : NULL;

	if (!limit)
		return;
	row->limit = __atomic_load_n(&limit->bps, __ATOMIC_RELAXED);
	row->dropped = __atomic_load_n(&limit->refused, __ATOMIC_RELAXED);
}

static void complete(const struct tables *tables, struct channel_row *row)
{
	uint64_t time = now(CLOCK_MONOTONIC);

	for (int i = 0; i < DIRECTIONS; i++)
		row->way[i].resolved = is_resolved(tables, row->hop[i]);
	row->alive = row->owner < ABI_OWNERS &&
		     __atomic_load_n(&tables->deadlines[row->owner], __ATOMIC_RELAXED) > time;
	read_limit(tables, row);
}

static int read_channels(const struct tables *tables, struct snapshot *snapshot)
{
	struct flow_list flows = { 0 };
	struct channel_list *channels = &snapshot->channels;
	int error = read_flows(tables, snapshot, &flows);

	if (!error)
		error = count_hops(tables, &flows, snapshot);
	if (!error)
		error = channels_pair(&flows, channels);
	free(flows.flow);
	for (size_t i = 0; i < channels->count && !error; i++)
		complete(tables, &channels->row[i]);
	snapshot->bound = (unsigned int)channels->count;
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
