/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that is made up: devices, drivers and addresses for tests of src/iface/. This file has the functions that ask
 * the kernel for links and drivers, and those that attach; all of src/iface/ above them is what the server has. Include
 * it first, because it needs _GNU_SOURCE, and in one file of a program only, because it defines these functions.
 */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cpus.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/dispatcher.h"
#include "iface/drops.h"
#include "iface/gro.h"
#include "iface/manager.h"
#include "iface/selection.h"
#include "netlink/device.h"
#include "netlink/link_change.h"
#include "netlink/link_count.h"
#include "netlink/routes_out.h"
#include "netlink/rtnetlink.h"
#include "table/maps.h"

#define CAN (XDP_FEATURE_BASIC | XDP_FEATURE_REDIRECT)
#define ALL (CAN | XDP_FEATURE_NDO_XMIT)
#define HOSTS_MAX 400
/* The file descriptors of the programs. */
#define LINEAR 77
#define FRAGS 78

/* ---- the host ---- */

struct fake {
	struct link link;
	const char *alternative; /* another name of it, or NULL */
	const char *address;     /* or NULL */
	bool leads_out;          /* a route with a gateway leaves by it */
	const char *driver;
	uint64_t features, features_attached; /* the second while the program is attached */
	int native_error, generic_error;
	uint32_t mtu_taken; /* the largest for the program for one buffer; 0: all are taken */
	const char *sentence; /* of the driver when it refuses */
	bool merges, lro;
	struct device_channels channels;
	unsigned int drops_forgotten;
	uint32_t foreign; /* id of another XDP program; 0: none */
	int fd;
	bool generic;
	bool frags; /* it carries the program for several buffers */
	unsigned int attempts;
	unsigned int exchanges; /* of the program */
	struct link_count counted;
	struct drops_count drops;
	bool loses; /* its driver drops what is redirected to it */
};

static struct {
	struct fake device[HOSTS_MAX];
	unsigned int count;
	uint32_t cpus;
	bool unknown; /* a kernel before 6.3 does not say what drivers can do */
	bool no_frags; /* a kernel before 5.18 */
	int mtu_error; /* why no MTU can be set */
	uint32_t mtu_lowest; /* of all that were set */
	unsigned int vlans;
	struct {
		struct vlan_key key;
		struct vlan vlan;
	} vlan[HOSTS_MAX];
	unsigned int vlan_calls;
	int vlan_error;
	int count_error;       /* what the network stack receives cannot be counted */
	bool counts_received;  /* it is counted */
	unsigned int joined;  /* how often the program was added to a dispatcher */
	unsigned int cleaned; /* dispatchers that were looked at for what is left of other servers */
	char log[8192];
	enum log_level level; /* of the last line */
} host;

static struct attachment slots[ABI_PORTS];
static struct status_interface shown[ABI_ATTACHMENTS];
static unsigned int shown_count;
static uint32_t shown_stray;
static struct stray stray;
static time_t now = 1000;

int clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	*time = (struct timespec){ .tv_sec = now };
	return 0;
}

static struct fake *find(uint32_t ifindex)
{
	for (unsigned int i = 0; i < host.count; i++) {
		if (host.device[i].link.ifindex == ifindex)
			return &host.device[i];
	}
	return NULL;
}

static struct fake *named(const char *name)
{
	for (unsigned int i = 0; i < host.count; i++) {
		const struct fake *device = &host.device[i];

		if (!strcmp(device->link.name, name) || (device->alternative && !strcmp(device->alternative, name)))
			return &host.device[i];
	}
	return NULL;
}

static inline bool is_attached(const struct fake *device)
{
	return device->fd > 0 && fcntl(device->fd, F_GETFD) >= 0;
}

/* "native", "generic" or "-". */
static inline const char *mode_of(const char *name)
{
	const struct fake *device = named(name);

	return !device || !is_attached(device) ? "-" : device->generic ? "generic" : "native";
}

unsigned int if_nametoindex(const char *name)
{
	struct fake *device = named(name);

	return device ? device->link.ifindex : 0;
}

char *if_indextoname(unsigned int ifindex, char name[IF_NAMESIZE])
{
	struct fake *device = find(ifindex);

	return device ? strcpy(name, device->link.name) : NULL;
}

struct mnl_socket *rtnetlink_open(void)
{
	return (struct mnl_socket *)&host;
}

void rtnetlink_close(struct mnl_socket *socket)
{
	(void)socket;
}

int link_each(void (*each)(const struct link *link, void *data), void *data)
{
	for (unsigned int i = 0; i < host.count; i++)
		each(&host.device[i].link, data);
	return 0;
}

bool device_tells_features(void)
{
	return !host.unknown;
}

int device_xdp_features(uint32_t ifindex, uint64_t *features)
{
	struct fake *device = find(ifindex);

	if (host.unknown)
		return -EOPNOTSUPP;
	if (!device)
		return -ENODEV;
	*features = device->features | (is_attached(device) && !device->generic ? device->features_attached : 0);
	return 0;
}

void device_driver(const char *name, char driver[DEVICE_DRIVER_SIZE])
{
	snprintf(driver, DEVICE_DRIVER_SIZE, "%s", named(name) ? named(name)->driver : "unknown");
}

bool device_driver_is(const char *name, const char *driver)
{
	return named(name) && !strcmp(named(name)->driver, driver);
}

void device_channels(const char *name, struct device_channels *channels)
{
	*channels = named(name)->channels;
}

static uint32_t losing; /* a device that was found to lose redirects */

void drops_forget(uint32_t ifindex)
{
	if (find(ifindex))
		find(ifindex)->drops_forgotten++;
	if (losing == ifindex)
		losing = 0;
}

uint32_t cpus_online(void)
{
	return host.cpus;
}

int uname(struct utsname *kernel)
{
	snprintf(kernel->release, sizeof(kernel->release), "%s", host.unknown ? "6.1.0-44-amd64" : "6.12.0");
	return 0;
}

bool gro_feature_is_on(const char *name, const char *feature)
{
	assert_string_equal(feature, "rx-lro");
	return named(name)->lro;
}

int link_change_mtu(uint32_t ifindex, uint32_t mtu)
{
	if (host.mtu_error)
		return host.mtu_error;
	find(ifindex)->link.mtu = mtu;
	if (!host.mtu_lowest || mtu < host.mtu_lowest)
		host.mtu_lowest = mtu;
	return 0;
}

int link_change_ask_xdp(uint32_t ifindex, int program, char *sentence, size_t size)
{
	assert_true(program == LINEAR || program == FRAGS);
	snprintf(sentence, size, "%s", find(ifindex)->sentence ? find(ifindex)->sentence : "");
	return -EOPNOTSUPP;
}

bool gro_merges_udp(const struct links *links, const struct link *link)
{
	(void)links;
	return find(link->ifindex)->merges;
}

int bpf_xdp_query_id(int ifindex, int flags, __u32 *id)
{
	struct fake *device = find((uint32_t)ifindex);

	(void)flags;
	*id = !device ? 0 : device->foreign ? device->foreign : is_attached(device);
	return 0;
}

int bpf_prog_get_fd_by_id(__u32 id)
{
	(void)id;
	return -1;
}

static int native_error(const struct fake *device, bool frags)
{
	if (device->mtu_taken && device->link.mtu > device->mtu_taken && !(frags && device->features & XDP_FEATURE_RX_SG))
		return -EINVAL;
	return device->native_error;
}

int bpf_link_create(int program, int ifindex, enum bpf_attach_type type,
		    const struct bpf_link_create_opts *options)
{
	struct fake *device = find((uint32_t)ifindex);
	bool generic = options->flags == XDP_FLAGS_SKB_MODE;
	int error;

	assert_true(program == LINEAR || (program == FRAGS && !generic));
	assert_int_equal(type, BPF_XDP);
	assert_non_null(device);
	device->attempts++;
	assert_false(is_attached(device)); /* the kernel would refuse, and so the program would know */
	error = generic ? device->generic_error : native_error(device, program == FRAGS);
	if (device->foreign)
		error = -EBUSY;
	if (error) {
		errno = -error;
		return -1;
	}
	/* A number that no other device has. */
	device->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100 + 2 * ifindex);
	device->generic = generic;
	device->frags = program == FRAGS;
	return device->fd;
}

int bpf_link_update(int link, int program, const struct bpf_link_update_opts *options)
{
	assert_int_equal(program, FRAGS);
	assert_null(options);
	for (unsigned int i = 0; i < host.count; i++) {
		struct fake *device = &host.device[i];

		if (device->fd != link)
			continue;
		device->exchanges++;
		errno = -native_error(device, true);
		device->frags = device->frags || !errno;
		return errno ? -1 : 0;
	}
	fail();
	return -1;
}

int bpf_obj_get_info_by_fd(int fd, void *info, __u32 *size)
{
	struct bpf_link_info *link = info;

	(void)size;
	for (unsigned int i = 0; i < host.count; i++) {
		if (host.device[i].fd == fd)
			link->xdp.ifindex = host.device[i].link.ifindex;
	}
	return 0;
}

/* ---- libxdp ---- */

static enum attachment_state dispatcher; /* the mode of the one that all other programs are part of */
static int dispatcher_error;

bool dispatcher_is_there(uint32_t ifindex)
{
	return dispatcher != ATTACHMENT_NONE && find(ifindex)->foreign;
}

void dispatcher_clean(uint32_t ifindex)
{
	assert_non_null(find(ifindex));
	host.cleaned++;
}

int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size)
{
	struct fake *device = find(ifindex);

	(void)copy;
	if (dispatcher_error) {
		snprintf(why, size, "not taken");
		return dispatcher_error;
	}
	host.joined++;
	device->fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100 + 2 * (int)ifindex);
	device->generic = *generic = dispatcher == ATTACHMENT_GENERIC;
	return 0;
}

void dispatcher_leave(uint32_t ifindex)
{
	close(find(ifindex)->fd);
}

bool dispatcher_holds(uint32_t ifindex)
{
	return find(ifindex)->foreign;
}

int maps_vlan_put(const struct vlan_key *key, const struct vlan *vlan)
{
	unsigned int i;

	host.vlan_calls++;
	if (host.vlan_error)
		return host.vlan_error;
	for (i = 0; i < host.vlans && memcmp(&host.vlan[i].key, key, sizeof(*key)); i++)
		;
	if (!vlan) {
		assert_true(i < host.vlans);
		host.vlan[i] = host.vlan[--host.vlans];
		return 0;
	}
	if (i == host.vlans) {
		assert_true(host.vlans < ABI_VLANS);
		host.vlans++;
	}
	host.vlan[i].key = *key;
	host.vlan[i].vlan = *vlan;
	return 0;
}

void status_interface_put(unsigned int slot, const struct status_interface *interface)
{
	assert_true(slot < ABI_ATTACHMENTS);
	shown[slot] = *interface;
}

void status_interfaces_end(unsigned int count)
{
	shown_count = count;
}

void status_waiting_put(const char *waiting)
{
	(void)waiting;
}

void status_stray_put(uint32_t ifindex)
{
	shown_stray = ifindex;
}

/* ---- counts ---- */

int link_count_read(uint32_t ifindex, struct link_count *count)
{
	*count = find(ifindex)->counted;
	return 0;
}

struct drops_count drops_read(uint32_t ifindex)
{
	return find(ifindex) ? find(ifindex)->drops : (struct drops_count){ 0 };
}

unsigned int drops_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < host.count && i < DROPS_DEVICES; i++)
		ifindexes[count++] = host.device[i].link.ifindex;
	return count;
}

void drops_look(uint32_t ifindex, bool up)
{
	if (up && find(ifindex)->loses)
		losing = ifindex;
}

bool drops_lose_redirects(uint32_t ifindex)
{
	return losing == ifindex;
}

int drops_count_received(bool wanted)
{
	host.counts_received = wanted && !host.count_error;
	return wanted ? host.count_error : 0;
}

/* ---- addresses and routes ---- */

/* A device has at most one address, an IPv4 one. */
int getifaddrs(struct ifaddrs **all)
{
	static struct ifaddrs entries[HOSTS_MAX];
	static struct sockaddr_in addresses[HOSTS_MAX];
	unsigned int count = 0;

	*all = NULL;
	for (unsigned int i = 0; i < host.count; i++) {
		if (!host.device[i].address)
			continue;
		addresses[count].sin_family = AF_INET;
		inet_pton(AF_INET, host.device[i].address, &addresses[count].sin_addr);
		entries[count] = (struct ifaddrs){
			.ifa_next = *all,
			.ifa_name = host.device[i].link.name,
			.ifa_addr = (struct sockaddr *)&addresses[count],
		};
		*all = &entries[count++];
	}
	return 0;
}

void freeifaddrs(struct ifaddrs *all)
{
	(void)all;
}

int rtnetlink_route(struct mnl_socket *socket, int family, const union abi_addr *from, const union abi_addr *to,
		    struct route *route)
{
	(void)socket, (void)family, (void)from, (void)to, (void)route;
	return -EHOSTUNREACH;
}

int routes_out_read(int family, struct routes_out *routes)
{
	memset(routes, 0, sizeof(*routes));
	for (unsigned int i = 0; i < host.count && family == AF_INET; i++) {
		if (host.device[i].leads_out)
			routes->link[routes->count++].ifindex = host.device[i].link.ifindex;
	}
	return 0;
}

static void keep_line(enum log_level level, const char *line)
{
	size_t used = strlen(host.log);

	host.level = level;
	snprintf(host.log + used, sizeof(host.log) - used, "%s\n", line);
}

/* Whether a line has both, since the last question. */
static inline bool logged(const char *one, const char *other)
{
	char *line, *rest = host.log;
	bool found = false;

	while ((line = strsep(&rest, "\n")))
		found = found || (strstr(line, one) && strstr(line, other));
	host.log[0] = '\0';
	return found;
}

static struct fake *add(const char *name, uint64_t features)
{
	static uint32_t number = 10;
	struct fake *device = &host.device[host.count++];

	memset(device, 0, sizeof(*device));
	device->link = (struct link){ .ifindex = number, .mtu = 1500, .up = true, .ethernet = true };
	device->link.mac[0] = 2;
	device->link.mac[5] = (uint8_t)number++;
	snprintf(device->link.name, sizeof(device->link.name), "%s", name);
	device->driver = "";
	device->features = features;
	return device;
}

static inline struct fake *add_vlan(const char *name, uint16_t id, uint16_t protocol, const char *below)
{
	struct fake *device = add(name, 0);

	device->driver = "802.1Q VLAN Support";
	device->link.vlan = true;
	device->link.vlan_id = id;
	device->link.vlan_protocol = protocol;
	device->link.lower = named(below) ? named(below)->link.ifindex : 0;
	return device;
}

static inline void take_away(const char *name)
{
	struct fake *device = named(name);

	*device = host.device[--host.count];
}

static inline enum manager_outcome start(enum option_mode mode, const char *names)
{
	struct manager_plan plan = {
		.programs = { LINEAR, host.no_frags ? -1 : FRAGS },
		.slots = slots,
		.stray = &stray,
		.mode = mode,
	};
	struct settings settings = { 0 };
	char copy[256], *name, *rest = copy;

	snprintf(copy, sizeof(copy), "%s", names);
	while ((name = strsep(&rest, " ")))
		snprintf(settings.interface[settings.interfaces++], IFNAMSIZ, "%s", name);
	selection_start(&settings, NULL, 0);
	return manager_start(&plan);
}

/* The same, with the server's addresses in place of names. */
static inline enum manager_outcome start_for(const char *const *addresses, unsigned int count)
{
	struct manager_plan plan = { .programs = { LINEAR, FRAGS }, .slots = slots, .mode = OPTION_MODE_AUTO };
	struct settings settings = { 0 };

	selection_start(&settings, addresses, count);
	return manager_start(&plan);
}

static inline int setup(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&stray, 0, sizeof(stray));
	losing = 0;
	dispatcher = ATTACHMENT_NONE;
	dispatcher_error = 0;
	log_to(keep_line);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	manager_stop();
	selection_stop();
	for (unsigned int i = 0; i < host.count; i++)
		assert_false(is_attached(&host.device[i]));
	return 0;
}
/* A case on a host of its own. */
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
