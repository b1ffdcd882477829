/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "iface/driver.h"
#include "iface/give_back.h"
#include "iface/verified.h"
#include "netlink/device.h"
#include "netlink/link_change.h"
#include "table/gates.h"

/* Stands for no interface in a slot. Indices are positive ints, and the program stops at a 0. */
#define SLOT_FREE UINT32_MAX

/* What stands for a link. */
enum { LINK_DISPATCHER = -1,
       LINK_ALIAS = -2 };

/* What the program does not know of a device that carries it. */
struct carrier {
	int link;            /* LINK_DISPATCHER: attached through libxdp's dispatcher; LINK_ALIAS: an alias, and the rest is 0 */
	uint32_t mtu;        /* the largest at which the driver has taken the program */
	uint32_t detach_mtu; /* driver_detach_mtu */
	bool alone;          /* attachment_set_alone */
};

static struct {
	struct attachment_programs programs;
	struct attachment *slots;
	dispatcher_copy copy;
	unsigned int used;    /* slots that were ever used are the first ones */
	uint32_t places_used; /* places of gates that were ever used */
	struct carrier carrier[ABI_PORTS];
	uint32_t alias_of[ABI_PORTS]; /* the device of an alias */
} attachments;

void attachment_open(const struct attachment_programs *programs, struct attachment *slots, dispatcher_copy copy)
{
	attachments.programs = *programs;
	attachments.slots = slots;
	attachments.copy = copy;
	attachments.used = 0;
	attachments.places_used = 0;
	memset(slots, 0, ABI_PORTS * sizeof(*slots));
}

void attachment_close(void)
{
	for (unsigned int i = 0; i < attachments.used; i++)
		attachment_detach(attachments.slots[i].ifindex);
	attachments.used = 0;
}

/* The slot of an interface, whether it is a device or an alias. */
static int find_entry(uint32_t ifindex)
{
	for (unsigned int i = 0; i < attachments.used; i++) {
		if (attachments.slots[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

static bool is_device(unsigned int slot)
{
	return attachments.slots[slot].ifindex != SLOT_FREE && attachments.carrier[slot].link != LINK_ALIAS;
}

/* The slot of a device that carries the program. */
static int find(uint32_t ifindex)
{
	int slot = find_entry(ifindex);

	return slot >= 0 && is_device((unsigned int)slot) ? slot : -1;
}

/* A slot for one more interface, or -EUSERS. */
static int find_free(void)
{
	int slot = find_entry(SLOT_FREE);

	if (slot < 0 && attachments.used < ABI_PORTS)
		return (int)attachments.used;
	return slot < 0 ? -EUSERS : slot;
}

/* The place for the gate of one more device: a bit. 0 if all devices that are possible carry the program. */
static uint32_t find_place(void)
{
	uint32_t taken = 0, unused;

	for (unsigned int i = 0; i < attachments.used; i++) {
		if (is_device(i))
			taken |= gates_place(&attachments.slots[i].gate);
	}
	/* One that no device had spares all flows another epoch. */
	unused = GATE_DEVICES & ~(taken | attachments.places_used);
	if (!unused)
		unused = GATE_DEVICES & ~taken;
	return unused & -unused;
}

/* A slot for one more device, or -errno. */
static int find_room(uint32_t ifindex)
{
	if (find_entry(ifindex) >= 0)
		return -EEXIST;
	return find_place() ? find_free() : -EUSERS;
}

/* The program reads a slot only once it has an ifindex, so that is written last. */
static void publish(unsigned int slot, uint32_t ifindex, const struct attachment *entry,
		    const struct carrier *carrier)
{
	struct attachment *to = &attachments.slots[slot];

	attachments.carrier[slot] = *carrier;
	to->device = entry->device;
	memcpy(to->mac, entry->mac, sizeof(to->mac));
	to->generic = entry->generic;
	gates_place_put(&to->gate, gates_place(&entry->gate));
	to->seen = to->no_room = 0;
	__atomic_store_n(&to->ifindex, ifindex, __ATOMIC_RELEASE);
	if (slot == attachments.used)
		attachments.used++;
}

static void publish_device(unsigned int slot, const struct link *device, bool generic, const struct carrier *carrier)
{
	uint32_t place = find_place();
	/* Until attachment_follow_verified knows better. */
	struct attachment entry = { .device = device->ifindex,
				    .generic = generic ? GENERIC_SKB | GENERIC_VERIFIED : 0,
				    .gate.mask = place };

	/* What was seen to come in from the place came in by another device. */
	if (attachments.places_used & place)
		gates_next_epoch();
	attachments.places_used |= place;
	memcpy(entry.mac, device->mac, sizeof(entry.mac));
	publish(slot, device->ifindex, &entry, carrier);
}

bool attachment_has_frags(void)
{
	return attachments.programs.frags >= 0;
}

static int program_for(bool frags)
{
	return frags ? attachments.programs.frags : attachments.programs.linear;
}

/*
 * Up to which MTU the driver is known to take the program: that at which it has, and no MTU is too large for a
 * program for several buffers if the driver says that it has these. No driver refuses the usual MTU.
 */
static uint32_t mtu_taken(const struct link *device, bool frags)
{
	uint64_t features;

	if (frags && !device_xdp_features(device->ifindex, &features) && features & XDP_FEATURE_RX_SG)
		return UINT32_MAX;
	return device->mtu > ETH_DATA_LEN ? device->mtu : ETH_DATA_LEN;
}

/* Generic mode and libxdp's dispatcher take frames of any size and always end. */
static struct carrier native_carrier(const struct link *device, bool frags)
{
	char driver[DEVICE_DRIVER_SIZE];
	uint32_t taken = mtu_taken(device, frags);
	uint64_t features;

	device_driver(device->name, driver);
	return (struct carrier){
		.mtu = taken,
		.detach_mtu = driver_detach_mtu(driver, !device_xdp_features(device->ifindex, &features), taken),
	};
}

int attachment_attach(const struct link *device, bool generic, bool frags)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	struct carrier carrier = { .mtu = UINT32_MAX };
	int slot = find_room(device->ifindex);

	if (slot < 0)
		return slot;
	if (!generic)
		carrier = native_carrier(device, frags);
	carrier.link = bpf_link_create(program_for(frags), (int)device->ifindex, BPF_XDP, &options);
	if (carrier.link < 0)
		return -errno;
	publish_device((unsigned int)slot, device, generic, &carrier);
	return 0;
}

void attachment_ask(const struct link *device, bool frags, char *sentence, size_t size)
{
	link_change_ask_xdp(device->ifindex, program_for(frags), sentence, size);
}

bool attachment_is_outgrown(const struct link *device)
{
	int slot = find(device->ifindex);

	return slot >= 0 && device->mtu > attachments.carrier[slot].mtu;
}

int attachment_take_frags(const struct link *device)
{
	int slot = find(device->ifindex);
	struct carrier now;

	if (slot < 0 || !attachment_has_frags())
		return -EOPNOTSUPP;
	if (bpf_link_update(attachments.carrier[slot].link, attachments.programs.frags, NULL))
		return -errno;
	now = native_carrier(device, true);
	attachments.carrier[slot].mtu = now.mtu;
	/* That of a bond is what its members take. */
	if (!device->bond)
		attachments.carrier[slot].detach_mtu = now.detach_mtu;
	return 0;
}

int attachment_join(const struct link *device, char *why, size_t size)
{
	int slot = find_room(device->ifindex), error;
	bool generic;

	if (slot == -EEXIST) {
		snprintf(why, size, "its frames are those of another device that carries the program");
		return slot;
	}
	if (slot < 0) {
		snprintf(why, size, "the program is on %d devices already, which is the most", ABI_ATTACHMENTS);
		return slot;
	}
	error = dispatcher_join(device->ifindex, attachments.copy, &generic, why, size);
	if (!error)
		publish_device((unsigned int)slot, device, generic,
			       &(struct carrier){ .link = LINK_DISPATCHER, .mtu = UINT32_MAX });
	return error;
}

static void withdraw(unsigned int slot)
{
	__atomic_store_n(&attachments.slots[slot].ifindex, SLOT_FREE, __ATOMIC_RELEASE);
}

static bool is_alias_of(unsigned int slot, uint32_t device)
{
	return attachments.carrier[slot].link == LINK_ALIAS && attachments.slots[slot].ifindex != SLOT_FREE &&
	       attachments.alias_of[slot] == device;
}

/* Closing the link of a driver that does not give the program back would leave it there for good. */
static int close_link(const struct carrier *carrier, uint32_t ifindex)
{
	struct give_back lowered = { 0 };

	if (carrier->detach_mtu && attachment_holds(ifindex) && give_back_begin(ifindex, carrier->detach_mtu, &lowered))
		return -EBUSY;
	close(carrier->link);
	give_back_end(&lowered);
	return 0;
}

int attachment_detach(uint32_t ifindex)
{
	int slot = find(ifindex), error = 0;

	if (slot < 0)
		return 0;
	if (attachments.carrier[slot].link >= 0)
		error = close_link(&attachments.carrier[slot], ifindex);
	else
		dispatcher_leave(ifindex);
	if (error)
		return error;
	for (unsigned int i = 0; i < attachments.used; i++) {
		if (is_alias_of(i, ifindex))
			withdraw(i);
	}
	withdraw((unsigned int)slot);
	return 0;
}

/*
 * A bond drops what a backup member receives, which may be copies of what another one has received. The
 * program passes it up by an entry that no next hop, no VLAN and no frame fits.
 */
static struct attachment alias_entry(const struct attachment *device, const struct link *alias)
{
	struct attachment entry = *device;

	memcpy(entry.mac, alias->mac, sizeof(entry.mac));
	if (alias->backup) {
		entry.device = 0;
		memset(entry.mac, 0, sizeof(entry.mac));
	}
	return entry;
}

static void lower_detach_mtu(struct carrier *carrier, uint32_t mtu)
{
	if (mtu && (!carrier->detach_mtu || mtu < carrier->detach_mtu))
		carrier->detach_mtu = mtu;
}

int attachment_alias_put(uint32_t device, const struct link *alias)
{
	int of = find(device), slot = find_entry(alias->ifindex);
	struct attachment entry;

	if (of < 0)
		return -ENOENT;
	if (slot >= 0 && !is_alias_of((unsigned int)slot, device))
		return -EEXIST;
	entry = alias_entry(&attachments.slots[of], alias);
	if (slot >= 0) {
		attachments.slots[slot].device = entry.device;
		memcpy(attachments.slots[slot].mac, entry.mac, sizeof(entry.mac));
		return 0;
	}
	slot = find_free();
	if (slot < 0)
		return slot;
	attachments.alias_of[slot] = device;
	/* To detach from the device takes what each of its members takes. */
	lower_detach_mtu(&attachments.carrier[of], native_carrier(alias, false).detach_mtu);
	publish((unsigned int)slot, alias->ifindex, &entry, &(struct carrier){ .link = LINK_ALIAS });
	return 0;
}

void attachment_alias_remove(uint32_t alias)
{
	int slot = find_entry(alias);

	if (slot >= 0 && attachments.carrier[slot].link == LINK_ALIAS)
		withdraw((unsigned int)slot);
}

unsigned int attachment_aliases(uint32_t device, uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attachments.used; i++) {
		if (is_alias_of(i, device))
			ifindexes[count++] = attachments.slots[i].ifindex;
	}
	return count;
}

unsigned int attachment_ports(uint32_t device, uint32_t *ifindexes)
{
	unsigned int count = attachment_aliases(device, ifindexes);

	ifindexes[count++] = device;
	return count;
}

bool attachment_knows(uint32_t ifindex)
{
	return ifindex && find_entry(ifindex) >= 0;
}

bool attachment_take_seen(uint32_t ifindex, uint32_t *no_room)
{
	int slot = find_entry(ifindex);

	*no_room = 0;
	if (slot < 0)
		return false;
	*no_room = __atomic_load_n(&attachments.slots[slot].no_room, __ATOMIC_RELAXED);
	return __atomic_exchange_n(&attachments.slots[slot].seen, 0, __ATOMIC_RELAXED);
}

enum attachment_state attachment_state(uint32_t ifindex)
{
	int slot = find(ifindex);

	if (slot < 0)
		return ATTACHMENT_NONE;
	return attachments.slots[slot].generic ? ATTACHMENT_GENERIC : ATTACHMENT_NATIVE;
}

bool attachment_is_dispatched(uint32_t ifindex)
{
	int slot = find(ifindex);

	return slot >= 0 && attachments.carrier[slot].link == LINK_DISPATCHER;
}

unsigned int attachment_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attachments.used; i++) {
		if (is_device(i))
			ifindexes[count++] = attachments.slots[i].ifindex;
	}
	return count;
}

bool attachment_holds(uint32_t ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	int slot = find(ifindex);

	if (slot < 0)
		return false;
	if (attachments.carrier[slot].link == LINK_DISPATCHER)
		return dispatcher_holds(ifindex);
	/* The kernel sets a link's ifindex to 0 when its device is gone or the link was detached. */
	return bpf_obj_get_info_by_fd(attachments.carrier[slot].link, &info, &size) || info.xdp.ifindex == ifindex;
}

void attachment_readdress(const struct link *device)
{
	int slot = find(device->ifindex);

	if (slot >= 0)
		memcpy(attachments.slots[slot].mac, device->mac, sizeof(attachments.slots[slot].mac));
}

void attachment_follow_verified(const struct links *links)
{
	for (unsigned int i = 0; i < attachments.used; i++) {
		struct attachment *slot = &attachments.slots[i];
		const struct link *device = links_find(links, slot->ifindex);

		if (slot->generic && device)
			slot->generic = GENERIC_SKB | (verified_may_come(links, device) ? GENERIC_VERIFIED : 0);
	}
}

void attachment_set_alone(uint32_t ifindex)
{
	int slot = find(ifindex);

	if (slot >= 0)
		attachments.carrier[slot].alone = true;
}

bool attachment_is_alone(uint32_t ifindex)
{
	int slot = find(ifindex);

	return slot >= 0 && attachments.carrier[slot].alone;
}

bool attachment_any_is_alone(void)
{
	for (unsigned int i = 0; i < attachments.used; i++) {
		if (attachments.slots[i].ifindex != SLOT_FREE && attachments.carrier[i].alone)
			return true;
	}
	return false;
}
