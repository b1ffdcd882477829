/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <string.h>

#include "channel/eligibility.h"
#include "problem.h"
#include "show.h"
#include "unit.h"

static double seconds_of(uint64_t nanoseconds)
{
	return (double)nanoseconds / 1e9;
}

/* A string that need not end in its field. */
static void write_field(struct json *json, const char *key, const char *field, size_t size)
{
	char text[STATUS_LINE + 1] = "";

	memcpy(text, field, size < sizeof(text) ? size : sizeof(text) - 1);
	json_string(json, key, text);
}

static void write_server(struct json *json, const struct server *server)
{
	json_number(json, "pid", server->pid);
	json_bool(json, "process_seen", server->seen);
	json_number(json, "program_id", server->program);
	json_number(json, "programs", server->programs);
	json_number(json, "version", server->version);
}

static void write_problem(const char *line, void *data)
{
	json_string(data, NULL, line);
}

static void write_interfaces(struct json *json, const struct status *state)
{
	json_open(json, "interfaces", '[');
	for (unsigned int i = 0; i < state->interfaces; i++) {
		const struct status_interface *interface = &state->interface[i];

		json_open(json, NULL, '{');
		write_field(json, "name", interface->name, STATUS_NAME);
		json_number(json, "ifindex", interface->ifindex);
		json_string(json, "mode", mode_word(interface->mode));
		write_field(json, "device", interface->device, STATUS_NAME);
		json_number(json, "device_ifindex", interface->device_ifindex);
		json_bool(json, "beside_others", interface->dispatched);
		write_field(json, "text", interface->line, STATUS_LINE);
		json_close(json, '{');
	}
	json_close(json, '[');
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
	write_table(json, "channels", snapshot->bound, snapshot->state.channels);
	write_table(json, "flows", snapshot->flows + snapshot->flows6, 2 * (uint64_t)snapshot->state.channels);
	write_table(json, "vlans", snapshot->vlans, snapshot->vlan_room);
	write_table(json, "devices", snapshot->devices, snapshot->device_room);
	json_close(json, '{');
	json_open(json, "next_hops", '{');
	json_number(json, "used", snapshot->hops);
	json_number(json, "unresolved", snapshot->hops_unresolved);
	json_close(json, '{');
	json_open(json, "relay_threads", '{');
	json_number(json, "alive", snapshot->relays_alive);
	json_number(json, "silent", snapshot->relays_silent);
	json_close(json, '{');
}

static void write_refusals(struct json *json, const struct status *state)
{
	json_open(json, "channels_left_in_userspace", '{');
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++)
		json_number(json, eligibility_refusal_name(i), state->refused[i]);
	json_number(json, "full", state->full);
	json_number(json, "failed", state->failed);
	json_close(json, '{');
}

static void write_verdicts(struct json *json, const struct snapshot *snapshot)
{
	json_open(json, "packets", '{');
	for (int i = 0; i < VERDICT_COUNT; i++) {
		json_open(json, unit_word(verdict_name(i)).text, '{');
		json_string(json, "text", verdict_text(i));
		json_number(json, "packets", snapshot->verdicts[i]);
		json_real(json, "packets_per_second", (double)snapshot->verdicts_gained[i] / snapshot->seconds);
		json_close(json, '{');
	}
	json_close(json, '{');
	json_open(json, "bytes", '{');
	json_number(json, "received", snapshot->state.bytes_in);
	json_number(json, "sent", snapshot->state.bytes_out);
	json_close(json, '{');
}

void write_status(struct json *json, const struct snapshot *snapshot)
{
	const struct status *state = &snapshot->state;

	json_open(json, NULL, '{');
	write_server(json, &snapshot->server);
	json_real(json, "uptime_seconds", seconds_of(snapshot->taken - state->started));
	json_string(json, "mode", mode_asked_word(state));
	json_open(json, "problems", '[');
	problems_each(snapshot, write_problem, json);
	json_close(json, '[');
	json_bool(json, "ipsec", state->blocked);
	json_number(json, "events_lost", state->overruns);
	write_interfaces(json, state);
	write_tables(json, snapshot);
	write_refusals(json, state);
	json_real(json, "interval_seconds", snapshot->seconds);
	write_verdicts(json, snapshot);
	json_close(json, '{');
}

static void write_transport(struct json *json, const char *key, const struct transport *transport)
{
	json_open(json, key, '{');
	json_string(json, "address", unit_address(transport).text);
	json_number(json, "port", transport->port);
	json_close(json, '{');
}

static void write_way(struct json *json, const char *key, const struct snapshot *snapshot,
		      const struct channel_row *row, enum direction direction)
{
	const struct way *way = &row->way[direction];
	bool rates = snapshot->seconds > 0;

	json_open(json, key, '{');
	json_number(json, "packets", way->used.packets);
	json_number(json, "data_bytes", way_data(row, direction));
	json_number(json, "received_bytes", way->used.bytes_in);
	json_number(json, "sent_bytes", way->used.bytes_out);
	json_real(json, "packets_per_second", rates ? way->packets_rate : NAN);
	json_real(json, "data_bits_per_second", rates ? way->bits_rate : NAN);
	json_bool(json, "next_hop_known", way->resolved);
	json_close(json, '{');
}

void write_channels(struct json *json, const struct snapshot *snapshot, size_t lines)
{
	size_t count = snapshot->channels.count;

	json_open(json, NULL, '{');
	write_server(json, &snapshot->server);
	json_real(json, "interval_seconds", snapshot->seconds);
	json_open(json, "channels", '[');
	for (size_t i = 0; i < count && (!lines || i < lines); i++) {
		const struct channel_row *row = &snapshot->channels.row[i];

		json_open(json, NULL, '{');
		write_transport(json, "client", &row->client);
		write_transport(json, "server", &row->server);
		write_transport(json, "relay", &row->relay);
		write_transport(json, "peer", &row->peer);
		json_number(json, "number", row->number);
		json_real(json, "age_seconds", seconds_of(snapshot->taken - row->since));
		json_bool(json, "relay_thread_alive", row->alive);
		if (row->limited) {
			json_number(json, "limit_bytes_per_second", row->limit);
			json_number(json, "session_packets_dropped", row->dropped);
		} else {
			json_null(json, "limit_bytes_per_second");
			json_null(json, "session_packets_dropped");
		}
		write_way(json, "to_peer", snapshot, row, TO_PEER);
		write_way(json, "to_client", snapshot, row, TO_CLIENT);
		json_close(json, '{');
	}
	json_close(json, '[');
	json_close(json, '{');
}

void write_servers(struct json *json, const struct server_list *list)
{
	json_open(json, NULL, '{');
	json_open(json, "servers", '[');
	for (unsigned int i = 0; i < list->count; i++) {
		json_open(json, NULL, '{');
		write_server(json, &list->server[i]);
		json_close(json, '{');
	}
	json_close(json, '[');
	json_close(json, '{');
}
