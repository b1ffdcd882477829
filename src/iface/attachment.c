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

/* In place of an ifindex, which is a positive int: 0 would end the list. */
#define ROW_FREE UINT32_MAX

static struct {
	int program;
	struct port *rows;
	chain_copy copy;
	unsigned int used;   /* rows ever used are the first */
	int link[ABI_PORTS]; /* -1: beside others */
} ports;

/* The device that was asked for last, and its answer. */
static struct {
	uint32_t ifindex;
	uint8_t flags;
} asked;

void port_open(int program, struct port *rows, chain_copy copy)
{
	ports.program = program;
	ports.rows = rows;
	ports.copy = copy;
	ports.used = 0;
	memset(rows, 0, ABI_PORTS * sizeof(*rows));
}

void port_close(void)
{
	for (unsigned int i = 0; i < ports.used; i++)
		port_detach(ports.rows[i].ifindex);
	ports.used = 0;
}

static int find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < ports.used; i++) {
		if (ports.rows[i].ifindex == ifindex)
			return (int)i;
	}
	return -1;
}

/* A row for one more device. -ENOSPC if there is none. */
static int find_free(void)
{
	int row = find(ROW_FREE);

	if (row < 0 && ports.used < ABI_PORTS)
		return (int)ports.used;
	return row < 0 ? -ENOSPC : row;
}

/* The program takes a row for what it says once it has an ifindex. */
static void publish(unsigned int row, const struct link *device, bool generic, int link)
{
	ports.link[row] = link;
	memcpy(ports.rows[row].mac, device->mac, sizeof(ports.rows[row].mac));
	ports.rows[row].generic = generic;
	__atomic_store_n(&ports.rows[row].ifindex, device->ifindex, __ATOMIC_RELEASE);
	if (row == ports.used)
		ports.used++;
}

int port_attach(const struct link *device, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int row = find_free(), link;

	if (row < 0)
		return row;
	link = bpf_link_create(ports.program, (int)device->ifindex, BPF_XDP, &options);
	if (link < 0)
		return -errno;
	publish((unsigned int)row, device, generic, link);
	return 0;
}

int port_join(const struct link *device, char *why, size_t size)
{
	int row = find_free(), error;
	bool generic;

	if (row < 0) {
		snprintf(why, size, "too many devices");
		return row;
	}
	error = chain_attach(device->ifindex, ports.copy, &generic, why, size);
	if (!error)
		publish((unsigned int)row, device, generic, -1);
	return error;
}

void port_detach(uint32_t ifindex)
{
	int row = ifindex == ROW_FREE ? -1 : find(ifindex);

	if (row < 0)
		return;
	if (ports.link[row] >= 0)
		close(ports.link[row]);
	else
		chain_detach(ifindex);
	__atomic_store_n(&ports.rows[row].ifindex, ROW_FREE, __ATOMIC_RELEASE);
}

enum port_state port_state(uint32_t ifindex)
{
	int row = find(ifindex);

	if (row < 0)
		return PORT_NONE;
	return ports.rows[row].generic ? PORT_GENERIC : PORT_NATIVE;
}

bool port_is_beside(uint32_t ifindex)
{
	int row = find(ifindex);

	return row >= 0 && ports.link[row] < 0;
}

unsigned int port_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < ports.used; i++) {
		if (ports.rows[i].ifindex != ROW_FREE)
			ifindexes[count++] = ports.rows[i].ifindex;
	}
	return count;
}

bool port_holds(uint32_t ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	int row = find(ifindex);

	if (row < 0)
		return false;
	if (ports.link[row] < 0)
		return chain_holds(ifindex);
	/* The link of a device that is gone, or that was detached, is of none. */
	return bpf_obj_get_info_by_fd(ports.link[row], &info, &size) || info.xdp.ifindex == ifindex;
}

void port_readdress(const struct link *device)
{
	int row = find(device->ifindex);

	if (row >= 0)
		memcpy(ports.rows[row].mac, device->mac, sizeof(ports.rows[row].mac));
}

/* ---- the way out ---- */

bool port_takes_redirects(uint32_t ifindex)
{
	uint64_t features;

	if (!device_xdp_features(ifindex, &features))
		return features & XDP_FEATURE_NDO_XMIT;
	return port_state(ifindex) == PORT_NATIVE;
}

void port_ask_again(void)
{
	asked.ifindex = 0;
}

uint8_t port_device_flags(uint32_t ifindex)
{
	enum port_state state = port_state(ifindex);
	char name[IF_NAMESIZE] = "";
	uint64_t features;

	/* Many next hops leave by the same device; it is asked once. */
	if (asked.ifindex == ifindex)
		return asked.flags;
	asked.ifindex = ifindex;
	asked.flags = port_takes_redirects(ifindex) ? HOP_REDIRECT : 0;
	if (!device_xdp_features(ifindex, &features) && features & XDP_FEATURE_NDO_XMIT_SG)
		asked.flags |= HOP_FRAGS;
	/*
	 * A veth that has no program at its other end does not wake that end for
	 * XDP_TX (veth_xdp_flush), so that frames would wait there; it does for a
	 * redirect.
	 */
	if (state == PORT_GENERIC ||
	    (state == PORT_NATIVE && if_indextoname(ifindex, name) && !device_driver_is(name, "veth")))
		asked.flags |= HOP_TRANSMIT;
	return asked.flags;
}
