/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/slots.h"

#include <errno.h>
#include <string.h>

#include "table/gates.h"

/* Stands for no interface in a slot. Indices are positive ints, and the program stops at a 0. */
#define SLOT_FREE UINT32_MAX

static struct {
	struct attachment *entries;
	unsigned int used;
	uint32_t places_used; /* places of gates that were ever used */
	struct carrier carrier[ABI_PORTS];
} slots;

void slots_open(struct attachment *entries)
{
	slots.entries = entries;
	slots.used = 0;
	slots.places_used = 0;
	memset(entries, 0, ABI_PORTS * sizeof(*entries));
}

void slots_close(void)
{
	slots.used = 0;
}

unsigned int slots_used(void)
{
	return slots.used;
}

struct attachment *slots_entry(unsigned int slot)
{
	return &slots.entries[slot];
}

struct carrier *slots_carrier(unsigned int slot)
{
	return &slots.carrier[slot];
}

int slots_find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < slots.used; i++) {
		if (slots.entries[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

bool slots_is_device(unsigned int slot)
{
	return slots.entries[slot].ifindex != SLOT_FREE && slots.carrier[slot].link != LINK_ALIAS;
}

int slots_find_device(uint32_t ifindex)
{
	int slot = slots_find(ifindex);

	return slot >= 0 && slots_is_device((unsigned int)slot) ? slot : -1;
}

int slots_find_free(void)
{
	int slot = slots_find(SLOT_FREE);

	if (slot < 0 && slots.used < ABI_PORTS)
		return (int)slots.used;
	return slot < 0 ? -EUSERS : slot;
}

/* The place for the gate of one more device: a bit. 0 if all devices that are possible carry the program. */
static uint32_t find_place(void)
{
	uint32_t taken = 0, unused;

	for (unsigned int i = 0; i < slots.used; i++) {
		if (slots_is_device(i))
			taken |= gates_place(&slots.entries[i].gate);
	}
	/* A place that no device has had needs no other epoch, which would close the gates of all flows. */
	unused = GATE_DEVICES & ~(taken | slots.places_used);
	if (!unused)
		unused = GATE_DEVICES & ~taken;
	return unused & -unused;
}

int slots_find_room(uint32_t ifindex)
{
	if (slots_find(ifindex) >= 0)
		return -EEXIST;
	return find_place() ? slots_find_free() : -EUSERS;
}

/* The program reads a slot only once it has an ifindex, so that is written last. */
void slots_publish(unsigned int slot, uint32_t ifindex, const struct attachment *entry,
		   const struct carrier *carrier)
{
	struct attachment *to = &slots.entries[slot];

	slots.carrier[slot] = *carrier;
	to->device = entry->device;
	memcpy(to->mac, entry->mac, sizeof(to->mac));
	to->generic = entry->generic;
	gates_place_put(&to->gate, gates_place(&entry->gate));
	to->seen = to->no_room = 0;
	__atomic_store_n(&to->ifindex, ifindex, __ATOMIC_RELEASE);
	if (slot == slots.used)
		slots.used++;
}

void slots_publish_device(unsigned int slot, const struct link *device, bool generic, const struct carrier *carrier)
{
	uint32_t place = find_place();
	/* Until attachment_follow_verified knows better. */
	struct attachment entry = { .device = device->ifindex,
				    .generic = generic ? GENERIC_SKB | GENERIC_VERIFIED : 0,
				    .gate.mask = place };

	/* What was seen to come in from the place came in by another device. */
	if (slots.places_used & place)
		gates_next_epoch();
	slots.places_used |= place;
	memcpy(entry.mac, device->mac, sizeof(entry.mac));
	slots_publish(slot, device->ifindex, &entry, carrier);
}

void slots_withdraw(unsigned int slot)
{
	__atomic_store_n(&slots.entries[slot].ifindex, SLOT_FREE, __ATOMIC_RELEASE);
}

bool slots_is_alias_of(unsigned int slot, uint32_t device)
{
	return slots.carrier[slot].link == LINK_ALIAS && slots.entries[slot].ifindex != SLOT_FREE &&
	       slots.carrier[slot].alias_of == device;
}
