/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netlink/device.h"
#include "table/gates.h"

/* Stands for no device in a slot. Indices are positive ints, and the program stops at a 0. */
#define SLOT_FREE UINT32_MAX

static struct {
	int program;
	struct attachment *slots;
	dispatcher_copy copy;
	unsigned int used;         /* slots that were ever used are the first ones */
	int link[ABI_ATTACHMENTS]; /* -1: attached through libxdp's dispatcher */
} attachments;

/* The last answer of attachment_device_flags. */
static struct {
	uint32_t ifindex;
	uint8_t flags;
} remembered;

void attachment_open(int program, struct attachment *slots, dispatcher_copy copy)
{
	attachments.program = program;
	attachments.slots = slots;
	attachments.copy = copy;
	attachments.used = 0;
	memset(slots, 0, ABI_ATTACHMENTS * sizeof(*slots));
}

void attachment_close(void)
{
	for (unsigned int i = 0; i < attachments.used; i++)
		attachment_detach(attachments.slots[i].ifindex);
	attachments.used = 0;
}

static int find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < attachments.used; i++) {
		if (attachments.slots[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

/* A slot for one more device, or -ENOSPC. */
static int find_free(void)
{
	int slot = find(SLOT_FREE);

	if (slot < 0 && attachments.used < ABI_ATTACHMENTS)
		return (int)attachments.used;
	return slot < 0 ? -ENOSPC : slot;
}

/* The program reads a slot only once it has an ifindex, so that is written last. */
static void publish(unsigned int slot, const struct link *device, bool generic, int link)
{
	/* What was seen to come in by the slot came in by another device. */
	if (slot != attachments.used)
		gates_next_epoch();
	attachments.link[slot] = link;
	memcpy(attachments.slots[slot].mac, device->mac, sizeof(attachments.slots[slot].mac));
	attachments.slots[slot].generic = generic;
	__atomic_store_n(&attachments.slots[slot].ifindex, device->ifindex, __ATOMIC_RELEASE);
	if (slot == attachments.used)
		attachments.used++;
}

int attachment_attach(const struct link *device, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int slot = find_free(), link;

	if (slot < 0)
		return slot;
	link = bpf_link_create(attachments.program, (int)device->ifindex, BPF_XDP, &options);
	if (link < 0)
		return -errno;
	publish((unsigned int)slot, device, generic, link);
	return 0;
}

int attachment_join(const struct link *device, char *why, size_t size)
{
	int slot = find_free(), error;
	bool generic;

	if (slot < 0) {
		snprintf(why, size, "the program is on %d devices already, which is the most", ABI_ATTACHMENTS);
		return slot;
	}
	error = dispatcher_join(device->ifindex, attachments.copy, &generic, why, size);
	if (!error)
		publish((unsigned int)slot, device, generic, -1);
	return error;
}

void attachment_detach(uint32_t ifindex)
{
	int slot = ifindex == SLOT_FREE ? -1 : find(ifindex);

	if (slot < 0)
		return;
	if (attachments.link[slot] >= 0)
		close(attachments.link[slot]);
	else
		dispatcher_leave(ifindex);
	__atomic_store_n(&attachments.slots[slot].ifindex, SLOT_FREE, __ATOMIC_RELEASE);
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

	return slot >= 0 && attachments.link[slot] < 0;
}

unsigned int attachment_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < attachments.used; i++) {
		if (attachments.slots[i].ifindex != SLOT_FREE)
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
	if (attachments.link[slot] < 0)
		return dispatcher_holds(ifindex);
	/* The kernel sets a link's ifindex to 0 when its device is gone or the link was detached. */
	return bpf_obj_get_info_by_fd(attachments.link[slot], &info, &size) || info.xdp.ifindex == ifindex;
}

void attachment_readdress(const struct link *device)
{
	int slot = find(device->ifindex);

	if (slot >= 0)
		memcpy(attachments.slots[slot].mac, device->mac, sizeof(attachments.slots[slot].mac));
}

/* ---- how frames leave ---- */

bool attachment_takes_redirects(uint32_t ifindex)
{
	uint64_t features;

	if (!device_xdp_features(ifindex, &features))
		return features & XDP_FEATURE_NDO_XMIT;
	return attachment_state(ifindex) == ATTACHMENT_NATIVE;
}

void attachment_forget_flags(void)
{
	remembered.ifindex = 0;
}

uint8_t attachment_device_flags(uint32_t ifindex)
{
	enum attachment_state state = attachment_state(ifindex);
	char name[IF_NAMESIZE] = "";
	uint64_t features;

	/* Many next hops leave by the same device, so the kernel is asked once for all. */
	if (remembered.ifindex == ifindex)
		return remembered.flags;
	remembered.ifindex = ifindex;
	remembered.flags = attachment_takes_redirects(ifindex) ? HOP_REDIRECT : 0;
	if (!device_xdp_features(ifindex, &features) && features & XDP_FEATURE_NDO_XMIT_SG)
		remembered.flags |= HOP_FRAGS;
	/*
	 * After XDP_TX a veth does not wake its other end if that has no program
	 * (veth_xdp_flush), so the frames would wait there. After a redirect it does.
	 */
	if (state == ATTACHMENT_GENERIC ||
	    (state == ATTACHMENT_NATIVE && if_indextoname(ifindex, name) && !device_driver_is(name, "veth")))
		remembered.flags |= HOP_TRANSMIT;
	return remembered.flags;
}
