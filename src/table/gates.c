/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/gates.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Where the number of examples that were asked for stands in the state: between the flags and the epoch. */
#define ASKED_SHIFT 4
#define ASKED_MAX ((1u << (GATE_EPOCH_SHIFT - ASKED_SHIFT)) - 1)

static struct {
	struct attachment *attachments;
	struct gate *hairpin;
	gates_state state;
	int listeners[ABI_OWNERS]; /* descriptors, and one; 0: nobody. Each is written once */
} gates;

static void tell_listeners(void)
{
	static const uint64_t one = 1;

	for (unsigned int i = 0; i < ABI_OWNERS; i++) {
		int listener = __atomic_load_n(&gates.listeners[i], __ATOMIC_ACQUIRE);

		while (listener && write(listener - 1, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
}

int gates_listen(void)
{
	int listener = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (listener < 0)
		return -errno;
	for (unsigned int i = 0; i < ABI_OWNERS; i++) {
		int nobody = 0;

		if (__atomic_compare_exchange_n(&gates.listeners[i], &nobody, listener + 1, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return listener;
	}
	close(listener);
	return -EUSERS;
}

static void put_state(uint32_t epoch, uint32_t asked, uint32_t host)
{
	__atomic_store_n(&gates.state, epoch << GATE_EPOCH_SHIFT | (asked & ASKED_MAX) << ASKED_SHIFT | host,
			 __ATOMIC_RELEASE);
	tell_listeners();
}

static uint32_t epoch_of(gates_state state)
{
	return state >> GATE_EPOCH_SHIFT;
}

static uint32_t asked_of(gates_state state)
{
	return state >> ASKED_SHIFT & ASKED_MAX;
}

static void put_gate(struct gate *gate, uint32_t epoch, uint32_t place)
{
	__atomic_store_n(&gate->gate, epoch << GATE_EPOCH_SHIFT | place, __ATOMIC_RELAXED);
	__atomic_store_n(&gate->mask, GATE_EPOCH_MAX << GATE_EPOCH_SHIFT | GATE_ASK | place, __ATOMIC_RELAXED);
}

uint32_t gates_place(const struct gate *gate)
{
	return gate->mask & GATE_DEVICES;
}

void gates_place_put(struct gate *gate, uint32_t place)
{
	put_gate(gate, epoch_of(gates.state), place & GATE_DEVICES);
}

static void begin_epoch(uint32_t epoch, uint32_t asked, uint32_t host)
{
	if (gates.attachments) {
		for (unsigned int i = 0; i < ABI_PORTS; i++)
			put_gate(&gates.attachments[i].gate, epoch, gates_place(&gates.attachments[i].gate));
		put_gate(gates.hairpin, epoch, GATE_HAIRPIN);
	}
	put_state(epoch, asked, host);
}

void gates_open(struct attachment *attachments, struct gate *hairpin)
{
	gates.attachments = attachments;
	gates.hairpin = hairpin;
	begin_epoch(1, 0, 0);
}

void gates_close(void)
{
	gates.attachments = NULL;
	gates.hairpin = NULL;
}

gates_state gates_now(void)
{
	return __atomic_load_n(&gates.state, __ATOMIC_ACQUIRE);
}

static void next_epoch(uint32_t host)
{
	uint32_t epoch = epoch_of(gates.state);

	begin_epoch(epoch < GATE_EPOCH_MAX ? epoch + 1 : 1, asked_of(gates.state), host);
}

void gates_next_epoch(void)
{
	next_epoch(gates_host(gates.state));
}

void gates_host_changed(uint32_t host)
{
	if (host & ~gates_host(gates.state))
		next_epoch(host);
	else
		put_state(epoch_of(gates.state), asked_of(gates.state) + 1, host);
}
