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
#include "iface/slots.h"
#include "iface/verified.h"
#include "netlink/device.h"
#include "netlink/link_change.h"

static struct {
	struct attachment_programs programs;
	dispatcher_copy copy;
} attachments;

void attachment_open(const struct attachment_programs *programs, struct attachment *slots, dispatcher_copy copy)
{
	attachments.programs = *programs;
	attachments.copy = copy;
	slots_open(slots);
}

void attachment_close(void)
{
	for (unsigned int i = 0; i < slots_used(); i++)
		attachment_detach(slots_entry(i)->ifindex);
	slots_close();
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
	int slot = slots_find_room(device->ifindex);

	if (slot < 0)
		return slot;
	if (!generic)
		carrier = native_carrier(device, frags);
	carrier.link = bpf_link_create(program_for(frags), (int)device->ifindex, BPF_XDP, &options);
	if (carrier.link < 0)
		return -errno;
	slots_publish_device((unsigned int)slot, device, generic, &carrier);
	return 0;
}

void attachment_ask(const struct link *device, bool frags, char *sentence, size_t size)
{
	link_change_ask_xdp(device->ifindex, program_for(frags), sentence, size);
}

bool attachment_is_outgrown(const struct link *device)
{
	int slot = slots_find_device(device->ifindex);

	return slot >= 0 && device->mtu > slots_carrier(slot)->mtu;
}

int attachment_take_frags(const struct link *device)
{
	int slot = slots_find_device(device->ifindex);
	struct carrier now;

	if (slot < 0 || !attachment_has_frags())
		return -EOPNOTSUPP;
	if (bpf_link_update(slots_carrier(slot)->link, attachments.programs.frags, NULL))
		return -errno;
	now = native_carrier(device, true);
	slots_carrier(slot)->mtu = now.mtu;
	/* That of a bond is what its members take. */
	if (!device->bond)
		slots_carrier(slot)->detach_mtu = now.detach_mtu;
	return 0;
}

int attachment_join(const struct link *device, char *why, size_t size)
{
	int slot = slots_find_room(device->ifindex), error;
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
		slots_publish_device((unsigned int)slot, device, generic,
				     &(struct carrier){ .link = LINK_DISPATCHER, .mtu = UINT32_MAX });
	return error;
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
	int slot = slots_find_device(ifindex), error = 0;

	if (slot < 0)
		return 0;
	if (slots_carrier(slot)->link >= 0)
		error = close_link(slots_carrier(slot), ifindex);
	else
		dispatcher_leave(ifindex);
	if (error)
		return error;
	for (unsigned int i = 0; i < slots_used(); i++) {
		if (slots_is_alias_of(i, ifindex))
			slots_withdraw(i);
	}
	slots_withdraw((unsigned int)slot);
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
	int of = slots_find_device(device), slot = slots_find(alias->ifindex);
	struct attachment entry;

	if (of < 0)
		return -ENOENT;
	if (slot >= 0 && !slots_is_alias_of((unsigned int)slot, device))
		return -EEXIST;
	entry = alias_entry(slots_entry(of), alias);
	if (slot >= 0) {
		slots_entry(slot)->device = entry.device;
		memcpy(slots_entry(slot)->mac, entry.mac, sizeof(entry.mac));
		return 0;
	}
	slot = slots_find_free();
	if (slot < 0)
		return slot;
	/* To detach from the device takes what each of its members takes. */
	lower_detach_mtu(slots_carrier(of), native_carrier(alias, false).detach_mtu);
	slots_publish((unsigned int)slot, alias->ifindex, &entry, &(struct carrier){ .link = LINK_ALIAS, .alias_of = device });
	return 0;
}

void attachment_alias_remove(uint32_t alias)
{
	int slot = slots_find(alias);

	if (slot >= 0 && slots_carrier(slot)->link == LINK_ALIAS)
		slots_withdraw((unsigned int)slot);
}

unsigned int attachment_aliases(uint32_t device, uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < slots_used(); i++) {
		if (slots_is_alias_of(i, device))
			ifindexes[count++] = slots_entry(i)->ifindex;
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
	return ifindex && slots_find(ifindex) >= 0;
}

bool attachment_take_seen(uint32_t ifindex, uint32_t *no_room)
{
	int slot = slots_find(ifindex);

	*no_room = 0;
	if (slot < 0)
		return false;
	*no_room = __atomic_load_n(&slots_entry(slot)->no_room, __ATOMIC_RELAXED);
	return __atomic_exchange_n(&slots_entry(slot)->seen, 0, __ATOMIC_RELAXED);
}

enum attachment_state attachment_state(uint32_t ifindex)
{
	int slot = slots_find_device(ifindex);

	if (slot < 0)
		return ATTACHMENT_NONE;
	return slots_entry(slot)->generic ? ATTACHMENT_GENERIC : ATTACHMENT_NATIVE;
}

bool attachment_is_dispatched(uint32_t ifindex)
{
	int slot = slots_find_device(ifindex);

	return slot >= 0 && slots_carrier(slot)->link == LINK_DISPATCHER;
}

unsigned int attachment_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < slots_used(); i++) {
		if (slots_is_device(i))
			ifindexes[count++] = slots_entry(i)->ifindex;
	}
	return count;
}

bool attachment_holds(uint32_t ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	int slot = slots_find_device(ifindex);

	if (slot < 0)
		return false;
	if (slots_carrier(slot)->link == LINK_DISPATCHER)
		return dispatcher_holds(ifindex);
	/* The kernel sets a link's ifindex to 0 when its device is gone or the link was detached. */
	return bpf_obj_get_info_by_fd(slots_carrier(slot)->link, &info, &size) || info.xdp.ifindex == ifindex;
}

void attachment_readdress(const struct link *device)
{
	int slot = slots_find_device(device->ifindex);

	if (slot >= 0)
		memcpy(slots_entry(slot)->mac, device->mac, sizeof(slots_entry(slot)->mac));
}

void attachment_follow_verified(const struct links *links)
{
	for (unsigned int i = 0; i < slots_used(); i++) {
		struct attachment *slot = slots_entry(i);
		const struct link *device = links_find(links, slot->ifindex);

		if (slot->generic && device)
			slot->generic = GENERIC_SKB | (verified_may_come(links, device) ? GENERIC_VERIFIED : 0);
	}
}

void attachment_set_alone(uint32_t ifindex)
{
	int slot = slots_find_device(ifindex);

	if (slot >= 0)
		slots_carrier(slot)->alone = true;
}

bool attachment_is_alone(uint32_t ifindex)
{
	int slot = slots_find_device(ifindex);

	return slot >= 0 && slots_carrier(slot)->alone;
}

bool attachment_any_is_alone(void)
{
	for (unsigned int i = 0; i < slots_used(); i++) {
		if (slots_is_device(i) && slots_carrier(i)->alone)
			return true;
	}
	return false;
}
