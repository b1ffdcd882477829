/* SPDX-License-Identifier: BSD-3-Clause */
#include "program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "device.h"
#include "log.h"
#include "netlink.h"
#include "privilege.h"
#include "turn.skel.h"

/* In place of an ifindex, which is a positive int. */
#define PORT_GONE UINT32_MAX

static struct {
	struct turn_bpf *skeleton;
	unsigned int attached;
	uint32_t ifindex[ABI_PORTS];
	int link[ABI_PORTS]; /* file descriptors: the kernel detaches when they close */
	bool generic;
	uint32_t asked; /* the device that was asked for last, and its abilities */
	bool redirect, transmit;
} program;

/* ---- loading ---- */

static char libbpf_said[256];

/*
 * Keeps the first warning, which is nearest to the cause, for the operator; but
 * not that a limit could not be raised which newer kernels do not have.
 */
static int libbpf_print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !libbpf_said[0] && !strstr(format, "RLIMIT_MEMLOCK")) {
		vsnprintf(libbpf_said, sizeof(libbpf_said), format, args);
		libbpf_said[strcspn(libbpf_said, "\n")] = '\0';
	}
	return 0;
}

static int explain_load(int error)
{
	struct utsname kernel;

	uname(&kernel);
	/* The verifier's refusal is EACCES as well. */
	if (error == -EPERM || !privilege_can_load())
		log_line(LOG_LEVEL_ERROR,
			 "the kernel does not let this process load an XDP program: start it as root or with "
			 "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	else if (error == -ENOMEM)
		log_line(LOG_LEVEL_ERROR, "no memory for the tables: lower xdp-max-channels");
	else
		log_line(LOG_LEVEL_ERROR,
			 "kernel %s does not load the XDP program (%s; Linux 5.11 with XDP and BPF links is "
			 "needed): %s",
			 kernel.release, strerror(-error), libbpf_said);
	return error;
}

static int load(const struct settings *settings, struct map_set *maps)
{
	int cpus = libbpf_num_possible_cpus();
	unsigned int rows = 2 * settings->channels;
	struct turn_bpf *skeleton;
	int error;

	if (cpus < 0)
		return cpus;
	if ((uint64_t)rows * (unsigned int)cpus > UINT32_MAX)
		return explain_load(-ENOMEM);
	libbpf_set_print(libbpf_print);
	skeleton = turn_bpf__open();
	if (!skeleton)
		return explain_load(-errno);
	skeleton->rodata->usage_rows = rows;
	bpf_map__set_max_entries(skeleton->maps.flows, rows);
	bpf_map__set_max_entries(skeleton->maps.hops, rows);
	bpf_map__set_max_entries(skeleton->maps.usage, rows * (unsigned int)cpus);
	bpf_map__set_max_entries(skeleton->maps.verdicts, (unsigned int)cpus);
	error = turn_bpf__load(skeleton);
	if (error) {
		turn_bpf__destroy(skeleton);
		return explain_load(error);
	}
	program.skeleton = skeleton;
	*maps = (struct map_set){
		.flows = skeleton->maps.flows,
		.devices = skeleton->maps.devices,
		.hops = skeleton->maps.hops,
		.usage = skeleton->maps.usage,
		.deadlines = (uint64_t *)skeleton->bss->deadlines,
		.usage_rows = rows,
		.hop_rows = rows,
		.cpus = (unsigned int)cpus,
	};
	return 0;
}

/* ---- attaching ---- */

/*
 * Whether the driver runs the program and also sends what it returns: a veth
 * takes the program but drops what it sends unless its other end has GRO on or
 * a program. Linux 6.3 tells; before that, a veth is not trusted. A bond runs
 * the program on its members, whose frames would not be known for its own.
 */
static bool native_ok(uint32_t ifindex, const char *name)
{
	const uint64_t needed = XDP_FEATURE_BASIC | XDP_FEATURE_REDIRECT | XDP_FEATURE_NDO_XMIT;
	uint64_t features;

	if (device_driver_is(name, "bonding") || device_driver_is(name, "team"))
		return false;
	if (device_xdp_features(ifindex, &features))
		return !device_driver_is(name, "veth");
	return (features & needed) == needed;
}

static void explain_busy(const char *name, uint32_t ifindex)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info), id = 0;
	int fd;

	if (!bpf_xdp_query_id((int)ifindex, 0, &id) && id) {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd >= 0) {
			bpf_obj_get_info_by_fd(fd, &info, &size);
			close(fd);
		}
	}
	log_line(LOG_LEVEL_ERROR,
		 "%s: another XDP program is attached (id %u, name '%s'); it is left in place, and channels over "
		 "this interface stay in userspace",
		 name, id, info.name);
}

static void explain_attach(const char *name, uint32_t ifindex, bool generic, int error)
{
	if (error == -EBUSY || error == -EEXIST)
		explain_busy(name, ifindex);
	else
		log_line(LOG_LEVEL_ERROR, "%s: %s XDP cannot be attached: %s%s", name,
			 generic ? "generic" : "native", strerror(-error),
			 error == -EINVAL ? " (a kernel before 5.9 has no BPF links for XDP)" : "");
}

static int attach(const char *name, uint32_t ifindex, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(bpf_program__fd(program.skeleton->progs.turn), (int)ifindex, BPF_XDP,
				 &options);

	if (fd < 0) {
		int error = -errno;

		explain_attach(name, ifindex, generic, error);
		return error;
	}
	program.ifindex[program.attached] = ifindex;
	program.link[program.attached++] = fd;
	return 0;
}

static void detach_all(void)
{
	while (program.attached)
		close(program.link[--program.attached]);
	memset(program.skeleton->bss->ports, 0, sizeof(program.skeleton->bss->ports));
}

/* Tells the program which frames are for this interface. */
static void publish_port(unsigned int index, const struct link *link)
{
	struct port *port = &program.skeleton->bss->ports[index];

	memcpy(port->mac, link->mac, sizeof(port->mac));
	__atomic_store_n(&port->ifindex, link->ifindex, __ATOMIC_RELEASE);
}

static bool is_listed(const struct link *links, unsigned int count, uint32_t ifindex)
{
	while (count--) {
		if (links[count].ifindex == ifindex)
			return true;
	}
	return false;
}

/* The links of the interfaces that exist; the others are named in the log. */
static unsigned int find_links(const struct interface_list *interfaces, struct link *links, bool *all)
{
	struct mnl_socket *socket = netlink_open();
	unsigned int count = 0;

	for (unsigned int i = 0; socket && i < interfaces->count; i++) {
		const char *name = interfaces->name[i];
		uint32_t ifindex = if_nametoindex(name);

		if (ifindex && is_listed(links, count, ifindex))
			continue; /* by another of its names */
		if (!ifindex || netlink_link(socket, ifindex, &links[count])) {
			log_line(LOG_LEVEL_ERROR, "xdp-interface: there is no interface '%s'", name);
			*all = false;
		} else if (!links[count].ethernet) {
			log_line(LOG_LEVEL_ERROR, "%s: not an Ethernet interface", name);
			*all = false;
		} else {
			count++;
		}
	}
	netlink_close(socket);
	return count;
}

/*
 * An skb carries its VLAN tag beside the frame, where the program does not see
 * it: behind the driver, frames of the VLANs above would be taken for untagged
 * ones, and leave with the tag they came with.
 */
static bool has_vlans(uint32_t ifindex)
{
	struct mnl_socket *socket = netlink_open();
	bool has = false;

	if (socket)
		netlink_has_upper(socket, ifindex, "vlan", &has);
	netlink_close(socket);
	return has;
}

/*
 * All interfaces in one mode, so that packets can cross between any two: a
 * driver cannot send to a device that only takes frames from the stack.
 */
static int attach_all(const struct link *links, unsigned int count, bool generic)
{
	int error = -ENODEV;

	program.generic = generic;
	program.skeleton->bss->generic = generic;
	for (unsigned int i = 0; i < count; i++) {
		int failed;

		if (generic && has_vlans(links[i].ifindex)) {
			log_line(LOG_LEVEL_ERROR,
				 "%s: has VLANs, so generic mode cannot be used on it; name the VLANs' own "
				 "interfaces with xdp-interface",
				 links[i].name);
			error = -EOPNOTSUPP;
			continue;
		}
		failed = attach(links[i].name, links[i].ifindex, generic);
		if (!failed) {
			publish_port(program.attached - 1, &links[i]);
		} else {
			error = failed;
			/* One that its driver refuses would cut the others off from it. */
			if (!generic && failed != -EBUSY && failed != -EEXIST) {
				detach_all();
				return failed;
			}
		}
	}
	return program.attached ? 0 : error;
}

static int choose_and_attach(enum option_mode mode, const struct link *links, unsigned int count)
{
	int error;

	for (unsigned int i = 0; mode != OPTION_MODE_GENERIC && i < count; i++) {
		if (native_ok(links[i].ifindex, links[i].name))
			continue;
		log_line(mode == OPTION_MODE_NATIVE ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			 "%s: its driver cannot send what an XDP program relays%s%s", links[i].name,
			 device_driver_is(links[i].name, "veth") ? " (a veth needs GRO on at its other end: ethtool -K … gro on)" :
						  "",
			 mode == OPTION_MODE_NATIVE ? "" : "; all interfaces use generic mode");
		if (mode == OPTION_MODE_NATIVE)
			return -EOPNOTSUPP;
		mode = OPTION_MODE_GENERIC;
	}
	error = attach_all(links, count, mode == OPTION_MODE_GENERIC);
	if (error && mode == OPTION_MODE_AUTO && error != -EBUSY && error != -EEXIST) {
		log_line(LOG_LEVEL_WARNING, "native mode is not to be had; trying generic mode");
		error = attach_all(links, count, true);
	}
	return error;
}

int program_start(const struct settings *settings, const struct interface_list *interfaces,
		  struct map_set *maps)
{
	struct link links[ABI_PORTS];
	bool all = true;
	unsigned int count = find_links(interfaces, links, &all);
	int error;

	if (!count) {
		log_line(LOG_LEVEL_ERROR, "no interface to attach to: name one with xdp-interface");
		return -ENODEV;
	}
	error = load(settings, maps);
	if (error)
		return error;
	error = choose_and_attach(settings->mode, links, count);
	if (!error && settings->required && (!all || program.attached < count))
		error = -ENODEV;
	if (error) {
		program_stop();
		return error;
	}
	for (unsigned int i = 0; i < count; i++) {
		for (unsigned int k = 0; k < program.attached; k++) {
			if (program.ifindex[k] == links[i].ifindex)
				log_line(LOG_LEVEL_INFO, "%s: attached in %s mode, mtu %u%s", links[i].name,
					 program.generic ? "generic" : "native", links[i].mtu,
					 links[i].up ? "" : "; it is down, and relays when it comes up");
		}
	}
	return 0;
}

void program_stop(void)
{
	if (!program.skeleton)
		return;
	detach_all();
	turn_bpf__destroy(program.skeleton);
	program.skeleton = NULL;
}

static bool takes_redirects(uint32_t ifindex)
{
	uint64_t features;

	if (!device_xdp_features(ifindex, &features))
		return features & XDP_FEATURE_NDO_XMIT;
	for (unsigned int i = 0; i < program.attached; i++) {
		if (program.ifindex[i] == ifindex)
			return true;
	}
	return false;
}

void program_device_abilities(uint32_t ifindex, bool *redirect, bool *transmit)
{
	char name[IF_NAMESIZE] = "";

	/* Many next hops leave by the same device; it is asked once. */
	if (program.asked != ifindex) {
		program.asked = ifindex;
		program.redirect = program.generic || takes_redirects(ifindex);
		program.transmit = program.generic || (if_indextoname(ifindex, name) && !device_driver_is(name, "veth"));
	}
	*redirect = program.redirect;
	*transmit = program.transmit;
}

void program_links_changed(void)
{
	struct mnl_socket *socket = netlink_open();
	struct link link;

	program.asked = 0;
	for (unsigned int i = 0; socket && i < program.attached; i++) {
		struct port *port = &program.skeleton->bss->ports[i];

		if (port->ifindex == PORT_GONE)
			continue;
		switch (netlink_link(socket, port->ifindex, &link)) {
		case 0:
			memcpy(port->mac, link.mac, sizeof(link.mac));
			break;
		case -ENODEV:
			log_line(LOG_LEVEL_WARNING,
				 "interface %u is gone; channels over it are relayed in userspace until the server is "
				 "started again",
				 port->ifindex);
			/* Another may get its number; and 0 would end the list. */
			port->ifindex = PORT_GONE;
			break;
		}
	}
	netlink_close(socket);
}
