/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/mode_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "abi.h"
#include "iface/attachment.h"
#include "iface/driver_check.h"
#include "iface/drops.h"
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

void mode_check_read_inputs(const struct links *links, const struct link *link,
			    struct mode_inputs *inputs)
{
	const struct link *device = vlan_device(links, link), *of;
	struct driver_facts facts;

	if (!device)
		device = link;
	of = member_of(links, device);
	driver_check_read(links, device, true, &facts);
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
	inputs->device_mtu = facts.mtu;
	inputs->lro = facts.lro;
	inputs->channels = facts.channels;
	inputs->features = facts.features;
}

bool mode_check_may_help(const struct mode_inputs *before, const struct mode_inputs *now)
{
	return now->features & ~before->features || now->device_mtu != before->device_mtu || now->lro != before->lro ||
	       now->members != before->members || memcmp(&now->channels, &before->channels, sizeof(now->channels));
}

static int check_driver(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
			size_t size)
{
	struct driver_facts facts;

	driver_check_read(links, device, attachment_has_frags(), &facts);
	if (!wish->trusted && !wish->alone && drops_lose_redirects(device->ifindex)) {
		snprintf(why, size, "the driver (%s) drops what is redirected to it, and there are several interfaces", facts.driver);
		return -EOPNOTSUPP;
	}
	return driver_check(&facts, wish->trusted, wish->alone, why, size);
}

/* What counts of a bond is what its members can. The kernel may say that for the bond, too. */
static int check_bond_tells(const struct link *bond, char *why, size_t size)
{
	uint64_t features;

	if (device_xdp_features(bond->ifindex, &features) || features & XDP_FEATURE_BASIC)
		return 0;
	return fail(-EOPNOTSUPP, why, size, "the bond has no XDP");
}

int mode_check_device(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
		      size_t size)
{
	uint32_t id;
	int error;

	if (!device->ethernet)
		return fail(-EOPNOTSUPP, why, size, "the device below it is not an Ethernet interface");
	error = device->bond ? check_bond_tells(device, why, size) : check_driver(links, device, wish, why, size);
	if (error)
		return error;
	id = attachment_state(device->ifindex) == ATTACHMENT_NONE ? program_on(device->ifindex) : 0;
	return id ? fail_occupied(id, why, size) : 0;
}

int mode_check_native(const struct links *links, const struct link *device, const struct mode_wish *wish, char *why,
		      size_t size)
{
	int error = member_check_native(links, device, wish, why, size);

	return error ? error : mode_check_device(links, device, wish, why, size);
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

/* Whether the reason has nothing to do with the device. */
static bool explain_common(int error, char *why, size_t size)
{
	if (error == -EUSERS)
		snprintf(why, size, "the program is on %d devices already, which is the most", ABI_ATTACHMENTS);
	else if (error == -EPERM)
		snprintf(why, size, "the kernel does not permit it; kernels before 5.19 want CAP_BPF to attach the program "
				    "again: let the server start with CAP_BPF");
	return error == -EUSERS || error == -EPERM;
}

void mode_check_explain_generic(int error, char *why, size_t size)
{
	if (!explain_common(error, why, size))
		snprintf(why, size, "the kernel refuses the program in generic mode (%s)%s", strerror(-error), old_kernel(error));
}

/* What the kernel itself says of a driver without XDP (dev_xdp_attach): "Underlying driver does not support XDP in native mode". */
static bool has_no_xdp(const char *sentence)
{
	return strstr(sentence, "driver does not support XDP") != NULL;
}

void mode_check_explain_native(int error, const struct links *links, const struct link *device, const char *sentence,
			       char *why, size_t size)
{
	char command[DRIVER_COMMAND] = "", known[256];
	struct driver_facts facts;

	if (explain_common(error, why, size))
		return;
	if (device->bond && error == -EOPNOTSUPP && (!sentence[0] || has_no_xdp(sentence))) {
		fail(error, why, size, "the kernel does not run the program on the members of this bond: it is one before 5.15, "
				       "or a member's driver has no XDP");
		return;
	}
	driver_check_read(links, device, false, &facts);
	if (has_no_xdp(sentence)) {
		snprintf(why, size, "the driver (%s) has no XDP", facts.driver);
		return;
	}
	if (driver_refuses(&facts, known, sizeof(known), command))
		snprintf(why, size, "the driver (%s) refuses native mode: \"%s\"; this changes it: %s", facts.driver,
			 sentence[0] ? sentence : strerror(-error), command);
	else if (sentence[0])
		snprintf(why, size, "the driver (%s) refuses native mode: \"%s\"", facts.driver, sentence);
	else
		snprintf(why, size, "the driver (%s) refuses native mode at mtu %u (%s); a smaller MTU or fewer queues (ethtool -L) "
				    "may help",
			 facts.driver, device->mtu, strerror(-error));
}
