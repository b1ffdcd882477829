/* SPDX-License-Identifier: BSD-3-Clause */
#include "status_text.h"

#include <string.h>

#include "channel/eligibility.h"
#include "problem.h"
#include "unit.h"
#include "word.h"

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
	const struct status *status = &snapshot->status;
	const struct server *server = &snapshot->server;

	fprintf(out, LABEL "pid %u, up %s, mode %s, program id %u", "turnserver", server->pid,
		unit_time(snapshot_age(snapshot, status->started)).text,
		word_mode_wanted(status->mode), server->program);
	if (server->programs > 1)
		fprintf(out, " and %u more", server->programs - 1);
	fputc('\n', out);
}

static void show_interfaces(FILE *out, const struct status *status)
{
	for (unsigned int i = 0; i < status->interfaces; i++) {
		char name[STATUS_NAME + 1] = "", line[STATUS_LINE + 1] = "";

		memcpy(name, status->interface[i].name, STATUS_NAME);
		memcpy(line, status->interface[i].line, STATUS_LINE);
		unit_clean(name);
		unit_clean(line);
		fprintf(out, LABEL "%-15s %s\n", i ? "" : "interfaces", name, line);
	}
}

static void show_host(FILE *out, const struct status_host *host)
{
	char line[STATUS_LINE + 1] = "";

	memcpy(line, host->line, STATUS_LINE);
	unit_clean(line);
	fprintf(out, LABEL "%s%s%s\n", "host", word_host(host->flags).text, *line ? ": " : "", line);
}

/* Of all data since the start; coturn itself relays what no channel in the kernel has. */
static void show_share(FILE *out, const struct snapshot *snapshot)
{
	uint64_t kernel = snapshot_in_kernel(snapshot), all = kernel + snapshot->status.userspace;

	if (!all)
		return;
	fprintf(out, LABEL "%.2f %% of %s datagrams of data\n", "in the kernel", 100.0 * (double)kernel / (double)all,
		unit_count(all).text);
}

static void show_tables(FILE *out, const struct snapshot *snapshot)
{
	const struct status *status = &snapshot->status;
	double share = status->channels ? 100.0 * (double)snapshot->channels_used / status->channels : 0;

	fprintf(out, LABEL "%s of %s (%.1f %%)\n", "channels", unit_count(snapshot->channels_used).text,
		unit_count(status->channels).text, share);
	show_share(out, snapshot);
	fprintf(out, LABEL "%s from IPv4, %s from IPv6\n", "flows", unit_count(snapshot->flows_v4).text,
		unit_count(snapshot->flows_v6).text);
	fprintf(out, LABEL "%s in use, %s not resolved\n", "next hops", unit_count(snapshot->hops).text,
		unit_count(snapshot->hops_unresolved).text);
	fprintf(out, LABEL "%u of %u to send by, %u of %u VLANs\n", "devices", snapshot->devices,
		snapshot->device_room, snapshot->vlans, snapshot->vlan_room);
	fprintf(out, LABEL "%u alive, %u silent\n", "relay threads", snapshot->threads_alive, snapshot->threads_silent);
	fprintf(out, LABEL "%s\n", "monitor thread", snapshot->monitor_silent ? "silent" : "alive");
	fprintf(out, LABEL "lost %s times%s\n", "kernel events", unit_count(status->overruns).text,
		status->overruns ? "; the server then read everything again" : "");
}

static void show_count(FILE *out, const char *text, uint64_t count)
{
	fprintf(out, "%-66s %15s\n", text, unit_count(count).text);
}

static void show_refusals(FILE *out, const struct status *status)
{
	uint64_t sum = status->full + status->failed;

	for (int i = 0; i < STATUS_REFUSALS; i++)
		sum += status->refused[i];
	if (!sum)
		return;
	fprintf(out, "\n%-66s %15s\n", "channel bindings left in userspace, because", "since the start");
	for (int i = REFUSAL_NONE + 1; i < REFUSAL_COUNT; i++) {
		char line[128];

		snprintf(line, sizeof(line), "  %s", eligibility_refusal_text(i));
		if (status->refused[i])
			show_count(out, line, status->refused[i]);
	}
	if (status->full)
		show_count(out, "  the tables were full", status->full);
	if (status->failed)
		show_count(out, "  the kernel did not take the channel; see turnserver's log", status->failed);
}

static void show_verdicts(FILE *out, const struct snapshot *snapshot, bool all)
{
	fprintf(out, "\n%-49s %15s%s\n", "packets", "since the start", snapshot->seconds > 0 ? "      per second" : "");
	for (int i = 0; i < VERDICT_COUNT; i++) {
		bool relays = i == VERDICT_TO_PEER || i == VERDICT_TO_CLIENT || i == VERDICT_TO_OTHER_CLIENT;

		if (!all && !relays && !snapshot->verdicts[i])
			continue;
		fprintf(out, "  %-47s %15s", word_verdict_meaning(i), unit_count(snapshot->verdicts[i]).text);
		if (snapshot->seconds > 0)
			fprintf(out, " %15s", unit_rate(snapshot_rate(snapshot, i)).text);
		fputc('\n', out);
	}
	fprintf(out, "All packets that were neither relayed nor dropped went up the network stack unchanged.\n");
}

void status_text_write(FILE *out, const struct snapshot *snapshot, bool all)
{
	show_server(out, snapshot);
	problem_each(snapshot, show_problem, out);
	show_interfaces(out, &snapshot->status);
	show_host(out, &snapshot->status.host);
	show_tables(out, snapshot);
	show_refusals(out, &snapshot->status);
	show_verdicts(out, snapshot, all);
}
