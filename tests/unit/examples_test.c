/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When the kernel relays the packets of a channel: after which example, and until when. This file has the memory of
 * the gates and notes itself, and decides about packets as bpf/gate.h does. The gates of the places are those of
 * gates.c.
 */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "channel/examples.h"
#include "route/nexthop.h"
#include "table/maps.h"

/* Places from which packets come. */
#define ETH0 1u
#define ETH1 2u
#define HAIRPIN GATE_HAIRPIN

#define PERIOD 20000

enum { SLOT_TO_PEER = 3, SLOT_TO_CLIENT = 1, SLOTS = 4 };
enum { HOP_TO_PEER = 2, HOP_TO_CLIENT = 5, HOPS = 6 };

static const uint32_t slot[DIRECTIONS] = { [TO_PEER] = SLOT_TO_PEER, [TO_CLIENT] = SLOT_TO_CLIENT };
static const uint32_t hop[DIRECTIONS] = { [TO_PEER] = HOP_TO_PEER, [TO_CLIENT] = HOP_TO_CLIENT };

static struct {
	struct attachment attachment[ABI_PORTS];
	struct gate hairpin;
	struct flow_note note[SLOTS];
	uint32_t gate[SLOTS];
	uint64_t packets[SLOTS];
	struct hop_facts hop[HOPS];
	bool leaves[HOPS];
	uint32_t generation;
	uint64_t now;
} host;

static struct examples channel;

/* ---- the functions that replace the kernel and the clock ---- */

uint64_t clock_coarse_ms(void)
{
	return host.now;
}

static long chance;

/* Replaces libc's function. 0: no gate is held to have opened earlier. */
long random(void)
{
	return chance;
}

uint32_t nexthop_generation(void)
{
	return host.generation;
}

struct flow_note *maps_note(uint32_t index)
{
	assert_true(index == SLOT_TO_PEER || index == SLOT_TO_CLIENT);
	return &host.note[index];
}

void maps_gate_put(uint32_t index, uint32_t gate)
{
	assert_true(index == SLOT_TO_PEER || index == SLOT_TO_CLIENT);
	host.gate[index] = gate;
}

uint32_t maps_gate(uint32_t index)
{
	assert_true(index == SLOT_TO_PEER || index == SLOT_TO_CLIENT);
	return host.gate[index];
}

void maps_hop_facts(uint32_t index, struct hop_facts *facts)
{
	assert_true(index == HOP_TO_PEER || index == HOP_TO_CLIENT);
	*facts = host.hop[index];
}

bool nexthop_leaves(uint32_t entry)
{
	return host.leaves[entry];
}

void maps_note_fetch(uint32_t index)
{
	assert_true(index == SLOT_TO_PEER || index == SLOT_TO_CLIENT);
}

uint64_t maps_flow_usage(uint32_t index)
{
	return host.packets[index] * USAGE_PACKET;
}

/* ---- packets ---- */

static bool in_place(uint32_t gate, uint32_t place)
{
	const struct gate *of = place == HAIRPIN ? &host.hairpin : &host.attachment[place == ETH1].gate;

	return !((gate ^ of->gate) & of->mask);
}

/* A packet comes in. Returns whether the kernel relays it; if not, it is on its way to coturn. */
static bool comes(unsigned int which, uint32_t place)
{
	struct flow_note *note = &host.note[slot[which]];
	struct hop_facts back = host.hop[note->back];
	bool closed = !in_place(host.gate[slot[which]], place);
	bool fits = in_place(host.gate[slot[which]] & ~GATE_ASK, place);

	if (closed && (!fits || note->sample)) {
		note->seen |= place & GATE_DEVICES;
		note->seen_hairpin |= place == HAIRPIN;
		note->sample = fits ? 0 : note->sample;
		return false;
	}
	if (closed && ((!back.local && !back.ifindex) || back.local != (place == HAIRPIN)))
		return false;
	host.packets[slot[which]]++;
	return true;
}

/* The note of a direction, as if no packet had gone up. */
static void none_seen(unsigned int which)
{
	host.note[slot[which]].seen = host.note[slot[which]].seen_hairpin = 0;
}

/* A packet goes up, and coturn sends it. */
static void example(unsigned int which, uint32_t place)
{
	assert_false(comes(which, place));
	examples_relayed(&channel, which, 0);
}

static void pass(uint64_t ms)
{
	host.now += ms;
}

static bool is_sampling(void)
{
	return channel.direction[TO_PEER].sampling || channel.direction[TO_CLIENT].sampling;
}

static enum refusal look(void)
{
	return examples_look(&channel, true);
}

/* Some seconds pass, in each of which packets of both directions come in by ETH0. */
static void traffic(unsigned int seconds)
{
	while (seconds--) {
		for (unsigned int which = 0; which < DIRECTIONS; which++) {
			if (!comes(which, ETH0))
				examples_relayed(&channel, which, 0);
		}
		pass(1000);
		assert_int_equal(look(), REFUSAL_NONE);
	}
}

static void check(bool to_peer, bool to_client)
{
	assert_int_equal(comes(TO_PEER, ETH0), to_peer);
	assert_int_equal(comes(TO_CLIENT, ETH0), to_client);
}

/* ---- a channel of IPv4, whose packets come in by ETH0, on a host that stands in the way like this ---- */

static void begin(uint32_t flags)
{
	static const int family[DIRECTIONS] = { AF_INET, AF_INET };

	gates_host_changed(flags);
	examples_begin(&channel, slot, hop, family);
}

/* The same, and both directions have had their examples. */
static void begin_open(uint32_t flags)
{
	begin(flags);
	example(TO_PEER, ETH0);
	example(TO_CLIENT, ETH0);
	check(true, true);
}

static int set_up(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.now = 1000000;
	chance = 0;
	host.hop[HOP_TO_PEER] = (struct hop_facts){ .ifindex = 20 };
	host.hop[HOP_TO_CLIENT] = (struct hop_facts){ .ifindex = 10 };
	gates_place_put(&host.attachment[0].gate, ETH0);
	gates_place_put(&host.attachment[1].gate, ETH1);
	gates_open(host.attachment, &host.hairpin);
	examples_set_period(PERIOD);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	gates_close();
	return 0;
}

/* ---- examples ---- */

static void test_one_place(void **state)
{
	(void)state;
	begin(GATES_EXAMINED_V4);
	check(false, false);
	none_seen(TO_PEER);
	none_seen(TO_CLIENT);
	example(TO_PEER, ETH1);
	assert_true(comes(TO_PEER, ETH1));
	assert_false(comes(TO_PEER, ETH0));
	assert_false(comes(TO_PEER, HAIRPIN));
	assert_false(comes(TO_CLIENT, ETH1));
	none_seen(TO_CLIENT);
	example(TO_CLIENT, ETH0);
	assert_true(comes(TO_CLIENT, ETH0));
	assert_false(comes(TO_CLIENT, ETH1));
}

/* It is not known which of the packets coturn has sent. */
static void test_several_places(void **state)
{
	static const uint32_t others[] = { ETH1, HAIRPIN };

	for (size_t i = 0; i < COUNT(others); i++) {
		set_up(state);
		begin(GATES_EXAMINED_V4);
		comes(TO_PEER, others[i]);
		example(TO_PEER, ETH0);
		check(false, false);
		/* The packet by the other place may still be on its way. */
		pass(49);
		example(TO_PEER, ETH0);
		check(false, false);
		pass(1);
		example(TO_PEER, ETH0);
		check(true, false);
	}
}

static void test_no_place(void **state)
{
	static const struct {
		uint32_t flags;
		enum refusal reason;
	} cases[] = {
		{ GATES_EXAMINED_V4, REFUSAL_UNSEEN },
		{ GATES_EXAMINED_V4 | GATES_NAT_V4, REFUSAL_TRANSLATED },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_up(state);
		begin(cases[i].flags);
		examples_relayed(&channel, TO_PEER, 0);
		pass(2000);
		/* One packet may be one that came in before the flow was there. */
		assert_int_equal(look(), REFUSAL_NONE);
		examples_relayed(&channel, TO_PEER, 0);
		host.now -= 1;
		assert_int_equal(look(), REFUSAL_NONE);
		pass(1);
		assert_int_equal(examples_look(&channel, false), REFUSAL_NONE);
		assert_int_equal(look(), cases[i].reason);
		assert_int_equal(look(), REFUSAL_NONE);
		assert_int_equal(host.gate[SLOT_TO_PEER], 0);
		/* The other direction has the same reason, which is not told again. */
		examples_relayed(&channel, TO_CLIENT, 0);
		examples_relayed(&channel, TO_CLIENT, 0);
		assert_int_equal(look(), REFUSAL_NONE);
		/* An example may come later. */
		example(TO_PEER, ETH0);
		example(TO_CLIENT, ETH0);
		check(true, true);
	}
}

static void test_translated_needs_both(void **state)
{
	(void)state;
	begin(GATES_EXAMINED_V4 | GATES_NAT_V4);
	example(TO_PEER, ETH0);
	assert_false(comes(TO_PEER, ETH0));
	pass(1999);
	assert_int_equal(look(), REFUSAL_NONE);
	pass(1);
	assert_int_equal(look(), REFUSAL_ONE_WAY);
	assert_int_equal(look(), REFUSAL_NONE);
	example(TO_CLIENT, ETH0);
	check(true, true);
}

static void test_hairpin(void **state)
{
	(void)state;
	/* The peer is another client of this server: its packets are seen by the second flow's key only. */
	host.hop[HOP_TO_PEER] = (struct hop_facts){ .local = true };
	begin(GATES_EXAMINED_V4);
	examples_relayed(&channel, TO_CLIENT, 0);
	assert_true(comes(TO_CLIENT, HAIRPIN));
	assert_false(comes(TO_CLIENT, ETH0));
	assert_false(comes(TO_PEER, ETH0));
	examples_relayed(&channel, TO_PEER, 0);
	assert_true(comes(TO_PEER, ETH0));
	assert_false(comes(TO_PEER, HAIRPIN));
}

/* The flags of either family concern a channel that has addresses of both. */
static void test_families(void **state)
{
	static const struct {
		uint32_t flags;
		int family[DIRECTIONS];
		bool waits;
	} cases[] = {
		{ GATES_EXAMINED_V4, { AF_INET, AF_INET }, true },
		{ GATES_EXAMINED_V6, { AF_INET, AF_INET }, false },
		{ GATES_EXAMINED_V4, { AF_INET6, AF_INET6 }, false },
		{ GATES_EXAMINED_V6, { AF_INET6, AF_INET6 }, true },
		{ GATES_EXAMINED_V6, { AF_INET, AF_INET6 }, true },
		{ GATES_EXAMINED_V6, { AF_INET6, AF_INET }, true },
		{ GATES_EXAMINED_V4, { AF_INET6, AF_INET }, true },
		{ 0, { AF_INET, AF_INET6 }, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		set_up(state);
		gates_host_changed(cases[i].flags);
		examples_begin(&channel, slot, hop, cases[i].family);
		print_message("# case %zu\n", i);
		check(!cases[i].waits, !cases[i].waits);
	}
}

/* ---- what the host refuses ---- */

static void test_refused_while_closed(void **state)
{
	(void)state;
	begin(GATES_EXAMINED_V4);
	comes(TO_PEER, ETH0);
	examples_relayed(&channel, TO_PEER, EPERM);
	check(false, false);
	pass(2000);
	assert_int_equal(look(), REFUSAL_HOST);
	assert_int_equal(look(), REFUSAL_NONE);
	example(TO_PEER, ETH0);
	check(true, false);
}

/* The host drops what comes in: coturn sends nothing. */
static void test_dropped_before_coturn(void **state)
{
	(void)state;
	begin(GATES_EXAMINED_V4);
	check(false, false);
	pass(1999);
	assert_int_equal(look(), REFUSAL_NONE);
	pass(1);
	assert_int_equal(look(), REFUSAL_HOST);
	assert_int_equal(look(), REFUSAL_NONE);
}

static void test_refused_while_open(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	examples_relayed(&channel, TO_PEER, EPERM);
	check(false, true);
	pass(2000);
	assert_int_equal(look(), REFUSAL_HOST);
	example(TO_PEER, ETH0);
	assert_true(comes(TO_PEER, ETH0));

	set_up(state);
	begin_open(GATES_EXAMINED_V4 | GATES_NAT_V4);
	examples_relayed(&channel, TO_CLIENT, EPERM);
	check(false, false);
	example(TO_CLIENT, ETH0);
	check(false, false);
	example(TO_PEER, ETH0);
	check(true, true);
}

static void test_other_errors(void **state)
{
	static const int errors[] = { ENETUNREACH, EAGAIN, EINTR, ENOBUFS, ECONNREFUSED, EMSGSIZE };

	for (size_t i = 0; i < COUNT(errors); i++) {
		set_up(state);
		begin(GATES_EXAMINED_V4);
		comes(TO_PEER, ETH0);
		examples_relayed(&channel, TO_PEER, errors[i]);
		check(false, false);
		example(TO_PEER, ETH0);
		examples_relayed(&channel, TO_PEER, errors[i]);
		check(true, false);
	}
}

/* ---- samples ---- */

static void test_sample(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	traffic(PERIOD / 1000 - 1);
	assert_false(is_sampling());
	check(true, true);
	pass(1000);
	assert_int_equal(look(), REFUSAL_NONE);
	assert_true(is_sampling());
	/* One packet goes up, and those after it do not wait for coturn. */
	check(false, false);
	check(true, true);
	assert_true(host.gate[SLOT_TO_PEER] & GATE_ASK);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	assert_false(is_sampling());
	assert_false(host.gate[SLOT_TO_PEER] & GATE_ASK);
	check(true, true);
	/* The next one is due after another period. */
	traffic(PERIOD / 1000 - 1);
	check(true, true);
	pass(1000);
	look();
	check(false, false);
}

/* The first samples of many channels spread over a period, which may be short. */
static void test_first_sample(void **state)
{
	static const struct {
		uint64_t period;
		unsigned int wanted; /* after so many seconds */
	} cases[] = {
		{ PERIOD, 13 },
		{ 1, 1 },
		{ 0, 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned int seconds = 0;

		set_up(state);
		examples_set_period(cases[i].period);
		chance = 7000;
		begin_open(GATES_EXAMINED_V4);
		while (!is_sampling() && seconds < 60) {
			traffic(1);
			seconds++;
		}
		assert_int_equal(seconds, cases[i].wanted);
	}
}

/* What coturn sends before the sample has gone up is not the sample. */
static void test_sample_not_gone(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_host_changed(GATES_EXAMINED_V4);
	look();
	examples_relayed(&channel, TO_PEER, 0);
	assert_true(is_sampling());
	pass(10000);
	look();
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	check(true, true);
}

static void test_sample_lost(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_host_changed(GATES_EXAMINED_V4);
	look();
	assert_false(comes(TO_PEER, ETH0));
	assert_int_equal(examples_look(&channel, false), REFUSAL_NONE);
	pass(249);
	examples_look(&channel, false);
	assert_true(comes(TO_PEER, ETH0));
	pass(1);
	examples_look(&channel, false);
	assert_false(comes(TO_PEER, ETH0));
	pass(2000);
	assert_int_equal(look(), REFUSAL_HOST);
	/* The other direction's sample is still to come. */
	assert_false(comes(TO_CLIENT, ETH0));
	assert_true(comes(TO_CLIENT, ETH0));
	example(TO_PEER, ETH0);
	assert_true(comes(TO_PEER, ETH0));
}

static void test_sample_lost_translated(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4 | GATES_NAT_V4);
	gates_host_changed(GATES_EXAMINED_V4 | GATES_NAT_V4);
	look();
	check(false, false);
	examples_relayed(&channel, TO_CLIENT, 0);
	look();
	pass(250);
	look();
	check(false, false);
	example(TO_PEER, ETH0);
	check(false, false);
	example(TO_CLIENT, ETH0);
	check(true, true);
}

static void test_sample_refused(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_host_changed(GATES_EXAMINED_V4);
	look();
	assert_false(comes(TO_PEER, ETH0));
	examples_relayed(&channel, TO_PEER, EPERM);
	assert_false(comes(TO_PEER, ETH0));
	assert_false(comes(TO_PEER, ETH0));
}

/* A look soon after the gate has opened does not take the flow for idle, so that the first samples stay spread. */
static void test_not_idle_yet(void **state)
{
	(void)state;
	chance = 5000;
	begin(GATES_EXAMINED_V4);
	example(TO_PEER, ETH0);
	example(TO_CLIENT, ETH0);
	pass(100);
	look();
	assert_false(is_sampling());
	pass(1000);
	look();
	assert_true(is_sampling());
}

static void test_idle(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	look();
	pass(999);
	look();
	assert_false(is_sampling());
	pass(1);
	examples_look(&channel, false);
	assert_false(is_sampling());
	look();
	assert_true(is_sampling());
	/* It waits for the next packet, however long that takes. */
	for (int i = 0; i < 100; i++) {
		pass(1000);
		assert_int_equal(look(), REFUSAL_NONE);
	}
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	check(true, true);
	assert_false(is_sampling());
}

/* ---- what happens on the host ---- */

static void test_epoch(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_next_epoch();
	/* All gates are closed at once, and the example of before does not count. */
	check(false, false);
	examples_look(&channel, false);
	check(false, false);
	pass(49);
	examples_relayed(&channel, TO_PEER, 0);
	check(false, false);
	pass(1);
	example(TO_PEER, ETH0);
	check(true, false);
	example(TO_CLIENT, ETH0);
	check(true, true);
}

/* coturn sends before the channel is looked at: what it has sent came in before the change. */
static void test_epoch_found_by_packet(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_next_epoch();
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	check(false, false);
	pass(50);
	example(TO_PEER, ETH0);
	check(true, false);
}

static void test_free_host(void **state)
{
	(void)state;
	begin(0);
	check(true, true);
	assert_true(comes(TO_PEER, ETH1));
	assert_false(comes(TO_PEER, HAIRPIN));
	/* Nothing is asked for there. */
	pass(100000);
	assert_int_equal(look(), REFUSAL_NONE);
	examples_relayed(&channel, TO_PEER, EPERM);
	check(true, true);
	assert_false(is_sampling());
}

static void test_free_and_examined(void **state)
{
	(void)state;
	begin(0);
	gates_host_changed(GATES_EXAMINED_V4);
	check(false, false);
	look();
	check(false, false);
	pass(50);
	example(TO_PEER, ETH0);
	example(TO_CLIENT, ETH0);
	check(true, true);
	assert_false(comes(TO_PEER, ETH1));
	gates_host_changed(0);
	look();
	check(true, true);
	assert_true(comes(TO_PEER, ETH1));
	gates_host_changed(GATES_EXAMINED_V4);
	assert_false(comes(TO_PEER, ETH1));
	check(false, false);
}

/* A sample that is on its way does not matter on a host that is free. */
static void test_free_while_sampling(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	gates_host_changed(GATES_EXAMINED_V4);
	look();
	gates_host_changed(0);
	look();
	assert_false(is_sampling());
	assert_int_equal(host.note[SLOT_TO_PEER].sample, 0);
	check(true, true);
	pass(1000);
	look();
	check(true, true);
}

/* The other family's flags change nothing; what is asked for again is sampled. */
static void test_asked_again(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4 | GATES_EXAMINED_V6);
	gates_host_changed(GATES_EXAMINED_V4);
	check(true, true);
	look();
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	check(true, true);
}

static void test_free_next_hop(void **state)
{
	(void)state;
	host.hop[HOP_TO_CLIENT] = (struct hop_facts){ 0 };
	begin(0);
	check(false, true);
	/* The program looks at the next hop itself. */
	host.hop[HOP_TO_CLIENT].ifindex = 10;
	check(true, true);
	assert_true(host.gate[SLOT_TO_PEER] & GATE_ASK);
	look();
	assert_false(host.gate[SLOT_TO_PEER] & GATE_ASK);
	check(true, true);
	assert_false(comes(TO_PEER, HAIRPIN));
	host.hop[HOP_TO_CLIENT] = (struct hop_facts){ .local = true };
	host.generation++;
	look();
	check(false, true);
	assert_true(comes(TO_PEER, HAIRPIN));
}

/*
 * The next hop back may never be resolved, as by a VLAN that maps priorities. Its route says all the same that packets come by a
 * device.
 */
static void test_next_hop_back_cannot_be_followed(void **state)
{
	(void)state;
	host.hop[HOP_TO_CLIENT] = (struct hop_facts){ 0 };
	begin(0);
	check(false, true);
	host.leaves[HOP_TO_CLIENT] = true;
	look();
	check(true, true);
	assert_false(comes(TO_PEER, HAIRPIN));

	set_up(state);
	host.hop[HOP_TO_CLIENT] = (struct hop_facts){ 0 };
	begin(GATES_EXAMINED_V4);
	example(TO_PEER, ETH0);
	check(false, false);
	host.leaves[HOP_TO_CLIENT] = true;
	example(TO_PEER, ETH0);
	check(true, false);
}

static void test_next_hop_moves(void **state)
{
	static const struct {
		const char *name;
		struct hop_facts peer, client;
		bool generation, closes;
	} cases[] = {
		{ "nothing", { .ifindex = 20 }, { .ifindex = 10 }, true, false },
		{ "to the peer by another device", { .ifindex = 21 }, { .ifindex = 10 }, true, true },
		{ "to the client by another device", { .ifindex = 20 }, { .ifindex = 11 }, true, true },
		{ "the client is on this host", { .ifindex = 20 }, { .local = true }, true, true },
		{ "not resolved", { 0 }, { 0 }, true, false },
		{ "not told yet", { .ifindex = 21 }, { .ifindex = 11 }, false, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].name);
		set_up(state);
		begin_open(GATES_EXAMINED_V4);
		host.hop[HOP_TO_PEER] = cases[i].peer;
		host.hop[HOP_TO_CLIENT] = cases[i].client;
		host.generation += cases[i].generation;
		look();
		check(!cases[i].closes, !cases[i].closes);
	}
}

static void test_next_hop_leaves_this_host(void **state)
{
	(void)state;
	host.hop[HOP_TO_PEER] = (struct hop_facts){ .local = true };
	begin(GATES_EXAMINED_V4);
	examples_relayed(&channel, TO_CLIENT, 0);
	assert_true(comes(TO_CLIENT, HAIRPIN));
	host.hop[HOP_TO_PEER] = (struct hop_facts){ 0 };
	host.leaves[HOP_TO_PEER] = true;
	host.generation++;
	look();
	assert_false(comes(TO_CLIENT, HAIRPIN));
	host.hop[HOP_TO_PEER] = (struct hop_facts){ .ifindex = 20 };
	none_seen(TO_CLIENT);
	pass(50);
	example(TO_CLIENT, ETH0);
	assert_true(comes(TO_CLIENT, ETH0));
}

static void test_moves_to_another_device(void **state)
{
	(void)state;
	begin_open(GATES_EXAMINED_V4);
	look();
	/* Both devices have packets: the example of the first holds. */
	assert_false(comes(TO_PEER, ETH1));
	check(true, true);
	pass(1000);
	look();
	check(true, true);
	pass(1000);
	look();
	assert_false(comes(TO_PEER, ETH1));
	/* Now only the second has. */
	pass(1000);
	look();
	assert_int_equal(host.gate[SLOT_TO_PEER], 0);
	pass(50);
	example(TO_PEER, ETH1);
	assert_true(comes(TO_PEER, ETH1));
	assert_false(comes(TO_PEER, ETH0));
}

/* A packet by another device, before the last example, says nothing of a pause after it. */
static void test_older_packets_of_another_device(void **state)
{
	(void)state;
	begin(GATES_EXAMINED_V4 | GATES_NAT_V4);
	example(TO_PEER, ETH0);
	assert_false(comes(TO_PEER, ETH1));
	example(TO_CLIENT, ETH0);
	look();
	pass(1000);
	look();
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	check(true, true);

	assert_false(comes(TO_PEER, ETH1));
	gates_host_changed(GATES_EXAMINED_V4 | GATES_NAT_V4);
	look();
	check(false, false);
	examples_relayed(&channel, TO_PEER, 0);
	examples_relayed(&channel, TO_CLIENT, 0);
	look();
	pass(500);
	look();
	check(true, true);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_one_place),
		TEST(test_several_places),
		TEST(test_no_place),
		TEST(test_translated_needs_both),
		TEST(test_hairpin),
		TEST(test_families),
		TEST(test_refused_while_closed),
		TEST(test_dropped_before_coturn),
		TEST(test_refused_while_open),
		TEST(test_other_errors),
		TEST(test_sample),
		TEST(test_first_sample),
		TEST(test_sample_not_gone),
		TEST(test_sample_lost),
		TEST(test_sample_lost_translated),
		TEST(test_sample_refused),
		TEST(test_not_idle_yet),
		TEST(test_idle),
		TEST(test_epoch),
		TEST(test_epoch_found_by_packet),
		TEST(test_free_host),
		TEST(test_free_and_examined),
		TEST(test_free_while_sampling),
		TEST(test_asked_again),
		TEST(test_free_next_hop),
		TEST(test_next_hop_back_cannot_be_followed),
		TEST(test_next_hop_moves),
		TEST(test_next_hop_leaves_this_host),
		TEST(test_moves_to_another_device),
		TEST(test_older_packets_of_another_device),
	};

	return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
