/* SPDX-License-Identifier: BSD-3-Clause */
#include "channels_text.h"

#include <string.h>

#include "unit.h"

enum column {
	COLUMN_CLIENT,
	COLUMN_RELAY,
	COLUMN_PEER,
	COLUMN_NUMBER,
	COLUMN_SESSION,
	COLUMN_USER,
	COLUMN_REALM,
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
	{ "client" },
	{ "relay" },
	{ "peer" },
	{ "number" },
	{ "session" },
	{ "user" },
	{ "realm" },
	{ "age" },
	{ "packets>peer" },
	{ "data>peer" },
	{ "rate>peer" },
	{ "packets>client" },
	{ "data>client" },
	{ "rate>client" },
	{ "limit" },
	{ "dropped" },
	{ "state" },
} };

static const char *channel_state(const struct channel_entry *entry)
{
	if (!entry->alive)
		return "relay thread silent";
	if (!entry->direction[TO_PEER].next_hop_known)
		return entry->direction[TO_CLIENT].next_hop_known ? "no next hop to peer" : "no next hop to peer or client";
	if (!entry->direction[TO_CLIENT].next_hop_known)
		return "no next hop to client";
	if (!entry->direction[TO_PEER].open)
		return entry->direction[TO_CLIENT].open ? "on probation to peer" : "on probation";
	return entry->direction[TO_CLIENT].open ? "ok" : "on probation to client";
}

/* The session's ID has the digits that coturn's log has. Names are what users chose. */
static void show_session(const struct session_entry *session, struct text *column)
{
	column[COLUMN_SESSION] = column[COLUMN_USER] = column[COLUMN_REALM] = (struct text){ "-" };
	if (!session->id)
		return;
	snprintf(column[COLUMN_SESSION].text, sizeof(column->text), "%018llu", (unsigned long long)session->id);
	if (session->user[0])
		snprintf(column[COLUMN_USER].text, sizeof(column->text), "%s", session->user);
	if (session->realm[0])
		snprintf(column[COLUMN_REALM].text, sizeof(column->text), "%s", session->realm);
	unit_clean(column[COLUMN_USER].text);
	unit_clean(column[COLUMN_REALM].text);
}

/* The text of each column. */
static void fill(const struct snapshot *snapshot, const struct channel_entry *entry, struct line *line)
{
	struct text *column = line->column;

	column[COLUMN_CLIENT] = unit_transport(&entry->client);
	column[COLUMN_RELAY] = unit_transport(&entry->relay);
	column[COLUMN_PEER] = unit_transport(&entry->peer);
	snprintf(column[COLUMN_NUMBER].text, sizeof(column->text), "0x%04x", entry->number);
	show_session(&entry->session, column);
	column[COLUMN_AGE] = unit_time(snapshot_age(snapshot, entry->since));
	for (int i = 0; i < DIRECTIONS; i++) {
		int first = i == TO_PEER ? COLUMN_TO_PEER_PACKETS : COLUMN_TO_CLIENT_PACKETS;

		column[first] = unit_count(entry->direction[i].used.packets);
		column[first + 1] = unit_bytes(channels_data(entry, i));
		column[first + 2] = unit_bits(entry->direction[i].bits_per_second);
		if (!(snapshot->seconds > 0))
			snprintf(column[first + 2].text, sizeof(column->text), "-");
	}
	snprintf(column[COLUMN_LIMIT].text, sizeof(column->text), "%.60s/s", unit_bytes(entry->limit).text);
	column[COLUMN_DROPPED] = unit_count(entry->dropped);
	if (!entry->limited)
		column[COLUMN_LIMIT] = column[COLUMN_DROPPED] = (struct text){ "-" };
	snprintf(column[COLUMN_STATE].text, sizeof(column->text), "%s", channel_state(entry));
}

/* Makes each column as wide as its text in this line, at least. */
static void widen(int *width, const struct line *line)
{
	for (int i = 0; i < COLUMNS; i++) {
		int length = (int)strlen(line->column[i].text);

		if (length > width[i])
			width[i] = length;
	}
}

/* Leaves out columns until a line fits into `room`: those that matter least go first. */
static void narrow(int *width, int room)
{
	static const enum column least[] = {
		COLUMN_REALM,
		COLUMN_SESSION,
		COLUMN_TO_PEER_DATA,
		COLUMN_TO_CLIENT_DATA,
		COLUMN_NUMBER,
		COLUMN_DROPPED,
		COLUMN_LIMIT,
		COLUMN_RELAY,
		COLUMN_USER,
		COLUMN_TO_PEER_PACKETS,
		COLUMN_TO_CLIENT_PACKETS,
		COLUMN_AGE,
		COLUMN_STATE,
	};
	int sum = 0;

	for (int i = 0; i < COLUMNS; i++)
		sum += width[i] + 2;
	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]) && sum - 2 > room; i++) {
		sum -= width[least[i]] + 2;
		width[least[i]] = 0;
	}
}

/* Addresses are aligned to the left, numbers to the right; the state is last, and is not padded. */
static void print(FILE *out, const int *width, const struct line *line)
{
	for (int i = 0; i < COLUMNS; i++) {
		bool left = i <= COLUMN_PEER || i == COLUMN_USER || i == COLUMN_REALM;

		if (width[i] && i == COLUMN_STATE)
			fputs(line->column[i].text, out);
		else if (width[i])
			fprintf(out, "%*s  ", left ? -width[i] : width[i], line->column[i].text);
	}
	fputc('\n', out);
}

void channels_text_write(FILE *out, const struct snapshot *snapshot, size_t lines, int room)
{
	size_t count = snapshot->channels.count;
	int width[COLUMNS] = { 0 };
	struct line line;

	if (lines && lines < count)
		count = lines;
	widen(width, &heading);
	for (size_t i = 0; i < count; i++) {
		fill(snapshot, &snapshot->channels.entry[i], &line);
		widen(width, &line);
	}
	if (room)
		narrow(width, room);
	print(out, width, &heading);
	for (size_t i = 0; i < count; i++) {
		fill(snapshot, &snapshot->channels.entry[i], &line);
		print(out, width, &line);
	}
}
