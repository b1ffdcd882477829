/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "channels_json.h"
#include "channels_text.h"
#include "choose.h"
#include "problem.h"
#include "sample.h"
#include "terminal.h"
#include "unit.h"

/* ---- a screen ---- */

struct problem_lines {
	FILE *out;
	int count;
};

static void show_problem(const char *line, void *data)
{
	struct problem_lines *lines = data;
	char clean[PROBLEM_LINE];

	snprintf(clean, sizeof(clean), "%s", line);
	unit_clean(clean);
	fprintf(lines->out, "attention: %s\n", clean);
	lines->count++;
}

static void show_sums(FILE *out, const struct snapshot *snapshot)
{
	double relayed = snapshot_rate(snapshot, VERDICT_TO_PEER) + snapshot_rate(snapshot, VERDICT_TO_CLIENT) +
			 snapshot_rate(snapshot, VERDICT_TO_OTHER_CLIENT);
	double bits[DIRECTIONS] = { 0 };

	for (size_t i = 0; i < snapshot->channels.count; i++) {
		for (int k = 0; k < DIRECTIONS; k++)
			bits[k] += snapshot->channels.entry[i].direction[k].bits_per_second;
	}
	fprintf(out, "relayed %s packets/s; data to peers %s, to clients %s\n",
		unit_rate(isnan(relayed) ? 0 : relayed).text,
		unit_bits(bits[TO_PEER]).text, unit_bits(bits[TO_CLIENT]).text);
}

/* The text of the screen, to be freed; *heading is the line with the titles of the columns. NULL without memory. */
static char *draw(const struct arguments *arguments, struct snapshot *snapshot, int *heading)
{
	struct size size = terminal_size();
	struct problem_lines problems = { 0 };
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fprintf(out, "turnserver %u, up %s, %s of %s channels, by %s%s   (s sort, r reverse, q quit)\n",
		snapshot->server.pid, unit_time(snapshot_age(snapshot, snapshot->status.started)).text,
		unit_count(snapshot->channels_used).text, unit_count(snapshot->status.channels).text,
		sort_key_name(arguments->sort), arguments->reverse ? ", reversed" : "");
	show_sums(out, snapshot);
	problems.out = out;
	problem_each(snapshot, show_problem, &problems);
	fputc('\n', out);
	*heading = 3 + problems.count;
	sample_arrange(arguments, snapshot);
	if (size.rows > *heading + 1)
		channels_text_write(out, snapshot, (size_t)(size.rows - *heading - 1), size.columns);
	fclose(out);
	return text;
}

static double now(void)
{
	return (double)clock_monotonic_ns() / 1e9;
}

/* Does what a key asks for. Not 0 if that is the end: 1 for the key q, or the -errno that came in place of a key. */
static int obey(struct arguments *arguments, int key)
{
	if (key < 0)
		return key;
	if (key == 's')
		arguments->sort = (arguments->sort + 1) % SORT_KEYS;
	else if (key == 'r')
		arguments->reverse = !arguments->reverse;
	return key == 'q' || key == 'Q';
}

/* Shows a snapshot until it is time for the next one. A key or a new size of the terminal draws it again. */
static int show_until(struct arguments *arguments, struct snapshot *snapshot, double end)
{
	int heading, ends = 0;

	while (!ends) {
		char *text = draw(arguments, snapshot, &heading);
		double left = end - now();

		if (!text)
			return -ENOMEM;
		terminal_show(text, heading);
		free(text);
		if (left <= 0)
			break;
		ends = obey(arguments, terminal_wait(left));
	}
	return ends;
}

static int watch(struct arguments *arguments, const struct server *server)
{
	struct snapshot before, after;
	int ends = 0, error = snapshot_take(server, &before);

	if (error)
		return error;
	while (!ends) {
		ends = show_until(arguments, &before, now() + arguments->interval);
		if (ends)
			break;
		error = snapshot_take(server, &after);
		if (error)
			break;
		snapshot_compare(&before, &after);
		snapshot_free(&before);
		before = after;
	}
	snapshot_free(&before);
	return error;
}

/* ---- lines of JSON ---- */

static int print_lines(const struct arguments *arguments)
{
	struct snapshot snapshot;
	int status = 0;

	while (!status && !ferror(stdout)) {
		struct json json = { .out = stdout };

		status = sample_take(arguments, &snapshot);
		if (status)
			break;
		sample_arrange(arguments, &snapshot);
		channels_json_write(&json, &snapshot, arguments->lines);
		putchar('\n');
		fflush(stdout);
		snapshot_free(&snapshot);
	}
	return status;
}

int top_run(const struct arguments *arguments)
{
	struct arguments shown = *arguments; /* keys change the order */
	struct server server;
	int status, error;

	if (arguments->json)
		return print_lines(arguments);
	status = choose_server(arguments->pid, &server);
	if (status)
		return status;
	error = terminal_open();
	if (error) {
		fprintf(stderr, PROGRAM ": top needs a terminal (%s); the command 'channels' shows the same once\n",
			strerror(-error));
		return EXIT_FAILURE;
	}
	error = watch(&shown, &server);
	terminal_close();
	return error ? choose_explain(&server, error) : 0;
}
