/* SPDX-License-Identifier: BSD-3-Clause */
/* The gates of the places, and the word that says what stands in the way on this host. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "table/gates.h"

/* The devices, each followed by an alias. */
#define ENTRIES (2 * ABI_ATTACHMENTS)

static struct attachment attachments[ABI_PORTS];
static struct gate hairpin;

static int set_up(void **state)
{
	(void)state;
	memset(attachments, 0xee, sizeof(attachments));
	memset(&hairpin, 0xee, sizeof(hairpin));
	/* Half of the entries get their places before the memory is taken, as in the server. */
	for (int i = 0; i < ENTRIES; i += 2)
		gates_place_put(&attachments[i].gate, 1u << i / 2);
	gates_open(attachments, &hairpin);
	for (int i = 1; i < ENTRIES; i += 2)
		gates_place_put(&attachments[i].gate, gates_place(&attachments[i - 1].gate));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gates_close();
	return 0;
}

static bool opens(uint32_t gate, struct gate place)
{
	return !((gate ^ place.gate) & place.mask);
}

/*
 * Every place has a bit of its own, and the epoch of the state. A gate of 0 is closed everywhere, and so is one that
 * has GATE_ASK.
 */
static void check_places(void)
{
	gates_state now = gates_now();
	struct gate place[ABI_ATTACHMENTS + 1];

	for (int i = 0; i < ABI_ATTACHMENTS; i++) {
		place[i] = attachments[2 * i].gate;
		assert_memory_equal(&attachments[2 * i + 1].gate, &place[i], sizeof(place[i]));
	}
	place[ABI_ATTACHMENTS] = hairpin;
	for (int i = 0; i <= ABI_ATTACHMENTS; i++) {
		assert_int_equal(place[i].mask & GATE_PLACES, 1u << i);
		assert_false(opens(0, place[i]));
		assert_false(opens(gates_gate(now, GATE_PLACES) | GATE_ASK, place[i]));
		assert_true(opens(gates_gate(now, GATE_PLACES), place[i]));
		assert_int_equal(opens(gates_gate(now, GATE_DEVICES), place[i]), i < ABI_ATTACHMENTS);
		for (int j = 0; j <= ABI_ATTACHMENTS; j++)
			assert_int_equal(opens(gates_gate(now, 1u << j), place[i]), i == j);
	}
}

static void test_places(void **state)
{
	(void)state;
	check_places();
	/* Nothing else of a device's slot is written. */
	assert_int_equal(attachments[0].ifindex, 0xeeeeeeee);
	assert_int_equal(attachments[ABI_PORTS - 1].generic, 0xee);
	assert_int_equal(gates_host(gates_now()), 0);
}

static void test_next_epoch(void **state)
{
	gates_state before;

	(void)state;
	gates_host_changed(GATES_EXAMINED_V6 | GATES_NAT_V4);
	before = gates_now();
	gates_next_epoch();
	assert_false(gates_same_epoch(before, gates_now()));
	assert_int_equal(gates_host(gates_now()), GATES_EXAMINED_V6 | GATES_NAT_V4);
	assert_false(opens(gates_gate(before, GATE_PLACES), attachments[3].gate));
	assert_false(opens(gates_gate(before, GATE_PLACES), hairpin));
	check_places();
}

/* After the last epoch comes the first, and never 0, which is the epoch of a closed gate. */
static void test_epochs_wrap(void **state)
{
	gates_state first = gates_now(), last = first;

	(void)state;
	for (uint32_t i = 1; i < GATE_EPOCH_MAX; i++) {
		gates_next_epoch();
		assert_false(gates_same_epoch(last, gates_now()));
		assert_false(gates_same_epoch(first, gates_now()));
		last = gates_now();
	}
	assert_true(opens(gates_gate(GATE_EPOCH_MAX << GATE_EPOCH_SHIFT, 1), attachments[0].gate));
	gates_next_epoch();
	assert_true(gates_same_epoch(first, gates_now()));
	check_places();
}

static void test_host_changed(void **state)
{
	static const struct {
		uint32_t before, after;
		bool closes;
	} cases[] = {
		{ 0, 0, false },
		{ 0, GATES_EXAMINED_V4, true },
		{ GATES_EXAMINED_V4, GATES_EXAMINED_V4, false },
		{ GATES_EXAMINED_V4, 0, false },
		{ GATES_EXAMINED_V4, GATES_EXAMINED_V6, true },
		{ GATES_EXAMINED_V4, GATES_EXAMINED_V4 | GATES_NAT_V4, true },
		{ GATES_HOST_ALL, GATES_EXAMINED_V6, false },
		{ GATES_EXAMINED_V4 | GATES_NAT_V6, GATES_HOST_ALL, true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		gates_state before;

		set_up(state);
		gates_host_changed(cases[i].before);
		before = gates_now();
		gates_host_changed(cases[i].after);
		/* It never is as before, so that every flow is looked at. */
		assert_int_not_equal(gates_now(), before);
		assert_int_equal(gates_host(gates_now()), cases[i].after);
		assert_int_equal(!gates_same_epoch(before, gates_now()), cases[i].closes);
		assert_int_equal(!opens(gates_gate(before, GATE_PLACES), attachments[1].gate), cases[i].closes);
		check_places();
	}
}

/* How often examples were asked for wraps around, since more than these bits are not left for it, and changes neither flags nor epoch. */
static void test_asked_wraps(void **state)
{
	gates_state first, last;

	(void)state;
	gates_host_changed(GATES_HOST_ALL);
	first = last = gates_now();
	for (uint32_t i = 0; i < 1u << GATE_EPOCH_SHIFT; i++) {
		gates_host_changed(GATES_HOST_ALL);
		assert_int_not_equal(gates_now(), last);
		last = gates_now();
		assert_true(gates_same_epoch(first, last));
		assert_int_equal(gates_host(last), GATES_HOST_ALL);
	}
	/* It goes on in the next epoch. */
	gates_next_epoch();
	assert_int_equal(gates_now() << (32 - GATE_EPOCH_SHIFT), last << (32 - GATE_EPOCH_SHIFT));
}

/* Without memory to write to, the state still changes. */
static void test_closed(void **state)
{
	struct gate before = attachments[0].gate;
	gates_state now = gates_now();

	(void)state;
	gates_close();
	gates_next_epoch();
	assert_false(gates_same_epoch(now, gates_now()));
	assert_memory_equal(&attachments[0].gate, &before, sizeof(before));
}

/* Whoever listens is told of each change, and more than there is room for are refused. */
static void test_listeners(void **state)
{
	int listeners[ABI_OWNERS];
	eventfd_t count;

	(void)state;
	for (int i = 0; i < ABI_OWNERS; i++) {
		listeners[i] = gates_listen();
		assert_true(listeners[i] >= 0);
		assert_int_equal(eventfd_read(listeners[i], &count), -1);
		assert_int_equal(errno, EAGAIN);
	}
	assert_int_equal(gates_listen(), -EUSERS);
	gates_next_epoch();
	gates_host_changed(GATES_EXAMINED_V4);
	gates_host_changed(GATES_EXAMINED_V4);
	for (int i = 0; i < ABI_OWNERS; i++) {
		assert_int_equal(eventfd_read(listeners[i], &count), 0);
		assert_int_equal(count, 3);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_next_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_epochs_wrap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_host_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asked_wraps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_listeners, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("gates", tests, NULL, NULL);
}
