/* SPDX-License-Identifier: BSD-3-Clause */
/* The egresses: next hops that leave in the same way share one, and it changes only when none uses it. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "table/egress.h"

static struct egress memory[ABI_EGRESSES];

static int open_egresses(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	egress_open(memory);
	return 0;
}

static const struct hop plain = {
	.ifindex = 7,
	.mtu = 1500,
	.ttl = 64,
	.flags = HOP_TRANSMIT,
	.eth = { 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16 },
	.tag = { { 0x8100, 100 }, { 0x88a8, 200 } },
};

static uint16_t take(const struct hop *hop)
{
	uint16_t index = UINT16_MAX;

	assert_int_equal(egress_take(hop, &index), 0);
	assert_true(index < ABI_EGRESSES);
	return index;
}

static void check_is(uint16_t index, const struct hop *hop)
{
	struct hop_entry entry = { .egress = index };
	struct hop again;

	hop_entry_write(&entry, hop);
	hop_read(&entry, &memory[index], &again);
	assert_memory_equal(&again, hop, sizeof(*hop));
}

/* What a neighbour or a route has does not matter: destination MAC, MTU, TTL and flags. */
static void test_shared(void **state)
{
	struct hop hop = plain;
	uint16_t first = take(&plain);

	(void)state;
	check_is(first, &plain);
	hop.mtu = 9000;
	hop.ttl = 1;
	hop.flags = HOP_LOCAL;
	memset(hop.eth, 0x77, 6);
	assert_int_equal(take(&hop), first);
	check_is(first, &hop);
}

/* Each of these makes another egress. */
static void test_other(void **state)
{
	uint16_t first = take(&plain), other[5];
	struct hop hop[5];

	(void)state;
	for (int i = 0; i < 5; i++)
		hop[i] = plain;
	hop[0].ifindex++;
	hop[1].eth[6] ^= 1;
	hop[2].eth[11] ^= 1;
	hop[3].tag[0].tci ^= 1;
	hop[4].tag[1].protocol = 0;
	for (int i = 0; i < 5; i++) {
		other[i] = take(&hop[i]);
		assert_int_not_equal(other[i], first);
		for (int k = 0; k < i; k++)
			assert_int_not_equal(other[i], other[k]);
	}
	for (int i = 0; i < 5; i++)
		check_is(other[i], &hop[i]);
	check_is(first, &plain);
}

static void test_tags(void **state)
{
	struct hop hop = plain;

	(void)state;
	assert_int_equal(memory[take(&hop)].tags, 8);
	memset(&hop.tag[1], 0, sizeof(hop.tag[1]));
	assert_int_equal(memory[take(&hop)].tags, 4);
	memset(&hop.tag[0], 0, sizeof(hop.tag[0]));
	assert_int_equal(memory[take(&hop)].tags, 0);
}

/* An egress becomes another one only when its last use was given back. */
static void test_reused(void **state)
{
	struct hop hop = plain;
	uint16_t index = 77, first;

	(void)state;
	for (uint32_t i = 0; i < ABI_EGRESSES; i++) {
		hop.ifindex = 1000 + i;
		take(&hop);
	}
	hop.ifindex = 1005;
	first = take(&hop);
	hop.ifindex = 5;
	for (int uses = 2; uses; uses--) {
		assert_int_equal(egress_take(&hop, &index), -ENOSPC);
		assert_int_equal(index, 77);
		egress_give(first);
	}
	assert_int_equal(take(&hop), first);
	check_is(first, &hop);
	hop.ifindex = 1005;
	assert_int_equal(egress_take(&hop, &index), -ENOSPC);
}

/* The table is empty again for the next server in the same process. */
static void test_opened_again(void **state)
{
	struct hop hop = plain;
	uint16_t index;

	for (uint32_t i = 0; i < ABI_EGRESSES; i++) {
		hop.ifindex = i;
		take(&hop);
	}
	hop.ifindex = 1000;
	assert_int_equal(egress_take(&hop, &index), -ENOSPC);
	open_egresses(state);
	check_is(take(&hop), &hop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_shared, open_egresses),
		cmocka_unit_test_setup(test_other, open_egresses),
		cmocka_unit_test_setup(test_tags, open_egresses),
		cmocka_unit_test_setup(test_reused, open_egresses),
		cmocka_unit_test_setup(test_opened_again, open_egresses),
	};

	return cmocka_run_group_tests_name("egress", tests, NULL, NULL);
}
