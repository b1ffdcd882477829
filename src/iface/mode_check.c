/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "netlink/device.h"
#include "iface/gro.h"
#include "iface/vlan.h"

static uint32_t program_on(uint32_t ifindex)
{
	__u32 id = 0;

	return bpf_xdp_query_id((int)ifindex, 0, &id) ? 0 : id;
}

static int refuse(int error, char *why, size_t size, const char *text)
{
	snprintf(why, size, "%s", text);
	return error;
}

static int refuse_occupied(uint32_t id, char *why, size_t size)
{
	struct bpf_prog_info info = { 0 };
	__u32 length = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		bpf_obj_get_info_by_fd(fd, &info, &length);
		close(fd);
	}
	snprintf(why, size, "another XDP program is attached (id %u, name '%s'), and is left in place", id,
		 info.name);
	return -EBUSY;
}

bool mode_check_features_unknown(uint32_t ifindex)
{
	uint64_t features;

	return device_xdp_features(ifindex, &features) != 0;
}

void mode_check_read_inputs(const struct links *links, const struct link *link,
			struct mode_inputs *mode_inputs)
{
	struct vlan_key tags;
	const struct link *device = vlan_below(links, link, &tags);

	if (!device)
		device = link;
	memset(mode_inputs, 0, sizeof(*mode_inputs));
	mode_inputs->ifindex = link->ifindex;
	mode_inputs->mtu = link->mtu;
	mode_inputs->up = link->up;
	mode_inputs->other = program_on(device->ifindex);
	mode_inputs->vlans = vlan_above(links, link->ifindex);
	mode_inputs->merges = gro_merges_udp(links, link);
	if (device_xdp_features(device->ifindex, &mode_inputs->features))
		mode_inputs->features = 0;
}

/*
 * A veth takes the program, but drops what it sends unless its other end has GRO
 * on or a program; Linux 6.3 tells. A bond runs the program on its members,
 * whose frames would not be known for its own.
 */
int mode_check_native(const struct link *device, bool trusted, char *why, size_t size)
{
	bool veth = device_driver_is(device->name, "veth");
	uint64_t features = 0;
	uint32_t id;

	if (!device->ethernet)
		return refuse(-EOPNOTSUPP, why, size, "its device is not an Ethernet interface");
	if (device_driver_is(device->name, "bonding") || device_driver_is(device->name, "team"))
		return refuse(-EOPNOTSUPP, why, size, "a bond would run the program on its members");
	if (device_xdp_features(device->ifindex, &features)) {
		if (veth && !trusted)
			return refuse(-EOPNOTSUPP, why, size,
				      "this kernel does not say whether a veth's other end takes frames of an XDP program");
	} else if (!(features & XDP_FEATURE_BASIC)) {
		return refuse(-EOPNOTSUPP, why, size, "its driver has no XDP");
	} else if (!(features & XDP_FEATURE_REDIRECT)) {
		return refuse(-EOPNOTSUPP, why, size, "its driver does not redirect");
	} else if (veth && !(features & XDP_FEATURE_NDO_XMIT)) {
		return refuse(-EOPNOTSUPP, why, size,
			      "its other end drops what an XDP program sends, as a veth without GRO does: ethtool -K … gro on");
	}
	id = program_on(device->ifindex);
	return id ? refuse_occupied(id, why, size) : 0;
}

/*
 * An skb carries its VLAN tag beside the frame, where the program does not see
 * it: behind the driver, frames of the VLANs above would be taken for untagged
 * ones, and leave with the tag they came with.
 */
int mode_check_generic(const struct links *links, const struct link *link, uint32_t own, char *why,
		    size_t size)
{
	uint32_t id;

	if (!link)
		return refuse(-ENODEV, why, size, "there is no such interface");
	if (vlan_above(links, link->ifindex))
		return refuse(-EOPNOTSUPP, why, size,
			      "generic mode does not tell frames of the VLANs above it from its own; name the VLANs' "
			      "own interfaces with xdp-interface");
	if (gro_merges_udp(links, link))
		return refuse(-EOPNOTSUPP, why, size,
			      "rx-gro-list or rx-udp-gro-forwarding is on, which in generic mode would make one datagram of several");
	id = link->ifindex == own ? 0 : program_on(link->ifindex);
	return id ? refuse_occupied(id, why, size) : 0;
}

void mode_check_explain(int error, const struct link *device, char *why, size_t size)
{
	switch (error) {
	case -EINVAL:
		snprintf(why, size, "its driver (or a kernel before 5.9, without BPF links for XDP) refuses the program at mtu %u",
			 device->mtu);
		break;
	case -ENOSPC:
		snprintf(why, size, "more than %d devices would carry the program", ABI_ATTACHMENTS);
		break;
	case -EPERM:
		snprintf(why, size, "this kernel (before 5.19) lets no one without CAP_BPF attach the program again");
		break;
	default:
		snprintf(why, size, "its driver refuses the program at mtu %u: %s", device->mtu, strerror(-error));
	}
}
