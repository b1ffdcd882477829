/* SPDX-License-Identifier: BSD-3-Clause */
/* What the server tells inspectors about itself. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/pid_namespace.h"
#include "table/status.h"

static struct status shared;

static int open_status(void **state)
{
	(void)state;
	memset(&shared, 0, sizeof(shared));
	status_open(&shared);
	return 0;
}

static int close_status(void **state)
{
	(void)state;
	status_close();
	return 0;
}

/* An interface of which every byte has the value `fill`. */
static struct status_interface interface_of(int fill)
{
	struct status_interface interface;

	memset(&interface, fill, sizeof(interface));
	return interface;
}

/* Calls everything that changes the status. */
static void change_all(void)
{
	struct status_interface interface = interface_of(1);

	status_begin(5, 1);
	status_interface_put(0, &interface);
	status_host_put(&(struct status_host){ .flags = 1 });
	status_interfaces_end(0);
	status_waiting_put("192.0.2.1");
	status_blocked_put(true);
	status_count_total(1, 2);
	status_count_overrun();
	status_count_refusal(1);
	status_count_failure(-ENOSPC);
	status_count_failure(-ENOMEM);
}

static void test_without_memory(void **state)
{
	static const struct status none;

	(void)state;
	memset(&shared, 0, sizeof(shared));
	status_open(NULL);
	change_all();
	status_open(&shared);
	status_close();
	change_all();
	assert_memory_equal(&shared, &none, sizeof(none));
}

/* Closing keeps what was said: an inspector may still read it. */
static void test_close_keeps_the_content(void **state)
{
	struct status before;

	(void)state;
	change_all();
	before = shared;
	status_close();
	assert_memory_equal(&shared, &before, sizeof(before));
	assert_int_not_equal(shared.started, 0);
}

static void test_begin(void **state)
{
	struct status wanted = { 0 };

	(void)state;
	status_begin(77, 2);
	assert_int_not_equal(shared.started, 0);
	wanted.started = shared.started;
	wanted.pid = (uint32_t)getpid();
	wanted.pid_namespace = pid_namespace_own();
	assert_int_not_equal(wanted.pid_namespace, 0);
	wanted.channels = 77;
	wanted.mode = 2;
	assert_memory_equal(&shared, &wanted, sizeof(wanted));
}

/* Each change advances the sequence by 2, so that it is even when nothing is written. */
static void test_interfaces(void **state)
{
	static const struct {
		const char *name;
		unsigned int slot;
		int fill;
		uint32_t interfaces, seq;
	} table[] = {
		{ "the first", 0, 1, 1, 2 },
		{ "the first again", 0, 1, 1, 2 },
		{ "the first, changed", 0, 2, 1, 4 },
		{ "the second, equal to the first", 1, 2, 2, 6 },
		{ "the first, when there are two", 0, 3, 2, 8 },
		/* It is equal to the memory behind the interfaces in use, but nothing was said of it yet. */
		{ "the third, all zeros", 2, 0, 3, 10 },
		{ "the third again", 2, 0, 3, 10 },
		{ "the last", ABI_ATTACHMENTS - 1, 4, ABI_ATTACHMENTS, 12 },
		{ "one too many", ABI_ATTACHMENTS, 5, ABI_ATTACHMENTS, 12 },
	};
	struct status wanted = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct status_interface interface = interface_of(table[i].fill);

		print_message("# %s\n", table[i].name);
		status_interface_put(table[i].slot, &interface);
		if (table[i].slot < ABI_ATTACHMENTS)
			wanted.interface[table[i].slot] = interface;
		wanted.interfaces = table[i].interfaces;
		wanted.seq = table[i].seq;
		assert_memory_equal(&shared, &wanted, sizeof(wanted));
	}
}

static void test_host(void **state)
{
	static const struct status_host hosts[] = {
		{ .flags = STATUS_EXAMINED_V4, .line = "a chain" },
		{ .flags = STATUS_EXAMINED_V4, .line = "a chain", .notes = 1, .note = { { "a sentence" } } },
		{ 0 },
	};
	struct status wanted = { 0 };

	(void)state;
	/* The same as before is no change. */
	for (size_t i = 0; i < COUNT(hosts); i++) {
		for (int times = 0; times < 2; times++) {
			status_host_put(&hosts[i]);
			wanted.host = hosts[i];
			wanted.seq = 2 * ((uint32_t)i + 1);
			assert_memory_equal(&shared, &wanted, sizeof(wanted));
		}
	}
}

/* There are fewer interfaces than before; as long as there are no fewer, nothing is written. */
static void test_fewer_interfaces(void **state)
{
	struct status_interface interface = interface_of(1);

	(void)state;
	status_interface_put(0, &interface);
	status_interface_put(1, &interface);
	assert_int_equal(shared.seq, 4);
	status_interfaces_end(2);
	status_interfaces_end(3);
	assert_int_equal(shared.interfaces, 2);
	assert_int_equal(shared.seq, 4);
	status_interfaces_end(1);
	assert_int_equal(shared.interfaces, 1);
	assert_int_equal(shared.seq, 6);
}

static void test_waiting(void **state)
{
	char longer[STATUS_WAITING + 10];

	(void)state;
	status_waiting_put("192.0.2.1");
	assert_string_equal(shared.waiting, "192.0.2.1");
	status_waiting_put("192.0.2.1");
	assert_int_equal(shared.seq, 2);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	status_waiting_put(longer);
	assert_int_equal(strlen(shared.waiting), STATUS_WAITING - 1);
	status_waiting_put("");
	assert_string_equal(shared.waiting, "");
	assert_int_equal(shared.seq, 6);
}

static void test_blocked(void **state)
{
	struct status wanted = { .blocked = 1 };

	(void)state;
	status_blocked_put(true);
	assert_memory_equal(&shared, &wanted, sizeof(wanted));
	status_blocked_put(false);
	wanted.blocked = 0;
	assert_memory_equal(&shared, &wanted, sizeof(wanted));
}

static void test_counters(void **state)
{
	struct status wanted = { .overruns = 2, .full = 1, .failed = 3, .bytes_in = 11, .bytes_out = 22 };

	(void)state;
	status_count_total(10, 20);
	status_count_total(1, 2);
	status_count_overrun();
	status_count_overrun();
	status_count_failure(-ENOSPC);
	status_count_failure(-ENOMEM);
	status_count_failure(-EEXIST);
	status_count_failure(ENOSPC);
	assert_memory_equal(&shared, &wanted, sizeof(wanted));
}

static void test_refusals(void **state)
{
	struct status wanted = { 0 };

	(void)state;
	for (unsigned int refusal = 0; refusal < STATUS_REFUSALS + 2; refusal++) {
		for (unsigned int times = 0; times <= refusal; times++)
			status_count_refusal(refusal);
		if (refusal < STATUS_REFUSALS)
			wanted.refused[refusal] = refusal + 1;
	}
	status_count_refusal(UINT32_MAX);
	assert_memory_equal(&shared, &wanted, sizeof(wanted));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test_setup_teardown(test_close_keeps_the_content, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_begin, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_interfaces, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_host, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_fewer_interfaces, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_waiting, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_blocked, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_counters, open_status, close_status),
		cmocka_unit_test_setup_teardown(test_refusals, open_status, close_status),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
