/* SPDX-License-Identifier: BSD-3-Clause */
#include "metrics.h"

#include <string.h>

#include "channel/eligibility.h"
#include "metric.h"
#include "metrics_channel.h"
#include "word.h"

static void write_start(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, (uint64_t)(snapshot->started_unix + 0.5));
}

static void write_channels(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->channels_used);
}

static void write_channels_max(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.channels);
}

static void write_flows(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv4", snapshot->flows_v4);
	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv6", snapshot->flows_v6);
}

static void write_hops(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put_labelled(out, metric, &snapshot->server, "state", "known", snapshot->hops - snapshot->hops_unresolved);
	metric_put_labelled(out, metric, &snapshot->server, "state", "unknown", snapshot->hops_unresolved);
}

static void write_threads(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put_labelled(out, metric, &snapshot->server, "state", "alive", snapshot->threads_alive);
	metric_put_labelled(out, metric, &snapshot->server, "state", "silent", snapshot->threads_silent);
}

static void write_monitor(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->monitor_silent);
}

static void write_interfaces(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	for (unsigned int i = 0; i < status->interfaces; i++) {
		char name[STATUS_NAME + 1] = "", device[STATUS_NAME + 1] = "";

		memcpy(name, status->interface[i].name, STATUS_NAME);
		memcpy(device, status->interface[i].device, STATUS_NAME);
		metric_begin(out, metric, &snapshot->server);
		metric_label(out, "interface", name);
		metric_label(out, "device", device);
		metric_label(out, "mode", word_mode(status->interface[i].mode));
		metric_end(out, status->interface[i].mode != STATUS_MODE_NONE);
	}
}

static void write_no_redirect(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	for (unsigned int i = 0; i < status->interfaces; i++) {
		char name[STATUS_NAME + 1] = "";

		memcpy(name, status->interface[i].name, STATUS_NAME);
		metric_put_labelled(out, metric, &snapshot->server, "interface", name, status->interface[i].no_redirect);
	}
}

static void write_faults(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	for (unsigned int i = 0; i < status->interfaces; i++) {
		char name[STATUS_NAME + 1] = "";

		memcpy(name, status->interface[i].name, STATUS_NAME);
		for (unsigned int fault = STATUS_FAULT_NONE + 1; fault <= STATUS_FAULT_DROPS_REDIRECTS; fault++) {
			metric_begin(out, metric, &snapshot->server);
			metric_label(out, "interface", name);
			metric_label(out, "fault", word_fault(fault));
			metric_end(out, status->interface[i].fault == fault);
		}
	}
}

static void write_lost(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	for (unsigned int i = 0; i < status->interfaces; i++) {
		char name[STATUS_NAME + 1] = "";

		memcpy(name, status->interface[i].name, STATUS_NAME);
		metric_put_labelled(out, metric, &snapshot->server, "interface", name, status->interface[i].lost);
	}
}

static void write_ipsec(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.blocked);
}

static void write_examined(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	uint32_t flags = snapshot->status.host.flags;

	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv4", !!(flags & STATUS_EXAMINED_V4));
	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv6", !!(flags & STATUS_EXAMINED_V6));
}

static void write_translates(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	uint32_t flags = snapshot->status.host.flags;

	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv4", !!(flags & STATUS_NAT_V4));
	metric_put_labelled(out, metric, &snapshot->server, "family", "ipv6", !!(flags & STATUS_NAT_V6));
}

static void write_notes(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.host.notes);
}

static void write_events_lost(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.overruns);
}

static void write_refusals(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		metric_put_labelled(out, metric, &snapshot->server, "reason", eligibility_refusal_name(i), status->refused[i]);
	metric_put_labelled(out, metric, &snapshot->server, "reason", "full", status->full);
	metric_put_labelled(out, metric, &snapshot->server, "reason", "failed", status->failed);
}

static void write_verdicts(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	for (int i = 0; i < VERDICT_COUNT; i++)
		metric_put_labelled(out, metric, &snapshot->server, "verdict", word_verdict(i).text,
				    snapshot->verdicts[i]);
}

static void write_data_packets(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put_labelled(out, metric, &snapshot->server, "by", "kernel", snapshot_in_kernel(snapshot));
	metric_put_labelled(out, metric, &snapshot->server, "by", "userspace", snapshot->status.userspace);
}

static void write_bytes_received(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.bytes_in);
}

static void write_bytes_sent(FILE *out, const struct metric *metric, const struct snapshot *snapshot)
{
	metric_put(out, metric, &snapshot->server, snapshot->status.bytes_out);
}

static const struct metric servers = {
	"turn_xdp_servers", "gauge", "Servers on this host that relay channels in the kernel.", NULL
};
static const struct metric up = {
	"turn_xdp_up", "gauge", "1 if the tables of a server could be read.", NULL
};

static const struct metric metrics[] = {
	{ "turn_xdp_start_time_seconds", "gauge", "When the offload started, in seconds since 1970.", write_start },
	{ "turn_xdp_channels", "gauge", "Channels that the kernel relays.", write_channels },
	{ "turn_xdp_channels_max", "gauge", "Channels that the kernel's tables have room for.", write_channels_max },
	{ "turn_xdp_flows", "gauge", "Flows in the kernel's tables, two for each channel, by what comes in.", write_flows },
	{ "turn_xdp_next_hops", "gauge", "Next hops in use; packets to unknown ones are relayed in userspace.",
	  write_hops },
	{ "turn_xdp_relay_threads", "gauge", "Relay threads; channels of silent ones are not relayed in the kernel.",
	  write_threads },
	{ "turn_xdp_monitor_silent", "gauge", "1 if the monitor thread is silent, which keeps all channels in userspace.",
	  write_monitor },
	{ "turn_xdp_interface_attached", "gauge", "1 if an interface carries the program, 0 if it should and does not.",
	  write_interfaces },
	{ "turn_xdp_interface_no_redirect", "gauge",
	  "1 if an interface has too few queues for packets from other interfaces, which are relayed in userspace.",
	  write_no_redirect },
	{ "turn_xdp_interface_fault", "gauge", "1 if native mode was seen not to work on an interface, by what is wrong.",
	  write_faults },
	{ "turn_xdp_lost_frames_total", "counter",
	  "Frames that the program sent by an interface's device and that the driver dropped.", write_lost },
	{ "turn_xdp_ipsec_blocked", "gauge", "1 if the host's IPsec policies keep all channels in userspace.",
	  write_ipsec },
	{ "turn_xdp_host_examines", "gauge", "1 if the host has what may refuse or change packets, by family.",
	  write_examined },
	{ "turn_xdp_host_translates", "gauge", "1 if the host has what may change addresses or ports, by family.",
	  write_translates },
	{ "turn_xdp_host_notes", "gauge",
	  "Rules, queueing disciplines, filters and chains that packets relayed in the kernel do not pass.", write_notes },
	{ "turn_xdp_events_lost_total", "counter",
	  "Times that events of the kernel were lost and the server read everything again.", write_events_lost },
	{ "turn_xdp_channels_left_total", "counter", "Channel bindings that stayed in userspace, by reason.",
	  write_refusals },
	{ "turn_xdp_packets_total", "counter", "Packets that the program saw, by what became of them.", write_verdicts },
	{ "turn_xdp_data_packets_total", "counter",
	  "Datagrams of data that the kernel and coturn itself have relayed; the latter are up to a second old.",
	  write_data_packets },
	{ "turn_xdp_received_bytes_total", "counter",
	  "UDP payload of relayed packets as received; it is up to a second old.", write_bytes_received },
	{ "turn_xdp_sent_bytes_total", "counter", "UDP payload of relayed packets as sent; it is up to a second old.",
	  write_bytes_sent },
};

/* All series of a metric stand together, whichever server they are of. */
static void write_metrics(FILE *out, const struct metric *list, size_t count, const struct measured *measured,
			  unsigned int servers_count)
{
	for (size_t k = 0; k < count; k++) {
		metric_head(out, &list[k]);
		for (unsigned int i = 0; i < servers_count; i++) {
			if (measured[i].snapshot)
				list[k].write(out, &list[k], measured[i].snapshot);
		}
	}
}

void metrics_write(FILE *out, const struct measured *measured, unsigned int count, bool each_channel)
{
	metric_head(out, &servers);
	fprintf(out, "%s %u\n", servers.name, count);
	if (!count)
		return;
	metric_head(out, &up);
	for (unsigned int i = 0; i < count; i++)
		metric_put(out, &up, measured[i].server, measured[i].snapshot != NULL);
	write_metrics(out, metrics, sizeof(metrics) / sizeof(metrics[0]), measured, count);
	if (each_channel)
		write_metrics(out, metrics_channel, metrics_channel_count, measured, count);
}
