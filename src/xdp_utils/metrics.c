/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "channel/eligibility.h"
#include "show.h"
#include "unit.h"

/* ---- the text format: all series of a metric in one place ---- */

struct writer {
	FILE *out;
	const char *name; /* of the metric */
	bool each_channel;
};

static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, ",%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else if (isprint((unsigned char)*value))
			fputc(*value, out);
		else
			fputc('?', out);
	}
	fputc('"', out);
}

/* A series of a server begins; labels may follow. */
static void begin(const struct writer *writer, const struct measured *measured)
{
	fprintf(writer->out, "%s{pid=\"%u\"", writer->name, measured->server->pid);
}

static void end(const struct writer *writer, uint64_t value)
{
	fprintf(writer->out, "} %" PRIu64 "\n", value);
}

static void put(const struct writer *writer, const struct measured *measured, uint64_t value)
{
	begin(writer, measured);
	end(writer, value);
}

static void put_labelled(const struct writer *writer, const struct measured *measured, const char *label,
			 const char *text, uint64_t value)
{
	begin(writer, measured);
	put_label(writer->out, label, text);
	end(writer, value);
}

/* ---- metrics of a server ---- */

static void write_start(const struct writer *writer, const struct measured *measured)
{
	const struct snapshot *snapshot = measured->snapshot;
	double ago = (double)(snapshot->taken - snapshot->state.started) / 1e9;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	begin(writer, measured);
	fprintf(writer->out, "} %.0f\n", (double)now.tv_sec + (double)now.tv_nsec / 1e9 - ago);
}

static void write_channels_used(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->bound);
}

static void write_channels_room(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->state.channels);
}

static void write_flows(const struct writer *writer, const struct measured *measured)
{
	put_labelled(writer, measured, "family", "ipv4", measured->snapshot->flows);
	put_labelled(writer, measured, "family", "ipv6", measured->snapshot->flows6);
}

static void write_hops(const struct writer *writer, const struct measured *measured)
{
	const struct snapshot *snapshot = measured->snapshot;

	put_labelled(writer, measured, "state", "known", snapshot->hops - snapshot->hops_unresolved);
	put_labelled(writer, measured, "state", "unknown", snapshot->hops_unresolved);
}

static void write_relays(const struct writer *writer, const struct measured *measured)
{
	put_labelled(writer, measured, "state", "alive", measured->snapshot->relays_alive);
	put_labelled(writer, measured, "state", "silent", measured->snapshot->relays_silent);
}

static void write_interfaces(const struct writer *writer, const struct measured *measured)
{
	const struct status *state = &measured->snapshot->state;

	for (unsigned int i = 0; i < state->interfaces; i++) {
		char name[STATUS_NAME + 1] = "", device[STATUS_NAME + 1] = "";

		memcpy(name, state->interface[i].name, STATUS_NAME);
		memcpy(device, state->interface[i].device, STATUS_NAME);
		begin(writer, measured);
		put_label(writer->out, "interface", name);
		put_label(writer->out, "device", device);
		put_label(writer->out, "mode", mode_word(state->interface[i].mode));
		end(writer, state->interface[i].mode != STATUS_MODE_NONE);
	}
}

static void write_ipsec(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->state.blocked);
}

static void write_overruns(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->state.overruns);
}

static void write_refusals(const struct writer *writer, const struct measured *measured)
{
	const struct status *state = &measured->snapshot->state;

	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		put_labelled(writer, measured, "reason", eligibility_refusal_name(i), state->refused[i]);
	put_labelled(writer, measured, "reason", "full", state->full);
	put_labelled(writer, measured, "reason", "failed", state->failed);
}

static void write_verdicts(const struct writer *writer, const struct measured *measured)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		put_labelled(writer, measured, "verdict", unit_word(verdict_name(i)).text,
			     measured->snapshot->verdicts[i]);
}

static void write_bytes_received(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->state.bytes_in);
}

static void write_bytes_sent(const struct writer *writer, const struct measured *measured)
{
	put(writer, measured, measured->snapshot->state.bytes_out);
}

/* ---- metrics of a channel ---- */

static void begin_channel(const struct writer *writer, const struct measured *measured,
			  const struct channel_row *row)
{
	char number[8];

	snprintf(number, sizeof(number), "0x%04x", row->number);
	begin(writer, measured);
	put_label(writer->out, "client", unit_transport(&row->client).text);
	put_label(writer->out, "relay", unit_transport(&row->relay).text);
	put_label(writer->out, "peer", unit_transport(&row->peer).text);
	put_label(writer->out, "number", number);
}

static void write_each_way(const struct writer *writer, const struct measured *measured,
			   uint64_t (*value)(const struct channel_row *row, enum direction direction))
{
	const struct channel_list *channels = &measured->snapshot->channels;

	for (size_t i = 0; i < channels->count; i++) {
		for (int k = 0; k < DIRECTIONS; k++) {
			begin_channel(writer, measured, &channels->row[i]);
			put_label(writer->out, "direction", k == TO_PEER ? "to-peer" : "to-client");
			end(writer, value(&channels->row[i], k));
		}
	}
}

static uint64_t way_packets(const struct channel_row *row, enum direction direction)
{
	return row->way[direction].used.packets;
}

static void write_channel_packets(const struct writer *writer, const struct measured *measured)
{
	write_each_way(writer, measured, way_packets);
}

static void write_channel_bytes(const struct writer *writer, const struct measured *measured)
{
	write_each_way(writer, measured, way_data);
}

/* Of sessions that have a limit only: all channels of one have the same figures. */
static void write_limited(const struct writer *writer, const struct measured *measured, bool dropped)
{
	const struct channel_list *channels = &measured->snapshot->channels;

	for (size_t i = 0; i < channels->count; i++) {
		const struct channel_row *row = &channels->row[i];

		if (!row->limited)
			continue;
		begin_channel(writer, measured, row);
		end(writer, dropped ? row->dropped : row->limit);
	}
}

static void write_channel_limits(const struct writer *writer, const struct measured *measured)
{
	write_limited(writer, measured, false);
}

static void write_channel_drops(const struct writer *writer, const struct measured *measured)
{
	write_limited(writer, measured, true);
}

/* ---- all of them ---- */

static const struct metric {
	const char *name, *type, *help;
	void (*write)(const struct writer *writer, const struct measured *measured);
	bool of_channels;
} metrics[] = {
	{ "turn_xdp_start_time_seconds", "gauge", "When the offload started, in seconds since 1970.", write_start, false },
	{ "turn_xdp_channels", "gauge", "Channels that the kernel relays.", write_channels_used, false },
	{ "turn_xdp_channels_max", "gauge", "Channels that there is room for.", write_channels_room, false },
	{ "turn_xdp_flows", "gauge", "Flows in the kernel's tables, two for each channel.", write_flows, false },
	{ "turn_xdp_next_hops", "gauge", "Next hops in use; packets to unknown ones go to userspace.", write_hops, false },
	{ "turn_xdp_relay_threads", "gauge", "Relay threads; channels of silent ones are not relayed in the kernel.",
	  write_relays, false },
	{ "turn_xdp_interface_attached", "gauge", "1 if an interface carries the program, 0 if it should and does not.",
	  write_interfaces, false },
	{ "turn_xdp_ipsec_bars", "gauge", "1 if the host's IPsec policies keep everything in userspace.", write_ipsec,
	  false },
	{ "turn_xdp_events_lost_total", "counter", "Times that events of the kernel were lost and all was read anew.",
	  write_overruns, false },
	{ "turn_xdp_channels_left_total", "counter", "Channel bindings that stayed in userspace.", write_refusals, false },
	{ "turn_xdp_packets_total", "counter", "Packets that the program saw, by what became of them.", write_verdicts,
	  false },
	{ "turn_xdp_received_bytes_total", "counter",
	  "UDP payload of relayed packets as received, a second ago at most.", write_bytes_received, false },
	{ "turn_xdp_sent_bytes_total", "counter", "UDP payload of relayed packets as sent, a second ago at most.",
	  write_bytes_sent, false },
	{ "turn_xdp_channel_packets_total", "counter", "Packets of a channel.", write_channel_packets, true },
	{ "turn_xdp_channel_data_bytes_total", "counter", "Data of a channel, without its headers.", write_channel_bytes,
	  true },
	{ "turn_xdp_channel_limit_bytes", "gauge", "Bytes a second, each way on each side, that max-bps leaves the channel's session.",
	  write_channel_limits, true },
	{ "turn_xdp_channel_session_dropped_total", "counter", "Packets of the channel's session that max-bps dropped.",
	  write_channel_drops, true },
};

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_write(FILE *out, const struct measured *measured, unsigned int count, bool each_channel)
{
	struct writer writer = { .out = out, .name = "turn_xdp_up" };

	head(out, "turn_xdp_servers", "gauge", "Servers on this host that relay channels in the kernel.");
	fprintf(out, "turn_xdp_servers %u\n", count);
	if (count)
		head(out, writer.name, "gauge", "1 if a server's tables could be read.");
	for (unsigned int i = 0; i < count; i++)
		put(&writer, &measured[i], measured[i].snapshot != NULL);
	for (size_t k = 0; count && k < sizeof(metrics) / sizeof(metrics[0]); k++) {
		if (metrics[k].of_channels && !each_channel)
			continue;
		writer.name = metrics[k].name;
		head(out, metrics[k].name, metrics[k].type, metrics[k].help);
		for (unsigned int i = 0; i < count; i++) {
			if (measured[i].snapshot)
				metrics[k].write(&writer, &measured[i]);
		}
	}
}
