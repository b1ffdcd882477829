/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "iface/gro.h"
#include "iface/member.h"
#include "iface/member_check.h"
#include "iface/vlan.h"
#include "netlink/device.h"

/* The id of the XDP program that is attached to a device, or 0. */
static uint32_t program_on(uint32_t ifindex)
{
	__u32 id = 0;

	return bpf_xdp_query_id((int)ifindex, 0, &id) ? 0 : id;
}

static int fail(int error, char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return error;
}

/* A reason that begins with the driver's name. */
static int fail_driver(const struct link *device, const char *text, char *why, size_t size)
{
	char driver[DEVICE_DRIVER_SIZE];

	device_driver(device->name, driver);
	snprintf(why, size, "the driver (%s) %s", driver, text);
	return -EOPNOTSUPP;
}

static int fail_occupied(uint32_t id, char *why, size_t size)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &length);
		close(fd);
	}
	snprintf(why, size, "another XDP program is attached (id %u, name '%s') and stays there; detach "
			    "it to use the interface",
		 id, info.name);
	return -EBUSY;
}

bool mode_check_features_unknown(uint32_t ifindex)
{
	uint64_t features;

	return device_xdp_features(ifindex, &features) != 0;
}

void mode_check_read_inputs(const struct links *links, const struct link *link,
			    struct mode_inputs *inputs)
{
	struct vlan_key tags;
	const struct link *device = vlan_below(links, link, &tags), *of;

	if (!device)
		device = link;
	of = member_of(links, device);
	/* Inputs are compared as bytes. */
	memset(inputs, 0, sizeof(*inputs));
	inputs->ifindex = link->ifindex;
	inputs->mtu = link->mtu;
	inputs->up = link->up;
	inputs->other = program_on(device->ifindex);
	inputs->vlans = vlan_above(links, link->ifindex);
	inputs->merges = gro_merges_udp(links, link);
	inputs->members = member_fingerprint(links, device);
	inputs->member = of ? of->ifindex : 0;
	if (device_xdp_features(device->ifindex, &inputs->features))
		inputs->features = 0;
}

/*
 * A veth takes the program, but its other end drops what the program sends unless that end
 * has GRO on or a program of its own; Linux 6.3 and later tell.
 */
int mode_check_device(const struct link *device, bool trusted, char *why, size_t size)
{
	bool veth = device_driver_is(device->name, "veth");
	uint64_t features = 0;
	uint32_t id;

	if (!device->ethernet)
		return fail(-EOPNOTSUPP, why, size, "the device below it is not an Ethernet interface");
	/* What has no XDP in any kernel need not be tried where the kernel does not tell. */
	if (device_driver_is(device->name, "team"))
		return fail_driver(device, "has no XDP", why, size);
	if (device_xdp_features(device->ifindex, &features)) {
		if (veth && !trusted)
			return fail(-EOPNOTSUPP, why, size,
				    "this kernel (before 6.3) does not say whether the other end of a veth takes what an "
				    "XDP program sends; if it has GRO on, use xdp-mode=native");
	} else if (!(features & XDP_FEATURE_BASIC)) {
		return fail_driver(device, "has no XDP", why, size);
	} else if (!(features & XDP_FEATURE_REDIRECT)) {
		return fail_driver(device, "does not redirect", why, size);
	} else if (veth && !(features & XDP_FEATURE_NDO_XMIT)) {
		return fail(-EOPNOTSUPP, why, size,
			    "the veth's other end has neither GRO nor an XDP program, and so drops what an XDP program "
			    "sends; switch GRO on there: ethtool -K NAME gro on");
	}
	id = program_on(device->ifindex);
	return id ? fail_occupied(id, why, size) : 0;
}

int mode_check_native(const struct links *links, const struct link *device, bool trusted, char *why, size_t size)
{
	int error = member_check_native(links, device, trusted, why, size);

	return error ? error : mode_check_device(device, trusted, why, size);
}

/*
 * An skb has its VLAN tag outside of the frame, where the program does not see it: behind
 * the driver, frames of the VLANs above would look untagged, and would leave with the tag
 * that they came with.
 */
int mode_check_generic(const struct links *links, const struct link *link, uint32_t own, char *why,
		       size_t size)
{
	uint32_t id;

	if (!link)
		return fail(-ENODEV, why, size, "there is no such interface");
	if (member_check_none(links, link, why, size))
		return -EOPNOTSUPP;
	if (vlan_above(links, link->ifindex))
		return fail(-EOPNOTSUPP, why, size,
			    "in generic mode the program cannot tell frames of the VLANs above it from its own; name the "
			    "VLANs' own interfaces with xdp-interface");
	if (gro_merges_udp(links, link))
		return fail(-EOPNOTSUPP, why, size,
			    "rx-gro-list or rx-udp-gro-forwarding is on, so in generic mode the program would take several "
			    "received datagrams for one; switch both off with ethtool -K");
	id = link->ifindex == own ? 0 : program_on(link->ifindex);
	return id ? fail_occupied(id, why, size) : 0;
}

/* Kernels before 5.9 refuse BPF links for XDP with the same error as a driver may have. */
static const char *old_kernel(int error)
{
	return error == -EINVAL ? "; or it is a kernel before 5.9, which has no BPF links for XDP" : "";
}

/* A driver's own reason does not reach this process: the advice is what helps with many drivers. */
static void explain_driver(int error, const struct link *device, char *why, size_t size)
{
	char driver[DEVICE_DRIVER_SIZE];

	if (device->bond && error == -EOPNOTSUPP) {
		fail(error, why, size, "the kernel does not run the program on the members of this bond: it is one before 5.15, "
				       "or a member's driver has no XDP");
		return;
	}
	device_driver(device->name, driver);
	snprintf(why, size, "the driver (%s) refuses the program at mtu %u (%s); a smaller MTU or fewer queues (ethtool -L) "
			    "may help%s",
		 driver, device->mtu, strerror(-error), old_kernel(error));
}

void mode_check_explain(int error, const struct link *device, bool generic, char *why, size_t size)
{
	if (error == -ENOSPC)
		snprintf(why, size, "the program is on %d devices already, which is the most", ABI_ATTACHMENTS);
	else if (error == -EPERM)
		snprintf(why, size, "the kernel does not permit it; kernels before 5.19 want CAP_BPF to attach the program "
				    "again: let the server start with CAP_BPF");
	else if (generic)
		snprintf(why, size, "the kernel refuses the program in generic mode (%s)%s", strerror(-error), old_kernel(error));
	else
		explain_driver(error, device, why, size);
}
