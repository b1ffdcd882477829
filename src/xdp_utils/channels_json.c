/* SPDX-License-Identifier: BSD-3-Clause */
#include "channels_json.h"

#include <math.h>

#include "server_json.h"
#include "unit.h"

static void write_transport(struct json *json, const char *key, const struct transport *transport)
{
	json_open(json, key, '{');
	json_string(json, "address", unit_address(transport).text);
	json_number(json, "port", transport->port);
	json_close(json, '{');
}

static void write_direction(struct json *json, const char *key, const struct snapshot *snapshot,
			    const struct channel_entry *entry, enum direction direction)
{
	const struct direction_figures *figures = &entry->direction[direction];
	bool rates = snapshot->seconds > 0;

	json_open(json, key, '{');
	json_number(json, "packets", figures->used.packets);
	json_number(json, "data_bytes", channels_data(entry, direction));
	json_number(json, "received_bytes", figures->used.bytes_in);
	json_number(json, "sent_bytes", figures->used.bytes_out);
	json_real(json, "packets_per_second", rates ? figures->packets_per_second : NAN);
	json_real(json, "data_bits_per_second", rates ? figures->bits_per_second : NAN);
	json_bool(json, "next_hop_known", figures->next_hop_known);
	json_bool(json, "on_probation", !figures->open);
	json_close(json, '{');
}

/* What is not known is null. The ID is text, with the digits that coturn's log has. */
static void write_session(struct json *json, const struct session_entry *session)
{
	char id[24];

	snprintf(id, sizeof(id), "%018llu", (unsigned long long)session->id);
	if (!session->id) {
		json_null(json, "session");
		json_null(json, "user");
		json_null(json, "realm");
		return;
	}
	json_string(json, "session", id);
	json_string(json, "user", session->user);
	json_string(json, "realm", session->realm);
}

static void write_channel(struct json *json, const struct snapshot *snapshot, const struct channel_entry *entry)
{
	json_open(json, NULL, '{');
	write_transport(json, "client", &entry->client);
	write_transport(json, "server", &entry->server);
	write_transport(json, "relay", &entry->relay);
	write_transport(json, "peer", &entry->peer);
	json_number(json, "number", entry->number);
	write_session(json, &entry->session);
	json_real(json, "age_seconds", (double)snapshot_age(snapshot, entry->since) / 1e9);
	json_bool(json, "relay_thread_alive", entry->alive);
	if (entry->limited) {
		json_number(json, "limit_bytes_per_second", entry->limit);
		json_number(json, "session_packets_dropped", entry->dropped);
	} else {
		json_null(json, "limit_bytes_per_second");
		json_null(json, "session_packets_dropped");
	}
	write_direction(json, "to_peer", snapshot, entry, TO_PEER);
	write_direction(json, "to_client", snapshot, entry, TO_CLIENT);
	json_close(json, '{');
}

void channels_json_write(struct json *json, const struct snapshot *snapshot, size_t lines)
{
	size_t count = snapshot->channels.count;

	if (lines && lines < count)
		count = lines;
	json_open(json, NULL, '{');
	server_json_fields(json, &snapshot->server);
	json_real(json, "interval_seconds", snapshot->seconds);
	json_open(json, "channels", '[');
	for (size_t i = 0; i < count; i++)
		write_channel(json, snapshot, &snapshot->channels.entry[i]);
	json_close(json, '[');
	json_close(json, '{');
}
