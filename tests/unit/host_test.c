/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of surveys and notes: who is told, when, and how often. The host is made up here:
 * this file has survey_take and the functions that note things.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/host.h"
#include "host/nftables.h"
#include "host/notes.h"
#include "host/rules.h"
#include "host/tc.h"
#include "table/status.h"

#define MS 1000000ULL

static struct {
	struct survey survey;
	struct survey told; /* to the callback */
	unsigned int takes, changes, lines, puts, devices;
	unsigned int notes;   /* how many there are */
	int rules_error;      /* 0: the rules can be read */
	bool heard;           /* nf_tables has changed */
	bool heard_of_routes; /* the kernel has told of a change to its routing */
	char line[1024];
	struct status_host shown;
} made;
static uint64_t now_ns = 5000 * MS;

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

uint64_t clock_boot_ns(void)
{
	return now_ns;
}

int survey_take(struct survey *survey)
{
	made.takes++;
	*survey = made.survey;
	return 0;
}

void survey_forget(void)
{
}

struct mnl_socket *survey_listen(void)
{
	return NULL;
}

bool survey_heard(struct mnl_socket *socket)
{
	(void)socket;
	return made.heard;
}

void survey_mix(struct survey *survey, const void *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		survey->signature = survey->signature * 31 + ((const unsigned char *)data)[i];
}

int rules_note(struct notes *notes)
{
	for (unsigned int i = 0; i < made.notes; i++)
		notes_add(notes, "note %u", i);
	return made.rules_error;
}

void nftables_note(struct notes *notes)
{
	(void)notes;
}

void tc_note(struct notes *notes)
{
	(void)notes;
}

void tc_devices(const uint32_t *ifindexes, unsigned int count)
{
	made.devices += count == 1 && ifindexes && ifindexes[0] == 7;
}

void status_host_put(const struct status_host *host)
{
	made.puts++;
	made.shown = *host;
}

static void changed(const struct survey *survey)
{
	made.changes++;
	made.told = *survey;
}

static unsigned int devices(uint32_t *ifindexes, unsigned int room)
{
	assert_true(room >= 1);
	ifindexes[0] = 7;
	return 1;
}

static void keep_line(enum log_level level, const char *line)
{
	(void)level;
	made.lines++;
	snprintf(made.line, sizeof(made.line), "%s", line);
}

static int setup(void **state)
{
	static const struct host_callbacks callbacks = { changed, devices };

	(void)state;
	memset(&made, 0, sizeof(made));
	made.survey.signature = 1;
	log_to(keep_line);
	host_start(&callbacks);
	return 0;
}

/* The monitor thread does this when `now_ns` is the time that host_look gave, or later. */
static void pass(uint64_t milliseconds)
{
	now_ns += milliseconds * MS;
	host_look(now_ns, made.heard_of_routes);
}

static void test_start(void **state)
{
	(void)state;
	assert_int_equal(made.takes, 1);
	assert_int_equal(made.devices, 1);
	assert_int_equal(made.changes, 1);
	assert_int_equal(made.lines, 1);
	assert_non_null(strstr(made.line, "this host is free"));
	assert_true(host_look(now_ns, false) == now_ns + 1000 * MS);
	assert_int_equal(made.takes, 1);
	pass(999);
	assert_int_equal(made.takes, 1);
	pass(1);
	assert_int_equal(made.takes, 2);
	assert_int_equal(made.changes, 1);
	assert_int_equal(made.lines, 1);
	/* It is taken somewhat too soon, and the next one is due a second after the time that was given. */
	now_ns += 985 * MS;
	assert_true(host_look(now_ns + 14 * MS, false) == now_ns + 15 * MS);
	assert_int_equal(made.takes, 2);
	assert_true(host_look(now_ns + 20 * MS, false) == now_ns + 1020 * MS);
	assert_int_equal(made.takes, 3);
}

static void test_changes(void **state)
{
	static const struct {
		uint32_t flags;
		const char *text, *line;
	} table[] = {
		{ SURVEY_EXAMINED_V4, "a", "this host examines packets of IPv4, so a channel is relayed in the kernel only after this host was seen to relay its packets: a" },
		{ SURVEY_EXAMINED_V6 | SURVEY_NAT_V6, "b", "this host examines packets of IPv6, so a channel is relayed in the kernel only after this host was seen to relay its packets: b" },
		{ SURVEY_EXAMINED, "c", "this host examines packets of IPv4 and IPv6, so a channel is relayed in the kernel only after this host was seen to relay its packets: c" },
		{ 0, "", "this host is free: it has no firewall, NAT" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		pass(10000);
		made.survey.flags = table[i].flags;
		snprintf(made.survey.text, sizeof(made.survey.text), "%s", table[i].text);
		pass(1000);
		assert_int_equal(made.changes, 2 + i);
		assert_int_equal(made.told.flags, table[i].flags);
		assert_non_null(strstr(made.line, table[i].line));
		assert_int_equal(made.shown.flags, table[i].flags);
		assert_string_equal(made.shown.line, table[i].text);
	}
	/* The signature alone is for the callback, and no news for people. */
	made.survey.signature++;
	pass(1000);
	assert_int_equal(made.changes, 2 + COUNT(table));
	assert_int_equal(made.lines, 1 + COUNT(table));
}

/* While flags come and go fast, the log has the first, and ten seconds later what holds then. */
static void test_log_is_not_flooded(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++) {
		made.survey.flags = i & 1 ? 0 : SURVEY_EXAMINED_V4;
		pass(1000);
		assert_int_equal(made.changes, 2 + i);
		assert_int_equal(made.lines, 1);
		assert_int_equal(made.shown.flags, made.survey.flags);
	}
	pass(1000);
	assert_int_equal(made.lines, 2);
	assert_non_null(strstr(made.line, "IPv4"));
}

/* An event is told at once; people are told when the chains were read. */
static void test_events(void **state)
{
	(void)state;
	pass(10);
	host_heard(NULL);
	assert_true(host_look(now_ns, false) == now_ns + 990 * MS);
	made.heard = true;
	made.survey.signature = 2;
	made.survey.flags = SURVEY_EXAMINED;
	made.survey.again_ns = now_ns + 90 * MS;
	host_heard(NULL);
	assert_true(host_look(now_ns, false) == made.survey.again_ns);
	assert_int_equal(made.changes, 2);
	assert_int_equal(made.told.signature, 2);
	assert_int_equal(made.shown.flags, 0);
	made.survey.again_ns = 0;
	made.survey.flags = SURVEY_EXAMINED_V6;
	pass(89);
	assert_int_equal(made.takes, 2);
	pass(1);
	assert_int_equal(made.takes, 3);
	assert_int_equal(made.changes, 3);
	assert_int_equal(made.shown.flags, SURVEY_EXAMINED_V6);
}

/* Each note is in the log once, also if it has gone and come back. */
static void test_notes(void **state)
{
	(void)state;
	made.heard_of_routes = true;
	made.notes = 2;
	pass(1000);
	assert_int_equal(made.lines, 3);
	assert_non_null(strstr(made.line, "note 1"));
	assert_int_equal(made.shown.notes, 2);
	assert_string_equal(made.shown.note[1].text, "note 1");
	made.notes = 1;
	pass(1000);
	assert_int_equal(made.shown.notes, 1);
	assert_string_equal(made.shown.note[1].text, "");
	made.notes = 3;
	pass(1000);
	assert_int_equal(made.lines, 4);
	assert_non_null(strstr(made.line, "note 2"));
	/* More than there is room for are counted. */
	made.notes = NOTES_ROOM + 10;
	pass(1000);
	assert_int_equal(made.shown.notes, NOTES_ROOM + 10);
	assert_string_equal(made.shown.note[STATUS_NOTES - 1].text, "note 15");
	assert_int_equal(made.lines, 1 + NOTES_ROOM);
}

/* The routing rules are read again after the kernel has told of a change, or if they could not be read. */
static void test_rules(void **state)
{
	static const struct {
		const char *name;
		unsigned int notes; /* that the rules would make */
		bool heard;
		int error;
		uint64_t pass_ms;
		unsigned int shown;
	} steps[] = {
		{ "nothing was heard", 2, false, 0, 1000, 0 },
		{ "a change was heard", 2, true, 0, 1000, 2 },
		{ "nothing was heard since", 1, false, 0, 1000, 2 },
		{ "a change was heard before it is time", 1, true, 0, 10, 2 },
		{ "then it is time", 1, false, 0, 990, 1 },
		{ "a change was heard, and the rules cannot be read", 0, true, -EAGAIN, 1000, 0 },
		{ "they can be read again", 3, false, 0, 1000, 3 },
		{ "nothing was heard since that", 4, false, 0, 1000, 3 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i++) {
		made.notes = steps[i].notes;
		made.heard_of_routes = steps[i].heard;
		made.rules_error = steps[i].error;
		pass(steps[i].pass_ms);
		if (made.shown.notes != steps[i].shown)
			fail_msg("%s: %u notes", steps[i].name, made.shown.notes);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_start, setup),
		cmocka_unit_test_setup(test_changes, setup),
		cmocka_unit_test_setup(test_log_is_not_flooded, setup),
		cmocka_unit_test_setup(test_events, setup),
		cmocka_unit_test_setup(test_notes, setup),
		cmocka_unit_test_setup(test_rules, setup),
	};

	return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
