/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>

#include "channel/eligibility.h"
#include "problem.h"
#include "show.h"
#include "unit.h"

/* ---- status ---- */

#define LABEL "%-16s"

static void show_problem(const char *line, void *data)
{
	char clean[PROBLEM_LINE];

	snprintf(clean, sizeof(clean), "%s", line);
	unit_clean(clean);
	fprintf(data, LABEL "%s\n", "attention", clean);
}

static void show_server(FILE *out, const struct snapshot *snapshot)
{
	const struct status *state = &snapshot->state;
	const struct server *server = &snapshot->server;

	fprintf(out, LABEL "pid %u, up %s, mode %s, program id %u", "turnserver", server->pid,
		unit_time(snapshot->taken - state->started).text,
		mode_asked_word(state), server->program);
	if (server->programs > 1)
		fprintf(out, " and %u more", server->programs - 1);
	fputc('\n', out);
}

static void show_interfaces(FILE *out, const struct status *state)
{
	for (unsigned int i = 0; i < state->interfaces; i++) {
		char name[STATUS_NAME + 1] = "", line[STATUS_LINE + 1] = "";

		memcpy(name, state->interface[i].name, STATUS_NAME);
		memcpy(line, state->interface[i].line, STATUS_LINE);
		unit_clean(name);
		unit_clean(line);
		fprintf(out, LABEL "%-15s %s\n", i ? "" : "interfaces", name, line);
	}
}

static void show_tables(FILE *out, const struct snapshot *snapshot)
{
	const struct status *state = &snapshot->state;
	double share = state->channels ? 100.0 * (double)snapshot->bound / state->channels : 0;

	fprintf(out, LABEL "%s of %s (%.1f %%)\n", "channels", unit_count(snapshot->bound).text,
		unit_count(state->channels).text, share);
	fprintf(out, LABEL "%s from IPv4, %s from IPv6\n", "flows", unit_count(snapshot->flows).text,
		unit_count(snapshot->flows6).text);
	fprintf(out, LABEL "%s in use, %s not known\n", "next hops", unit_count(snapshot->hops).text,
		unit_count(snapshot->hops_unresolved).text);
	fprintf(out, LABEL "VLANs %u of %u, ways out %u of %u\n", "devices", snapshot->vlans, snapshot->vlan_room,
		snapshot->devices, snapshot->device_room);
	fprintf(out, LABEL "%u alive, %u silent\n", "relay threads", snapshot->relays_alive, snapshot->relays_silent);
	fprintf(out, LABEL "lost %s times%s\n", "kernel events", unit_count(state->overruns).text,
		state->overruns ? ", after which all was read anew" : "");
}

static void show_count(FILE *out, const char *text, uint64_t count)
{
	fprintf(out, "%-66s %15s\n", text, unit_count(count).text);
}

static void show_refusals(FILE *out, const struct status *state)
{
	uint64_t sum = state->full + state->failed;

	for (int i = 0; i < STATUS_REFUSALS; i++)
		sum += state->refused[i];
	if (!sum)
		return;
	fprintf(out, "\n%-66s %15s\n", "channels left in userspace since the start", "binds");
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		char line[128];

		snprintf(line, sizeof(line), "  %s", eligibility_refusal_text(i));
		if (state->refused[i])
			show_count(out, line, state->refused[i]);
	}
	if (state->full)
		show_count(out, "  the tables were full", state->full);
	if (state->failed)
		show_count(out, "  the kernel did not take them (see the log)", state->failed);
}

static void show_verdicts(FILE *out, const struct snapshot *snapshot, bool all)
{
	fprintf(out, "\n%-49s %15s%s\n", "packets", "since the start", snapshot->seconds > 0 ? "      per second" : "");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		bool relays = i == VERDICT_TO_PEER || i == VERDICT_TO_CLIENT || i == VERDICT_TO_OTHER_CLIENT;
		double rate = (double)snapshot->verdicts_gained[i] / snapshot->seconds;

		if (!all && !relays && !snapshot->verdicts[i])
			continue;
		fprintf(out, "  %-47s %15s", verdict_text(i), unit_count(snapshot->verdicts[i]).text);
		if (snapshot->seconds > 0)
			fprintf(out, " %15s", unit_rate(rate).text);
		fputc('\n', out);
	}
	fprintf(out, "all but those relayed, and those dropped for max-bps, went up as they came\n");
}

void show_status(FILE *out, const struct snapshot *snapshot, bool all)
{
	show_server(out, snapshot);
	problems_each(snapshot, show_problem, out);
	show_interfaces(out, &snapshot->state);
	show_tables(out, snapshot);
	show_refusals(out, &snapshot->state);
	show_verdicts(out, snapshot, all);
}

/* ---- channels ---- */

enum column {
	COLUMN_CLIENT,
	COLUMN_RELAY,
	COLUMN_PEER,
	COLUMN_NUMBER,
	COLUMN_AGE,
	COLUMN_TO_PEER_PACKETS,
	COLUMN_TO_PEER_DATA,
	COLUMN_TO_PEER_RATE,
	COLUMN_TO_CLIENT_PACKETS,
	COLUMN_TO_CLIENT_DATA,
	COLUMN_TO_CLIENT_RATE,
	COLUMN_LIMIT,
	COLUMN_DROPPED,
	COLUMN_STATE,
	COLUMNS,
};

struct line {
	struct text column[COLUMNS];
};

static const struct line heading = { {
	{ "client" }, { "relay" }, { "peer" }, { "number" }, { "age" },
	{ "pkts>peer" }, { "data>peer" }, { "rate>peer" },
	{ "pkts>client" }, { "data>client" }, { "rate>client" }, { "limit" }, { "dropped" }, { "state" },
} };

static const char *channel_state(const struct channel_row *row)
{
	if (!row->alive)
		return "relay thread silent";
	if (!row->way[TO_PEER].resolved)
		return row->way[TO_CLIENT].resolved ? "no way to peer" : "no way to either";
	return row->way[TO_CLIENT].resolved ? "ok" : "no way to client";
}

static void fill(const struct snapshot *snapshot, const struct channel_row *row, struct line *line)
{
	struct text *column = line->column;

	column[COLUMN_CLIENT] = unit_transport(&row->client);
	column[COLUMN_RELAY] = unit_transport(&row->relay);
	column[COLUMN_PEER] = unit_transport(&row->peer);
	snprintf(column[COLUMN_NUMBER].text, sizeof(column->text), "0x%04x", row->number);
	column[COLUMN_AGE] = unit_time(snapshot->taken - row->since);
	for (int i = 0; i < DIRECTIONS; i++) {
		int first = i == TO_PEER ? COLUMN_TO_PEER_PACKETS : COLUMN_TO_CLIENT_PACKETS;

		column[first] = unit_count(row->way[i].used.packets);
		column[first + 1] = unit_bytes(way_data(row, i));
		column[first + 2] = unit_bits(row->way[i].bits_rate);
		if (!(snapshot->seconds > 0))
			snprintf(column[first + 2].text, sizeof(column->text), "-");
	}
	snprintf(column[COLUMN_LIMIT].text, sizeof(column->text), "%.60s/s", unit_bytes(row->limit).text);
	column[COLUMN_DROPPED] = unit_count(row->dropped);
	if (!row->limited)
		column[COLUMN_LIMIT] = column[COLUMN_DROPPED] = (struct text){ "-" };
	snprintf(column[COLUMN_STATE].text, sizeof(column->text), "%s", channel_state(row));
}

static void widen(int *width, const struct line *line)
{
	for (int i = 0; i < COLUMNS; i++) {
		int length = (int)strlen(line->column[i].text);

		if (length > width[i])
			width[i] = length;
	}
}

/* What a narrow terminal can do without, first to last. */
static void narrow(int *width, int room)
{
	static const enum column least[] = {
		COLUMN_TO_PEER_DATA, COLUMN_TO_CLIENT_DATA, COLUMN_NUMBER, COLUMN_DROPPED, COLUMN_LIMIT, COLUMN_RELAY,
		COLUMN_TO_PEER_PACKETS, COLUMN_TO_CLIENT_PACKETS, COLUMN_AGE, COLUMN_STATE,
	};
	int sum = 0;

	for (int i = 0; i < COLUMNS; i++)
		sum += width[i] + 2;
	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]) && sum - 2 > room; i++) {
		sum -= width[least[i]] + 2;
		width[least[i]] = 0;
	}
}

/* Addresses and words to the left, numbers to the right. */
static void print(FILE *out, const int *width, const struct line *line)
{
	for (int i = 0; i < COLUMNS; i++) {
		bool left = i <= COLUMN_PEER;

		if (width[i] && i == COLUMN_STATE)
			fputs(line->column[i].text, out);
		else if (width[i])
			fprintf(out, "%*s  ", left ? -width[i] : width[i], line->column[i].text);
	}
	fputc('\n', out);
}

void show_channels(FILE *out, const struct snapshot *snapshot, size_t lines, int room)
{
	size_t count = snapshot->channels.count;
	int width[COLUMNS] = { 0 };
	struct line line;

	if (lines && lines < count)
		count = lines;
	widen(width, &heading);
	for (size_t i = 0; i < count; i++) {
		fill(snapshot, &snapshot->channels.row[i], &line);
		widen(width, &line);
	}
	if (room)
		narrow(width, room);
	print(out, width, &heading);
	for (size_t i = 0; i < count; i++) {
		fill(snapshot, &snapshot->channels.row[i], &line);
		print(out, width, &line);
	}
}

void show_servers(FILE *out, const struct server_list *list)
{
	fprintf(out, "%10s %12s %9s\n", "pid", "program id", "version");
	for (unsigned int i = 0; i < list->count; i++) {
		const struct server *server = &list->server[i];

		fprintf(out, "%10u %12u %9u%s\n", server->pid, server->program, server->version,
			server->seen ? "" : "  not seen: ended, or in another PID namespace");
	}
}
