/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/vlan.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "base/log.h"
#include "table/maps.h"

struct entry {
	struct vlan_key key;
	struct vlan vlan;
};

struct table {
	unsigned int count;
	struct entry entry[ABI_VLANS];
};

static struct table held; /* what the kernel's table holds */

static uint16_t identifier(const struct link *link)
{
	return (uint16_t)(link->vlan_id | (link->vlan_protocol == ETH_P_8021AD ? VLAN_8021AD : 0));
}

/* As vlan_device; `key` gets the tags of the frames there, the outer one first. */
static const struct link *below(const struct links *links, const struct link *link, struct vlan_key *key)
{
	unsigned int tags = 0;

	memset(key, 0, sizeof(*key));
	while (link && link->vlan) {
		if (tags == ABI_TAGS || !link->lower)
			return NULL;
		/* A link below adds its tag in front of the others. */
		memmove(key->id + 1, key->id, tags++ * sizeof(key->id[0]));
		key->id[0] = identifier(link);
		link = links_find(links, link->lower);
	}
	if (link)
		key->ifindex = link->ifindex;
	return link;
}

const struct link *vlan_device(const struct links *links, const struct link *link)
{
	struct vlan_key tags;

	return below(links, link, &tags);
}

bool vlan_above(const struct links *links, uint32_t ifindex)
{
	for (unsigned int i = 0; i < links->count; i++) {
		if (links->link[i].vlan && links->link[i].lower == ifindex)
			return true;
	}
	return false;
}

/* The kernel drops what a VLAN receives while it, or a VLAN below it, is down. */
static bool is_up(const struct links *links, const struct link *link)
{
	while (link && link->vlan && link->up)
		link = links_find(links, link->lower);
	return link && !link->vlan;
}

static const struct entry *find(const struct table *table, const struct vlan_key *key)
{
	for (unsigned int i = 0; i < table->count; i++) {
		if (!memcmp(&table->entry[i].key, key, sizeof(*key)))
			return &table->entry[i];
	}
	return NULL;
}

/* Adds the VLANs of one rank to the table. -ENOSPC if it has no room for all. */
static int collect(const struct links *links, enum vlan_rank rank,
		   enum vlan_rank (*wanted)(uint32_t vlan, uint32_t device), struct table *table)
{
	for (unsigned int i = 0; i < links->count; i++) {
		const struct link *link = &links->link[i], *device;
		struct entry entry = { 0 };

		if (!link->vlan || !link->vlan_id)
			continue;
		device = below(links, link, &entry.key);
		if (!device || !is_up(links, link) || wanted(link->ifindex, device->ifindex) != rank)
			continue;
		memcpy(entry.vlan.mac, link->mac, sizeof(entry.vlan.mac));
		if (table->count == ABI_VLANS)
			return -ENOSPC;
		table->entry[table->count++] = entry;
	}
	return 0;
}

static void say_once(bool *said, const char *why)
{
	if (!*said)
		log_line(LOG_LEVEL_WARNING, "channels over some VLANs are relayed in userspace: %s (this is said once)", why);
	*said = true;
}

void vlan_follow(const struct links *links, enum vlan_rank (*wanted)(uint32_t vlan, uint32_t device))
{
	static bool said_full, said_error;
	static struct table now;
	const struct entry *had;
	int error;

	now.count = 0;
	if (collect(links, VLAN_FIRST, wanted, &now) || collect(links, VLAN_IF_ROOM, wanted, &now))
		say_once(&said_full, "there are too many for the table");
	for (unsigned int i = 0; i < held.count; i++) {
		if (!find(&now, &held.entry[i].key))
			maps_vlan_put(&held.entry[i].key, NULL);
	}
	for (unsigned int i = 0; i < now.count; i++) {
		had = find(&held, &now.entry[i].key);
		if (had && !memcmp(&had->vlan, &now.entry[i].vlan, sizeof(had->vlan)))
			continue;
		error = maps_vlan_put(&now.entry[i].key, &now.entry[i].vlan);
		if (!error)
			continue;
		say_once(&said_error, strerror(-error));
		now.entry[i--] = now.entry[--now.count];
	}
	held = now;
}

void vlan_forget(void)
{
	held.count = 0;
}
