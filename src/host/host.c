/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/host.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/nftables.h"
#include "host/notes.h"
#include "host/rules.h"
#include "host/tc.h"
#include "table/status.h"

#define SECOND_NS 1000000000ULL
/* On a host with very many devices or rules the survey takes at most a twentieth of the thread's time. */
#define SURVEY_SHARE 20
/* A ruleset that is loaded again and again does not fill the log. */
#define LOG_PAUSE_NS (10 * SECOND_NS)
/* The log has each note once, and so many at most. */
#define TOLD 256

static struct {
	struct host_callbacks callbacks;
	struct survey survey; /* the last one */
	uint64_t next_ns;     /* when to take the next */
	struct status_host shown;
	uint32_t logged; /* the flags that the log was told last */
	uint64_t next_log_ns;
	struct notes notes;
	struct notes rules;  /* those of the routing rules */
	bool rules_unread;   /* they are to be read again */
	uint64_t told[TOLD]; /* notes that the log has, by their signatures */
	unsigned int told_count;
} host;

/* ---- what people are told ---- */

static void log_survey(const struct survey *survey)
{
	bool v4 = survey->flags & (SURVEY_EXAMINED_V4 | SURVEY_NAT_V4);
	bool v6 = survey->flags & (SURVEY_EXAMINED_V6 | SURVEY_NAT_V6);

	host.logged = survey->flags;
	if (!survey->flags)
		log_line(LOG_LEVEL_INFO, "this host is free: it has no firewall, NAT, cgroup program or strict reverse path filter, so channels are "
					 "relayed in the kernel from their first packet");
	else
		log_line(LOG_LEVEL_INFO, "this host examines packets of %s, so a channel is relayed in the kernel only after this host was seen to "
					 "relay its packets: %s",
			 v4 && v6 ? "IPv4 and IPv6" : v4 ? "IPv4" :
							   "IPv6",
			 survey->text);
}

/* Logs a note, unless the log has it. */
static void log_note(const char *text)
{
	struct survey signature = { 0 };

	survey_mix(&signature, text, strlen(text));
	for (unsigned int i = 0; i < host.told_count; i++) {
		if (host.told[i] == signature.signature)
			return;
	}
	if (host.told_count == TOLD)
		return;
	host.told[host.told_count++] = signature.signature;
	log_line(LOG_LEVEL_WARNING, "%s", text);
}

static void collect_notes(void)
{
	if (host.rules_unread) {
		memset(&host.rules, 0, sizeof(host.rules));
		host.rules_unread = rules_note(&host.rules);
	}
	host.notes = host.rules;
	nftables_note(&host.notes);
	tc_note(&host.notes);
	for (unsigned int i = 0; i < host.notes.count && i < NOTES_ROOM; i++)
		log_note(host.notes.note[i].text);
}

static void publish(const struct survey *survey)
{
	host.shown.notes = host.notes.count;
	memcpy(host.shown.note, host.notes.note, sizeof(host.shown.note));
	host.shown.flags = survey->flags;
	memset(host.shown.line, 0, sizeof(host.shown.line));
	snprintf(host.shown.line, sizeof(host.shown.line), "%s", survey->text);
	status_host_put(&host.shown);
}

/* ---- looking ---- */

static void follow_devices(void)
{
	uint32_t devices[TC_DEVICES] = { 0 };

	if (host.callbacks.devices)
		tc_devices(devices, host.callbacks.devices(devices, TC_DEVICES));
}

/* The pause until the next survey, given the time that one took. */
static uint64_t pause_after(uint64_t took_ns)
{
	return SURVEY_SHARE * took_ns > SECOND_NS ? SURVEY_SHARE * took_ns : SECOND_NS;
}

static void look(uint64_t now)
{
	uint64_t began = clock_monotonic_ns();
	struct survey survey;
	bool changed;

	follow_devices();
	survey_take(&survey);
	changed = survey.flags != host.survey.flags || survey.signature != host.survey.signature;
	host.survey = survey;
	host.next_ns = survey.again_ns ? survey.again_ns : now + pause_after(clock_monotonic_ns() - began);
	if (changed && host.callbacks.changed)
		host.callbacks.changed(&host.survey);
	/* The chains still change: people are told after the next survey. */
	if (survey.again_ns)
		return;
	collect_notes();
	publish(&survey);
	if (survey.flags != host.logged && now >= host.next_log_ns) {
		log_survey(&survey);
		host.next_log_ns = now + LOG_PAUSE_NS;
	}
}

void host_start(const struct host_callbacks *callbacks)
{
	memset(&host, 0, sizeof(host));
	host.callbacks = *callbacks;
	/* A value that no survey has, so that the first one is always logged. */
	host.logged = UINT32_MAX;
	host.rules_unread = true;
	survey_forget();
	look(clock_monotonic_ns());
}

void host_stop(void)
{
	survey_forget();
}

struct mnl_socket *host_listen(void)
{
	return survey_listen();
}

void host_heard(struct mnl_socket *socket)
{
	if (survey_heard(socket))
		host.next_ns = 0;
}

uint64_t host_look(uint64_t now_ns, bool heard)
{
	host.rules_unread = host.rules_unread || heard;
	if (now_ns >= host.next_ns)
		look(now_ns);
	return host.next_ns;
}
