/* SPDX-License-Identifier: BSD-3-Clause */
#include "channel/examples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "route/nexthop.h"
#include "table/maps.h"

/*
 * After the gates were closed, an example counts only after so long, because coturn may still
 * have packets in its sockets that came in before something on the host changed.
 */
#define REST_MS 50
/* A sample that went up and was not sent on after so long was refused by the host. */
#define SAMPLE_MS 250
/* A flow that carried nothing for a second is asked for a sample, but not more often than this. */
#define IDLE_MS 1000
/* After so long a reason is given why there is no example. */
#define PATIENCE_MS 2000
/* So many packets that coturn has sent say that the flow's key is not what comes in. */
#define PATIENCE_PACKETS 2

static uint64_t most_ms = 20000;

void examples_set_period(uint64_t period_ms)
{
	__atomic_store_n(&most_ms, period_ms, __ATOMIC_RELAXED);
}

static uint64_t period(void)
{
	return __atomic_load_n(&most_ms, __ATOMIC_RELAXED);
}

static bool examined(const struct examples *examples)
{
	return examples->state & examples->families & (GATES_EXAMINED_V4 | GATES_EXAMINED_V6);
}

static bool translated(const struct examples *examples)
{
	return examples->state & examples->families & (GATES_NAT_V4 | GATES_NAT_V6);
}

/* Where the packets of a direction come from is where those of the other direction go. */
static uint32_t back_of(const struct examples *examples, unsigned int which)
{
	return examples->direction[!which].hop;
}

/* Where the packets of a direction come from. */
enum origin {
	ORIGIN_UNKNOWN,
	ORIGIN_HERE, /* this host itself */
	ORIGIN_DEVICES,
};

/* What the route back to their sender says. The XDP program may not be able to follow it, and yet get them. */
static enum origin origin_of(const struct examples *examples, unsigned int which)
{
	uint32_t hop = back_of(examples, which);
	struct hop_facts back;

	maps_hop_facts(hop, &back);
	if (back.local)
		return ORIGIN_HERE;
	return back.ifindex || nexthop_leaves(hop) ? ORIGIN_DEVICES : ORIGIN_UNKNOWN;
}

/* ---- the gate of one direction ---- */

static void sample_put(const struct example *example, bool wanted)
{
	__atomic_store_n(&maps_note(example->slot)->sample, wanted, __ATOMIC_RELAXED);
}

/* Whether the sample that was asked for has not gone up yet. */
static bool sample_waits(const struct example *example)
{
	return __atomic_load_n(&maps_note(example->slot)->sample, __ATOMIC_RELAXED);
}

/* The places from which packets went up since seen_forget(). */
static uint32_t seen_get(const struct example *example)
{
	const struct flow_note *note = maps_note(example->slot);

	return __atomic_load_n(&note->seen, __ATOMIC_RELAXED) |
	       (__atomic_load_n(&note->seen_hairpin, __ATOMIC_RELAXED) ? GATE_HAIRPIN : 0);
}

static void seen_forget(const struct example *example)
{
	struct flow_note *note = maps_note(example->slot);

	__atomic_store_n(&note->seen, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&note->seen_hairpin, 0, __ATOMIC_RELAXED);
}

/* Packets go up, and an example is wanted, which counts after `rest_ms`. */
static void want(struct example *example, uint64_t now, uint64_t rest_ms)
{
	maps_gate_put(example->slot, 0);
	sample_put(example, false);
	seen_forget(example);
	example->open = example->sampling = false;
	example->place = example->relayed = example->refused = 0;
	example->wanted_ms = now;
	example->rest_until_ms = now + rest_ms;
}

static void open_to(struct example *example, gates_state state, uint32_t places)
{
	maps_gate_put(example->slot, gates_gate(state, places));
	example->open = true;
}

/* Asks for a sample: the program finds that the gate fits no place, and looks at the note. */
static void sample(struct example *example, uint64_t now)
{
	sample_put(example, true);
	maps_gate_put(example->slot, maps_gate(example->slot) | GATE_ASK);
	example->sampling = true;
	example->gone_ms = 0;
	example->sampled_ms = now;
}

/* The host has relayed the sample, or some other packet after it. */
static void sample_answered(struct example *example, uint64_t now)
{
	seen_forget(example);
	maps_gate_put(example->slot, maps_gate(example->slot) & ~GATE_ASK);
	example->sampling = false;
	example->sampled_ms = now;
}

/* ---- a host on which nothing stands in the way ---- */

/*
 * Only a packet's place is checked there: packets of this host itself come by the hairpin, and all others by a
 * device. While it is not known which, the program looks at the next hop back for each packet.
 */
static void open_free(struct examples *examples, unsigned int which)
{
	struct example *example = &examples->direction[which];
	enum origin origin = origin_of(examples, which);

	if (origin != ORIGIN_UNKNOWN) {
		open_to(example, examples->state, origin == ORIGIN_HERE ? GATE_HAIRPIN : GATE_DEVICES);
		return;
	}
	maps_gate_put(example->slot, gates_gate(examples->state, GATE_PLACES) | GATE_ASK);
	example->open = false;
}

/* ---- both directions ---- */

/*
 * The host has refused a packet of a direction that was open. Where addresses are translated, the other direction
 * needs a new example too.
 */
static void refuse(struct examples *examples, unsigned int which, uint64_t now)
{
	for (unsigned int i = 0; i < DIRECTIONS; i++) {
		if (i == which || translated(examples))
			want(&examples->direction[i], now, 0);
	}
	examples->direction[which].refused = 1;
}

static void begin(struct examples *examples, uint64_t now, uint64_t rest_ms)
{
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		if (examined(examples)) {
			want(&examples->direction[which], now, rest_ms);
		} else {
			examples->direction[which].sampling = false;
			sample_put(&examples->direction[which], false);
			open_free(examples, which);
		}
	}
}

static uint32_t flags_of(int family)
{
	return family == AF_INET6 ? GATES_EXAMINED_V6 | GATES_NAT_V6 : GATES_EXAMINED_V4 | GATES_NAT_V4;
}

void examples_begin(struct examples *examples, const uint32_t slot[DIRECTIONS], const uint32_t hop[DIRECTIONS],
		    const int family[DIRECTIONS])
{
	uint64_t now = clock_coarse_ms();

	memset(examples, 0, sizeof(*examples));
	examples->state = gates_now();
	examples->generation = nexthop_generation();
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		examples->direction[which].slot = slot[which];
		examples->direction[which].hop = hop[which];
		examples->families |= flags_of(family[which]);
	}
	for (unsigned int which = 0; which < DIRECTIONS; which++)
		__atomic_store_n(&maps_note(slot[which])->back, back_of(examples, which), __ATOMIC_RELAXED);
	begin(examples, now, 0);
}

/* Takes note of what has happened on the host, if anything has. */
static void catch_up(struct examples *examples, uint64_t now)
{
	struct examples before = *examples;
	gates_state state = gates_now();

	if (state == before.state)
		return;
	examples->state = state;
	if (!gates_same_epoch(state, before.state) || examined(examples) != examined(&before) ||
	    translated(examples) != translated(&before)) {
		begin(examples, now, REST_MS);
		return;
	}
	for (unsigned int which = 0; which < DIRECTIONS && examined(examples); which++) {
		if (examples->direction[which].open)
			sample(&examples->direction[which], now);
	}
}

/* Opens what has had its example. Where addresses are translated, both directions must have had one. */
static void open_all(struct examples *examples, uint64_t now)
{
	struct example *direction = examples->direction;
	struct hop_facts facts;

	if (translated(examples) && !(direction[TO_PEER].place && direction[TO_CLIENT].place))
		return;
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		struct example *example = &direction[which];

		if (!example->place || example->open)
			continue;
		maps_hop_facts(example->hop, &facts);
		example->ifindex = facts.ifindex;
		/* The first sample comes earlier, so that the samples of channels that open together spread. */
		example->sampled_ms = now - (uint64_t)random() % (period() + 1);
		/* A value that it does not have, so that the first look does not take the flow for idle. */
		example->usage = ~maps_flow_usage(example->slot);
		seen_forget(example);
		open_to(example, examples->state, example->place);
	}
}

/*
 * coturn has sent a packet of a direction that wants an example: where has it come from? If packets came in by
 * several devices, it is not known which of them the host has let through.
 */
static void take_example(struct examples *examples, unsigned int which, uint64_t now)
{
	struct example *example = &examples->direction[which];
	enum origin origin = origin_of(examples, which);
	uint32_t seen = seen_get(example);

	if (now < example->rest_until_ms || origin == ORIGIN_UNKNOWN)
		return;
	if (origin == ORIGIN_HERE) {
		example->place = GATE_HAIRPIN;
	} else if (seen & (seen - 1)) {
		seen_forget(example);
		example->rest_until_ms = now + REST_MS;
		return;
	} else {
		example->place = seen & GATE_DEVICES;
	}
	open_all(examples, now);
}

void examples_relayed(struct examples *examples, unsigned int which, int error)
{
	struct example *example = &examples->direction[which];
	uint64_t now = clock_coarse_ms();

	catch_up(examples, now);
	if (!examined(examples))
		return;
	if (error) {
		/* Other errors are of the network, or of coturn's socket. */
		if (error != EPERM)
			return;
		if (example->open)
			refuse(examples, which, now);
		else
			example->refused++;
		return;
	}
	example->relayed++;
	if (example->open && example->sampling && !sample_waits(example))
		sample_answered(example, now);
	else if (!example->open && !example->place)
		take_example(examples, which, now);
}

/* ---- what is done every second ---- */

/* The example of an open flow was of another route. */
static bool has_moved(const struct examples *examples, unsigned int which)
{
	const struct example *example = &examples->direction[which];
	enum origin origin = origin_of(examples, which);
	struct hop_facts facts;

	if (!example->open)
		return false;
	maps_hop_facts(example->hop, &facts);
	return (facts.ifindex && example->ifindex && facts.ifindex != example->ifindex) ||
	       (origin == ORIGIN_HERE && example->place != GATE_HAIRPIN) ||
	       (origin == ORIGIN_DEVICES && example->place == GATE_HAIRPIN);
}

static void look_at_hops(struct examples *examples, uint64_t now)
{
	uint32_t generation = nexthop_generation();
	bool changed = generation != examples->generation;

	examples->generation = generation;
	if (!examined(examples)) {
		for (unsigned int which = 0; which < DIRECTIONS; which++) {
			if (changed || !examples->direction[which].open)
				open_free(examples, which);
		}
	} else if (changed && (has_moved(examples, TO_PEER) || has_moved(examples, TO_CLIENT))) {
		begin(examples, now, REST_MS);
	}
}

/* Whether a sample went up some time ago, and coturn has not sent it since. */
static bool sample_failed(struct example *example, uint64_t now)
{
	if (!example->sampling || sample_waits(example))
		return false;
	if (!example->gone_ms)
		example->gone_ms = now;
	return now - example->gone_ms >= SAMPLE_MS;
}

/*
 * A sample is asked for in time for connection tracking. After a pause the next packet is one, so that a flow
 * with few packets is relayed as without the offload.
 */
static void look_at_open(struct example *example, uint64_t now)
{
	uint64_t usage = maps_flow_usage(example->slot);
	bool idle = usage == example->usage;

	example->usage = usage;
	/* Packets come in by another device, and by this one no more. */
	if (idle && seen_get(example) & ~example->place)
		want(example, now, REST_MS);
	else if (now - example->sampled_ms >= (idle ? IDLE_MS : period()))
		sample(example, now);
}

static enum refusal reason_of(const struct examples *examples, unsigned int which, uint64_t now)
{
	const struct example *example = &examples->direction[which];
	uint32_t seen = seen_get(example);

	if (example->open || now - example->wanted_ms < PATIENCE_MS)
		return REFUSAL_NONE;
	if (example->refused || (seen && !example->relayed))
		return REFUSAL_HOST;
	if (example->place)
		return REFUSAL_ONE_WAY;
	if (!seen && example->relayed >= PATIENCE_PACKETS)
		return translated(examples) ? REFUSAL_TRANSLATED : REFUSAL_UNSEEN;
	return REFUSAL_NONE;
}

static enum refusal new_reason(struct examples *examples, uint64_t now)
{
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		enum refusal refusal = reason_of(examples, which, now);

		if (refusal != REFUSAL_NONE && !(examples->told >> refusal & 1)) {
			examples->told |= 1u << refusal;
			return refusal;
		}
	}
	return REFUSAL_NONE;
}

void examples_fetch(const struct examples *examples)
{
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		__builtin_prefetch(&examples->direction[which].open);
		if (examined(examples))
			maps_note_fetch(examples->direction[which].slot);
	}
}

/* Whether there is nothing to do for a channel of a host on which nothing stands in the way. */
static bool at_rest(const struct examples *examples)
{
	return examples->state == gates_now() && examples->generation == nexthop_generation() && !examined(examples) &&
	       examples->direction[TO_PEER].open && examples->direction[TO_CLIENT].open;
}

enum refusal examples_look(struct examples *examples, bool second)
{
	uint64_t now;

	if (at_rest(examples))
		return REFUSAL_NONE;
	now = clock_coarse_ms();
	catch_up(examples, now);
	look_at_hops(examples, now);
	if (!examined(examples))
		return REFUSAL_NONE;
	for (unsigned int which = 0; which < DIRECTIONS; which++) {
		struct example *example = &examples->direction[which];

		if (sample_failed(example, now)) {
			refuse(examples, which, now);
		} else if (second && example->open && !example->sampling) {
			look_at_open(example, now);
		}
	}
	return second ? new_reason(examples, now) : REFUSAL_NONE;
}
