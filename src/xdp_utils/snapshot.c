/* SPDX-License-Identifier: BSD-3-Clause */
#include "snapshot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "tables.h"

/* How often the server's status is read until it was not rewritten meanwhile. */
#define SEQ_TRIES 1000

static double unix_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The slots of interfaces and the host are whole if seq is even, and the same before and after. */
static void read_status(const struct tables *tables, struct status *status)
{
	for (int i = 0; i < SEQ_TRIES; i++) {
		uint32_t seq = __atomic_load_n(&tables->status->seq, __ATOMIC_ACQUIRE);

		memcpy(status, tables->status, sizeof(*status));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(seq & 1) && seq == __atomic_load_n(&tables->status->seq, __ATOMIC_RELAXED))
			break;
	}
	if (status->interfaces > ABI_ATTACHMENTS)
		status->interfaces = ABI_ATTACHMENTS;
}

static void read_threads(const struct tables *tables, struct snapshot *snapshot)
{
	uint64_t time = clock_monotonic_ns();

	snapshot->monitor_silent = snapshot->status.monitor_deadline && snapshot->status.monitor_deadline <= time;
	for (int i = 0; i < ABI_OWNERS; i++) {
		uint64_t deadline = __atomic_load_n(&tables->deadlines[i], __ATOMIC_RELAXED);

		if (deadline > time)
			snapshot->threads_alive++;
		else if (deadline)
			snapshot->threads_silent++;
	}
}

static void read_verdicts(const struct tables *tables, struct snapshot *snapshot)
{
	const uint64_t(*counters)[VERDICT_SLOTS] = tables->verdicts.memory;

	for (uint32_t cpu = 0; cpu < tables->cpus; cpu++) {
		for (int i = 0; i < VERDICT_COUNT; i++)
			snapshot->verdicts[i] += __atomic_load_n(&counters[cpu][i], __ATOMIC_RELAXED);
	}
}

static bool is_resolved(const struct tables *tables, uint32_t index)
{
	struct hop hop;

	return tables_hop(tables, index, &hop);
}

/* The program may be on a VLAN's own interface, which the next hop does not name. */
static uint32_t device_of(const struct tables *tables, uint32_t index)
{
	struct hop hop;

	return tables_hop(tables, index, &hop) && !hop.tag[0].protocol ? hop.ifindex : 0;
}

struct reader {
	struct seen_flow_list flows;
	unsigned int v6;
};

static int keep_flow(const struct flow_parts *parts, void *data)
{
	struct reader *reader = data;
	struct seen_flow seen;

	seen_flow_read(parts, clock_boot_ns(), &seen);
	reader->v6 += seen.from.family == AF_INET6;
	return seen_flow_add(&reader->flows, &seen);
}

static int read_flows(const struct tables *tables, struct snapshot *snapshot, struct seen_flow_list *flows)
{
	struct reader reader = { .v6 = 0 };
	int error = tables_each_flow(tables, keep_flow, &reader);

	snapshot->flows_v4 = (unsigned int)reader.flows.count - reader.v6;
	snapshot->flows_v6 = reader.v6;
	*flows = reader.flows;
	return error;
}

static int count_hops(const struct tables *tables, const struct seen_flow_list *flows, struct snapshot *snapshot)
{
	uint32_t room = tables->room[TABLE_HOPS];
	bool *seen = calloc(room + 1, 1);

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < flows->count; i++) {
		uint32_t hop = flows->flow[i].flow.hop;

		if (hop >= room || seen[hop])
			continue;
		seen[hop] = true;
		snapshot->hops++;
		snapshot->hops_unresolved += !is_resolved(tables, hop);
	}
	free(seen);
	return 0;
}

static void read_limit(const struct tables *tables, struct channel_entry *entry)
{
	const struct limit *limit = entry->limited ? tables_limit(tables, entry->limit_slot) : NULL;

	if (!limit)
		return;
	entry->limit = __atomic_load_n(&limit->bps, __ATOMIC_RELAXED);
	entry->dropped = __atomic_load_n(&limit->dropped, __ATOMIC_RELAXED);
}

static void complete(const struct tables *tables, struct channel_entry *entry)
{
	uint64_t time = clock_monotonic_ns();

	for (int i = 0; i < DIRECTIONS; i++) {
		entry->direction[i].next_hop_known = is_resolved(tables, entry->hop[i]);
		entry->device[i] = device_of(tables, entry->hop[i]);
	}
	entry->alive = entry->owner < ABI_OWNERS &&
		       __atomic_load_n(&tables->deadlines[entry->owner], __ATOMIC_RELAXED) > time;
	read_limit(tables, entry);
}

/* Channels of a session stand together, so it is seldom read twice. */
static void read_sessions(const struct tables *tables, struct channel_list *channels)
{
	for (size_t i = 0; i < channels->count; i++) {
		struct channel_entry *entry = &channels->entry[i];

		if (i && entry->session_number == entry[-1].session_number)
			entry->session = entry[-1].session;
		else
			tables_session(tables, entry->session_number, &entry->session);
	}
}

static int read_channels(const struct tables *tables, struct snapshot *snapshot)
{
	struct seen_flow_list flows = { 0 };
	struct channel_list *channels = &snapshot->channels;
	int error = read_flows(tables, snapshot, &flows);

	if (!error)
		error = count_hops(tables, &flows, snapshot);
	if (!error)
		error = channels_pair(&flows, channels);
	free(flows.flow);
	for (size_t i = 0; i < channels->count && !error; i++)
		complete(tables, &channels->entry[i]);
	if (!error)
		read_sessions(tables, channels);
	snapshot->channels_used = (unsigned int)channels->count;
	one_sided_count(channels, &snapshot->status, snapshot->taken, snapshot->one_sided);
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
	snapshot->taken = clock_boot_ns();
	read_status(&tables, &snapshot->status);
	snapshot->started_unix = unix_seconds() - (double)(snapshot->taken - snapshot->status.started) / 1e9;
	read_threads(&tables, snapshot);
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
	free(snapshot->channels.entry);
	snapshot->channels = (struct channel_list){ 0 };
}

uint64_t snapshot_age(const struct snapshot *snapshot, uint64_t since)
{
	return snapshot->taken > since ? snapshot->taken - since : 0;
}

uint64_t snapshot_in_kernel(const struct snapshot *snapshot)
{
	const uint64_t *verdicts = snapshot->verdicts;

	return verdicts[VERDICT_TO_PEER] + verdicts[VERDICT_TO_CLIENT] + 2 * verdicts[VERDICT_TO_OTHER_CLIENT];
}

double snapshot_rate(const struct snapshot *snapshot, enum verdict verdict)
{
	if (!(snapshot->seconds > 0))
		return NAN;
	return (double)snapshot->verdicts_gained[verdict] / snapshot->seconds;
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
