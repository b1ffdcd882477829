/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics_channel.h"

#include "unit.h"

static void begin_channel(FILE *out, const struct metric *metric, const struct snapshot *snapshot,
			  const struct channel_entry *entry)
{
	char number[8];

	snprintf(number, sizeof(number), "0x%04x", entry->number);
	metric_begin(out, metric, &snapshot->server);
	metric_label(out, "client", unit_transport(&entry->client).text);
	metric_label(out, "relay", unit_transport(&entry->relay).text);
	metric_label(out, "peer", unit_transport(&entry->peer).text);
	metric_label(out, "number", number);
	metric_label(out, "user", entry->session.user);
	metric_label(out, "realm", entry->session.realm);
}

static void write_each_direction(FILE *out, const struct metric *metric, const struct snapshot *snapshot,
				 uint64_t (*value)(const struct channel_entry *entry, enum direction direction))
{
	const struct channel_list *channels = &snapshot->channels;

	for (size_t i = 0; i < channels->count; i++) {
		for (int k = 0; k < DIRECTIONS; k++) {
			begin_channel(out, metric, snapshot, &channels->entry[i]);
			metric_label(out, "direction", k == TO_PEER ? "to-peer" : "to-client");
			metric_end(out, value(&channels->entry[i], k));
		}
	}
}

static uint64_t direction_packets(const struct channel_entry *entry, enum direction direction)
{
	return entry->direction[direction].used.packets;
}

static void write_channel_packets(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	write_each_direction(out, metric, snapshot, direction_packets);
}

static void write_channel_bytes(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	write_each_direction(out, metric, snapshot, channels_data);
}

/* Only for sessions that have a limit. All channels of a session have the same figures. */
static void write_limited(FILE *out, const struct metric *metric, const struct snapshot *snapshot, bool dropped)
{
	const struct channel_list *channels = &snapshot->channels;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_entry *entry = &channels->entry[i];

		if (!entry->limited)
			continue;
		begin_channel(out, metric, snapshot, entry);
		metric_end(out, dropped ? entry->dropped : entry->limit);
	}
}

static void write_channel_limits(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	write_limited(out, metric, snapshot, false);
}

static void write_channel_drops(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	write_limited(out, metric, snapshot, true);
}

const struct metric metrics_channel[] = {
	{ "turn_xdp_channel_packets_total", "counter", "Packets of a channel.", write_channel_packets },
	{ "turn_xdp_channel_data_bytes_total", "counter", "Data of a channel, without ChannelData headers.",
	  write_channel_bytes },
	{ "turn_xdp_channel_limit_bytes", "gauge",
	  "Bytes per second, in each direction on each side, that max-bps allows the channel's session.",
	  write_channel_limits },
	{ "turn_xdp_channel_session_dropped_total", "counter",
	  "Packets of the channel's session that the kernel dropped for max-bps.", write_channel_drops },
};
const size_t metrics_channel_count = sizeof(metrics_channel) / sizeof(metrics_channel[0]);
