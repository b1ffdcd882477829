/* SPDX-License-Identifier: BSD-3-Clause */
#include "status_json.h"

#include <string.h>

#include "channel/eligibility.h"
#include "problem.h"
#include "server_json.h"
#include "word.h"

/* A string that may fill its field, without a 0 at the end. */
static void write_field(struct json *json, const char *key, const char *field, size_t size)
{
	char text[STATUS_LINE + 1] = "";

	memcpy(text, field, size < sizeof(text) ? size : sizeof(text) - 1);
	json_string(json, key, text);
}

static void write_problem(const char *line, void *data)
{
	json_string(data, NULL, line);
}

static void write_interfaces(struct json *json, const struct status *status)
{
	json_open(json, "interfaces", '[');
	for (unsigned int i = 0; i < status->interfaces; i++) {
		const struct status_interface *interface = &status->interface[i];

		json_open(json, NULL, '{');
		write_field(json, "name", interface->name, STATUS_NAME);
		json_number(json, "ifindex", interface->ifindex);
		json_string(json, "mode", word_mode(interface->mode));
		write_field(json, "device", interface->device, STATUS_NAME);
		json_number(json, "device_ifindex", interface->device_ifindex);
		json_bool(json, "through_dispatcher", interface->dispatched);
		json_bool(json, "no_redirect", interface->no_redirect);
		json_string(json, "fault", word_fault(interface->fault));
		json_number(json, "lost_frames", interface->lost);
		write_field(json, "text", interface->line, STATUS_LINE);
		json_close(json, '{');
	}
	json_close(json, '[');
	json_number(json, "stray_ifindex", status->stray);
}

static void write_host(struct json *json, const struct status_host *host)
{
	json_open(json, "host", '{');
	json_bool(json, "examines_ipv4", host->flags & STATUS_EXAMINED_V4);
	json_bool(json, "examines_ipv6", host->flags & STATUS_EXAMINED_V6);
	json_bool(json, "translates_ipv4", host->flags & STATUS_NAT_V4);
	json_bool(json, "translates_ipv6", host->flags & STATUS_NAT_V6);
	write_field(json, "text", host->line, STATUS_LINE);
	json_number(json, "notes", host->notes);
	json_close(json, '{');
}

static void write_table(struct json *json, const char *name, uint64_t used, uint64_t room)
{
	json_open(json, name, '{');
	json_number(json, "used", used);
	json_number(json, "room", room);
	json_close(json, '{');
}

static void write_tables(struct json *json, const struct snapshot *snapshot)
{
	json_open(json, "tables", '{');
	write_table(json, "channels", snapshot->channels_used, snapshot->status.channels);
	write_table(json, "flows", snapshot->flows_v4 + snapshot->flows_v6, 2 * (uint64_t)snapshot->status.channels);
	write_table(json, "vlans", snapshot->vlans, snapshot->vlan_room);
	write_table(json, "devices", snapshot->devices, snapshot->device_room);
	json_close(json, '{');
	json_open(json, "next_hops", '{');
	json_number(json, "used", snapshot->hops);
	json_number(json, "unresolved", snapshot->hops_unresolved);
	json_close(json, '{');
	json_open(json, "relay_threads", '{');
	json_number(json, "alive", snapshot->threads_alive);
	json_number(json, "silent", snapshot->threads_silent);
	json_close(json, '{');
	json_bool(json, "monitor_thread_silent", snapshot->monitor_silent);
}

static void write_refusals(struct json *json, const struct status *status)
{
	json_open(json, "channels_left_in_userspace", '{');
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		json_number(json, eligibility_refusal_name(i), status->refused[i]);
	json_number(json, "full", status->full);
	json_number(json, "failed", status->failed);
	json_close(json, '{');
}

static void write_verdicts(struct json *json, const struct snapshot *snapshot)
{
	json_open(json, "packets", '{');
	for (int i = 0; i < VERDICT_COUNT; i++) {
		json_open(json, word_verdict(i).text, '{');
		json_string(json, "text", word_verdict_meaning(i));
		json_number(json, "packets", snapshot->verdicts[i]);
		json_real(json, "packets_per_second", snapshot_rate(snapshot, i));
		json_close(json, '{');
	}
	json_close(json, '{');
	json_open(json, "data_packets", '{');
	json_number(json, "kernel", snapshot_in_kernel(snapshot));
	json_number(json, "userspace", snapshot->status.userspace);
	json_close(json, '{');
	json_open(json, "bytes", '{');
	json_number(json, "received", snapshot->status.bytes_in);
	json_number(json, "sent", snapshot->status.bytes_out);
	json_close(json, '{');
}

void status_json_write(struct json *json, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;

	json_open(json, NULL, '{');
	server_json_fields(json, &snapshot->server);
	json_real(json, "uptime_seconds", (double)snapshot_age(snapshot, status->started) / 1e9);
	json_string(json, "mode", word_mode_wanted(status->mode));
	json_open(json, "problems", '[');
	problem_each(snapshot, write_problem, json);
	json_close(json, '[');
	json_bool(json, "ipsec", status->blocked);
	json_number(json, "events_lost", status->overruns);
	write_interfaces(json, status);
	write_host(json, &status->host);
	write_tables(json, snapshot);
	write_refusals(json, status);
	json_real(json, "interval_seconds", snapshot->seconds);
	write_verdicts(json, snapshot);
	json_close(json, '{');
}
