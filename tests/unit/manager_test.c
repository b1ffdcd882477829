/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which device carries the program, in which mode, on hosts that are made up: this file has
 * the functions that ask the kernel for links and drivers, and those that attach. All of
 * src/iface/ above them is what the server has.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cpus.h"
#include "base/log.h"
#include "iface/attachment.h"
#include "iface/drops.h"
#include "iface/gro.h"
#include "iface/manager.h"
#include "iface/leaving.h"
#include "iface/selection.h"
#include "netlink/device.h"
#include "netlink/link_change.h"
#include "netlink/link_count.h"
#include "netlink/routes_out.h"
#include "netlink/rtnetlink.h"
#include "table/gates.h"
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

static bool is_attached(const struct fake *device)
{
	return device->fd > 0 && fcntl(device->fd, F_GETFD) >= 0;
}

/* "native", "generic" or "-". */
static const char *mode_of(const char *name)
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

int link_each(struct mnl_socket *socket, void (*each)(const struct link *link, void *data), void *data)
{
	(void)socket;
	for (unsigned int i = 0; i < host.count; i++)
		each(&host.device[i].link, data);
	return 0;
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
static bool logged(const char *one, const char *other)
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

static struct fake *add_vlan(const char *name, uint16_t id, uint16_t protocol, const char *below)
{
	struct fake *device = add(name, 0);

	device->driver = "802.1Q VLAN Support";
	device->link.vlan = true;
	device->link.vlan_id = id;
	device->link.vlan_protocol = protocol;
	device->link.lower = named(below) ? named(below)->link.ifindex : 0;
	return device;
}

static void take_away(const char *name)
{
	struct fake *device = named(name);

	*device = host.device[--host.count];
}

static enum manager_outcome start(enum option_mode mode, const char *names)
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
static enum manager_outcome start_for(const char *const *addresses, unsigned int count)
{
	struct manager_plan plan = { .programs = { LINEAR, FRAGS }, .slots = slots, .mode = OPTION_MODE_AUTO };
	struct settings settings = { 0 };

	selection_start(&settings, addresses, count);
	return manager_start(&plan);
}

static int setup(void **state)
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

static int teardown(void **state)
{
	(void)state;
	manager_stop();
	selection_stop();
	for (unsigned int i = 0; i < host.count; i++)
		assert_false(is_attached(&host.device[i]));
	return 0;
}

/* ---- modes ---- */

static void test_modes(void **state)
{
	static const struct {
		const char *what;
		enum option_mode mode;
		bool unknown;
		const char *driver;
		uint64_t features, attached; /* the second besides, while attached */
		int native_error, generic_error;
		const char *sentence;
		bool merges;
		uint32_t foreign;
		const char *expected, *said;
	} table[] = {
		{ "can all", .features = ALL, .expected = "native", .said = "native mode, mtu 1500" },
		{ "says that it sends once attached", .features = CAN, .attached = XDP_FEATURE_NDO_XMIT,
		  .expected = "native", .said = "native mode" },
		{ "takes no redirects, and there is no other interface", .features = CAN, .expected = "native",
		  .said = "native mode" },
		{ "does not redirect, and there is no other interface", .features = 5, .expected = "native",
		  .said = "native mode" },
		{ "no XDP", .features = 0, .expected = "generic", .said = "has no XDP" },
		{ "refuses", .features = ALL, .native_error = -EOPNOTSUPP, .expected = "generic",
		  .said = "refuses native mode at mtu 1500 (Operation not supported)" },
		{ "refuses, and says why", .features = ALL, .native_error = -EINVAL, .sentence = "not today",
		  .expected = "generic", .said = "the driver () refuses native mode: \"not today\"" },
		{ "refuses for want of queues", .driver = "ixgbe", .features = ALL, .native_error = -ENOSPC,
		  .sentence = "too few queues", .expected = "generic", .said = "refuses native mode: \"too few queues\"" },
		{ "has no XDP, as the kernel says", .unknown = true, .driver = "ixgbe", .native_error = -EOPNOTSUPP,
		  .sentence = "Underlying driver does not support XDP in native mode", .expected = "generic",
		  .said = "the driver (ixgbe) has no XDP" },
		{ "does not last", .driver = "vmxnet3", .features = ALL, .expected = "generic",
		  .said = "runs no program any more" },
		{ "does not last, and is wanted", OPTION_MODE_NATIVE, .driver = "vmxnet3", .features = ALL,
		  .expected = "native", .said = "native mode" },
		{ "veth without GRO", .driver = "veth", .features = CAN, .attached = XDP_FEATURE_NDO_XMIT,
		  .expected = "generic", .said = "GRO" },
		{ "team", .driver = "team", .features = 0, .expected = "generic", .said = "the driver (team) has no XDP" },
		{ "team, and an old kernel", OPTION_MODE_NATIVE, true, "team", .expected = "-", .said = "the driver (team) has no XDP" },
		{ "the driver is named", .driver = "ena", .features = ALL, .native_error = -ERANGE, .expected = "generic",
		  .said = "the driver (ena) refuses native mode at mtu 1500 (Numerical result out of range)" },
		{ "no privilege", .features = ALL, .native_error = -EPERM, .generic_error = -EPERM, .expected = "-",
		  .said = "CAP_BPF" },
		{ "a kernel before 5.9", .features = ALL, .native_error = -EINVAL, .generic_error = -EINVAL,
		  .expected = "-", .said = "no generic mode: the kernel refuses the program in generic mode (Invalid argument)" },
		{ "old kernel, a driver that sends", .unknown = true, .driver = "ixgbe", .expected = "native",
		  .said = "native mode" },
		{ "old kernel, a driver that began to send later", .unknown = true, .driver = "gve", .expected = "generic",
		  .said = "the driver (gve) is not among those that are known to send" },
		{ "old kernel, another driver", .unknown = true, .driver = "e1000e", .expected = "generic",
		  .said = "xdp-mode=native tries it" },
		{ "xdp-mode says native, old kernel, another driver", OPTION_MODE_NATIVE, true, "e1000e",
		  .expected = "native", .said = "before 6.3" },
		{ "old kernel, veth", .unknown = true, .driver = "veth", .expected = "generic", .said = "veth" },
		{ "xdp-mode says native", OPTION_MODE_NATIVE, .features = ALL, .expected = "native",
		  .said = "native mode" },
		{ "xdp-mode says native, which cannot be", OPTION_MODE_NATIVE, .features = 0, .expected = "-",
		  .said = "has no XDP" },
		{ "xdp-mode says native, old kernel", OPTION_MODE_NATIVE, true, "veth", .expected = "native",
		  .said = "before 6.3" },
		{ "xdp-mode says generic", OPTION_MODE_GENERIC, .features = ALL, .expected = "generic",
		  .said = "generic mode, mtu" },
		{ "neither", .features = 0, .generic_error = -ENODEV, .expected = "-", .said = "No such device" },
		{ "merges", .features = 0, .merges = true, .expected = "-", .said = "rx-gro-list" },
		{ "merges, which native mode does not see", .features = ALL, .merges = true,
		  .expected = "native", .said = "native mode" },
		{ "another XDP program", .features = ALL, .foreign = 9, .expected = "-", .said = "another XDP program" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		bool attaches = table[i].expected[0] != '-';
		struct fake *device;
		enum manager_outcome outcome;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		host.unknown = table[i].unknown;
		device = add("eth0", table[i].features);
		device->driver = table[i].driver ? table[i].driver : "";
		device->features_attached = table[i].attached;
		device->native_error = table[i].native_error;
		device->generic_error = table[i].generic_error;
		device->sentence = table[i].sentence;
		device->merges = table[i].merges;
		device->foreign = table[i].foreign;
		outcome = start(table[i].mode, "eth0");
		/* The other program may go. */
		assert_int_equal(outcome, attaches || table[i].foreign ? MANAGER_STARTED : MANAGER_FAILED);
		assert_int_equal(manager_complete(), attaches);
		assert_string_equal(mode_of("eth0"), table[i].expected);
		assert_true(logged("eth0: ", table[i].said));
		if (attaches) {
			assert_int_equal(slots[0].ifindex, device->link.ifindex);
			assert_memory_equal(slots[0].mac, device->link.mac, 6);
			assert_int_equal(slots[0].generic, table[i].expected[0] == 'g');
		}
		teardown(NULL);
	}
}

/* One mode for all only where the packets could not cross. */
static void test_several(void **state)
{
	struct fake *device;

	(void)state;
	add("can", ALL);
	add("cannot", 0);
	assert_int_equal(start(OPTION_MODE_AUTO, "can cannot"), MANAGER_STARTED);
	assert_string_equal(mode_of("can"), "generic");
	assert_string_equal(mode_of("cannot"), "generic");
	manager_stop();

	/* It refuses the program, but takes frames of others. */
	device = add("takes", ALL);
	device->native_error = -EOPNOTSUPP;
	assert_int_equal(start(OPTION_MODE_AUTO, "can takes"), MANAGER_STARTED);
	assert_string_equal(mode_of("can"), "native");
	assert_string_equal(mode_of("takes"), "generic");
	manager_stop();

	/* What carries nothing decides nothing. */
	add("busy", 0)->foreign = 9;
	assert_int_equal(start(OPTION_MODE_AUTO, "can busy nowhere"), MANAGER_STARTED);
	assert_false(manager_complete());
	assert_string_equal(mode_of("can"), "native");
	assert_string_equal(mode_of("busy"), "-");
	manager_stop();

	/* One that could not be generic keeps what it has. */
	add("merging", ALL)->merges = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "merging can cannot"), MANAGER_STARTED);
	assert_string_equal(mode_of("merging"), "native");
	assert_string_equal(mode_of("can"), "generic");
	manager_stop();

	/* The same interface twice is one. */
	assert_int_equal(start(OPTION_MODE_AUTO, "can can"), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_int_equal(slots[1].ifindex, 0);
}

/* The program for frames of several buffers is for those that refuse the other one. */
static void test_frags(void **state)
{
	static const int others[] = { -EPERM, -EBUSY, -EEXIST };
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->link.mtu = 9000;
	device->mtu_taken = 3500;
	/* The driver cannot take several buffers either, and is not asked. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(device->attempts, 2);
	manager_stop();
	device->features |= XDP_FEATURE_RX_SG;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(device->frags);
	manager_stop();
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	manager_stop();
	host.no_frags = false;
	device->link.mtu = 1500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_false(device->frags);
	manager_stop();
	/* Neither is a small MTU a reason, nor an error of another kind. */
	device->native_error = -EINVAL;
	device->attempts = 0;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_int_equal(device->attempts, 2);
	manager_stop();
	device->link.mtu = 9000;
	device->mtu_taken = 0;
	for (size_t i = 0; i < COUNT(others); i++) {
		print_message("# %s\n", strerror(-others[i]));
		device->native_error = others[i];
		device->attempts = 0;
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
		assert_string_equal(mode_of("eth0"), "generic");
		assert_int_equal(device->attempts, 2);
		manager_stop();
	}
}

/* ---- what changes about a driver ---- */

/* An MTU that is raised: the program for several buffers takes the other one's place, without a detach. */
static void test_mtu_raised_frags(void **state)
{
	struct fake *device = add("eth0", ALL | XDP_FEATURE_RX_SG);

	(void)state;
	device->mtu_taken = 3500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	manager_refresh();
	host.log[0] = '\0';
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(device->frags);
	assert_int_equal(device->attempts, 1);
	assert_non_null(strstr(shown[0].line, "native mode, mtu 9000"));
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 9000\n");
	/* Up and down again is nothing that the driver has to be asked for. */
	host.log[0] = '\0';
	device->link.mtu = 1500;
	manager_refresh();
	device->link.mtu = 9216;
	manager_refresh();
	manager_refresh();
	assert_int_equal(device->attempts, 1);
	assert_int_equal(device->exchanges, 1);
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 1500\nxdp: eth0: native mode, mtu 9216\n");
}

/* Without that program the driver is asked by attaching anew, and what it cannot take is generic until it can. */
static void test_mtu_raised(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->mtu_taken = 3500;
	device->sentence = "MTU too large";
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 3000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(device->attempts, 2);
	manager_refresh();
	device->link.mtu = 1500;
	manager_refresh();
	device->link.mtu = 3000;
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 9000", "refuses native mode: \"MTU too large\""));
	assert_int_equal(device->attempts, 4);
	manager_refresh();
	assert_int_equal(device->attempts, 4);
	device->link.mtu = 1500;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: native mode, mtu 1500", ""));
}

/* virtio_net before Linux 6.3 takes the program back only at a small MTU, which is set for that moment. */
static void test_mtu_kept_by_driver(void **state)
{
	struct fake *device = add("eth0", 0), *vlan = add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	unsigned int attempts;

	(void)state;
	host.unknown = true;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	attempts = device->attempts;
	device->link.mtu = 9000;
	vlan->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5"), "generic");
	assert_int_equal(device->attempts, attempts); /* the driver would take it, and lose frames */
	assert_int_equal(host.mtu_lowest, 4096 - 32);
	assert_int_equal(device->link.mtu, 9000);
	assert_int_equal(vlan->link.mtu, 9000);
	assert_true(logged("eth0: mtu 9000 was set to 4064 for a moment", ""));
	manager_refresh();
	assert_string_equal(host.log, "");
	/* At one that it can take, nothing is lowered. */
	host.mtu_lowest = 0;
	device->link.mtu = vlan->link.mtu = 1500;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	assert_int_equal(host.mtu_lowest, 0);
}

/* Nor is anything lowered where the driver gives the program back at every MTU. */
static void test_mtu_given_back(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 9000", "this changes it: ip link set dev eth0 mtu 3490"));
	assert_int_equal(host.mtu_lowest, 0);
}

/* What a driver does that nobody knows: at the MTU at which it has taken the program it also gives it back. */
static void test_mtu_of_unknown_driver(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "unknown";
	device->mtu_taken = 2000;
	host.no_frags = true;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(host.mtu_lowest, 1500);
	assert_int_equal(device->link.mtu, 9000);
}

/* Where the MTU cannot be lowered the link is not closed, and one warning says what to do. */
static void test_mtu_stuck(void **state)
{
	struct fake *device = add("eth0", 0);

	(void)state;
	host.unknown = true;
	device->driver = "virtio_net";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	host.mtu_error = -EPERM;
	device->link.mtu = 9000;
	host.log[0] = '\0';
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
	assert_non_null(strstr(host.log, "ip link set dev eth0 mtu 1500"));
	assert_ptr_equal(strchr(host.log, '\n') + 1, host.log + strlen(host.log)); /* one line */
	assert_non_null(strstr(shown[0].line, "does not give the XDP program back"));
	/* It was set back. */
	device->link.mtu = 1500;
	host.log[0] = '\0';
	manager_refresh();
	assert_true(logged("eth0: native mode, mtu 1500", ""));
	host.mtu_error = 0;
}

/* What a driver may have refused the program for is followed; other news is not. */
static void test_refusal_asked_again(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	device->driver = "ena";
	device->link.mtu = 9001;
	device->native_error = -EINVAL;
	device->sentence = "the current MTU is too large";
	device->channels = (struct device_channels){ .combined = 8, .combined_max = 8 };
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_true(logged("eth0: generic mode, mtu 9001: the driver (ena) refuses native mode: \"the current MTU is too large\"",
			   "ip link set dev eth0 mtu 3498 && ethtool -L eth0 combined 4"));
	assert_int_equal(device->attempts, 2);
	device->link.up = false;
	manager_refresh();
	device->link.up = true;
	device->link.mac[3] = 7;
	manager_refresh();
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->link.mtu = 3498;
	manager_refresh();
	assert_int_equal(device->attempts, 4);
	device->lro = true;
	manager_refresh();
	assert_int_equal(device->attempts, 6);
	device->channels.combined = 4;
	device->native_error = 0;
	host.log[0] = '\0';
	manager_refresh();
	assert_int_equal(device->attempts, 7);
	assert_string_equal(mode_of("eth0"), "native");
	assert_non_null(strstr(host.log, "eth0: its driver (ena) resets the card"));
	assert_true(logged("eth0: native mode, mtu 3498", ""));
}

/* A veth's other end decides on the frames that come. */
static void test_veth_other_end(void **state)
{
	struct fake *veth = add("veth0", ALL), *other = add("veth1", ALL);

	(void)state;
	veth->driver = "veth";
	veth->link.veth = true;
	veth->link.lower = other->link.ifindex;
	veth->native_error = -ERANGE;
	assert_int_equal(start(OPTION_MODE_AUTO, "veth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("veth0"), "generic");
	manager_refresh();
	assert_int_equal(veth->attempts, 2);
	other->link.mtu = 1400;
	veth->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "native");
}

/* The line says what is so now, each once. */
static void test_line_is_current(void **state)
{
	struct fake *native = add("eth0", ALL), *generic = add("eth1", ALL);

	(void)state;
	generic->native_error = -EOPNOTSUPP;
	native->link.up = generic->link.up = false;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth0: native mode, mtu 1500; the interface is down", ""));
	native->link.up = generic->link.up = true;
	manager_refresh();
	assert_non_null(strstr(host.log, "eth0: native mode, mtu 1500\n"));
	assert_true(logged("eth1: generic mode, mtu 1500", ""));
	assert_string_equal(shown[0].line, "native mode, mtu 1500");
	assert_null(strstr(shown[1].line, "down"));
	native->link.up = false;
	manager_refresh();
	manager_refresh();
	assert_int_equal(host.level, LOG_LEVEL_INFO);
	assert_string_equal(host.log, "xdp: eth0: native mode, mtu 1500; the interface is down: channels over it are relayed "
				      "once it is up\n");
	assert_non_null(strstr(shown[0].line, "down"));
	host.log[0] = '\0';
	native->link.up = true;
	native->link.mtu = 1400;
	generic->link.mtu = 1300;
	manager_refresh();
	assert_string_equal(shown[0].line, "native mode, mtu 1400");
	assert_non_null(strstr(shown[1].line, "generic mode, mtu 1300"));
}

/* A reason is the interface's own if it has one: the other's is given only to those that could be native. */
static void test_own_reason_first(void **state)
{
	struct fake *first = add("eth0", 0), *second = add("eth1", 0);

	(void)state;
	second->driver = "e1000e";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: generic mode", "the driver (e1000e) has no XDP"));
	second->merges = true;
	manager_refresh();
	assert_true(logged("eth1: left out", "rx-gro-list"));
	second->merges = false;
	manager_refresh();
	assert_string_equal(shown[1].line, "generic mode, mtu 1500: the driver (e1000e) has no XDP");
	/* One that could be native names the one that it follows. */
	manager_stop();
	second->features = ALL;
	first->driver = "bridge";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: generic mode", "eth0 can only use generic mode"));
}

/* Two that were generic each for its own reason are native again when both can be, whichever comes first. */
static void test_both_recover(void **state)
{
	struct fake *first = add("eth0", CAN), *second = add("eth1", CAN);

	(void)state;
	first->features_attached = second->features_attached = XDP_FEATURE_NDO_XMIT;
	first->mtu_taken = second->mtu_taken = 3500;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	first->link.mtu = second->link.mtu = 9000;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	first->link.mtu = 1500;
	/* The other one's own driver is asked only now. */
	manager_refresh();
	manager_refresh();
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_non_null(strstr(shown[0].line, "generic mode, mtu 1500: eth1 can only use generic mode"));
	second->link.mtu = 1500;
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth1"), "native");
}

/* A driver that takes no redirected frames is native while packets leave by its device only. */
static void test_alone(void **state)
{
	struct fake *device = add("eth0", CAN), *other = add("eth1", ALL);

	(void)state;
	other->alternative = "later";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	leaving_forget();
	assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
	/* Its program redirects nothing, so nothing is said to take redirects. */
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
	manager_stop();
	/* One that redirects is as any. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(other->link.ifindex), HOP_TRANSMIT | HOP_REDIRECT);
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	manager_stop();
	/* VLANs on the same device are no other way out. */
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	take_away("eth0.5");
	/* The driver is known, so it is not even tried where there are several; before 6.3, too. */
	device->driver = "mlx4_en";
	for (int unknown = 0; unknown < 2; unknown++) {
		host.unknown = unknown;
		device->attempts = 0;
		other->driver = "ixgbe";
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
		assert_int_equal(device->attempts, 1);
		assert_true(logged("eth0: generic mode", "the driver (mlx4_en) does not send what is redirected to it"));
		manager_stop();
		assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
		assert_string_equal(mode_of("eth0"), "native");
		leaving_forget();
		assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
		manager_stop();
	}
}

/* When another way out comes, it is alone no longer. */
static void test_alone_no_longer(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2" };
	struct fake *first = add("eth0", CAN), *second = add("eth1", ALL);

	(void)state;
	first->address = addresses[0];
	second->leads_out = true;
	assert_int_equal(start_for(addresses, 2), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	second->address = addresses[1];
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "generic");
}

static void test_flags(void **state)
{
	struct fake *native = add("native", ALL), *veth = add("veth", ALL | XDP_FEATURE_NDO_XMIT_SG);
	struct fake *other = add("other", 0);

	(void)state;
	veth->driver = "veth";
	assert_int_equal(start(OPTION_MODE_AUTO, "native veth"), MANAGER_STARTED);
	assert_int_equal(leaving_flags(native->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
	/* An answer is kept until there is news. */
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	veth->features = CAN;
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_REDIRECT | HOP_FRAGS);
	manager_refresh();
	assert_int_equal(leaving_flags(veth->link.ifindex), 0);
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "native veth"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(veth->link.ifindex), HOP_TRANSMIT);
	manager_stop();
	host.unknown = true;
	native->driver = "ixgbe";
	assert_int_equal(start(OPTION_MODE_AUTO, "native"), MANAGER_STARTED);
	leaving_forget();
	assert_int_equal(leaving_flags(native->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(leaving_flags(other->link.ifindex), 0);
}

static uint8_t redirects_to(const struct fake *device)
{
	return leaving_flags(device->link.ifindex) & HOP_REDIRECT;
}

/* A driver that has a queue for each CPU drops what is redirected by the CPUs that have none. */
static void test_queues(void **state)
{
	struct fake *device = add("eth0", ALL), *other = add("eth1", ALL);

	(void)state;
	device->driver = other->driver = "i40e";
	device->channels.combined = 3;
	other->channels.combined = host.cpus = 4;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(redirects_to(device), 0);
	assert_int_equal(redirects_to(other), HOP_REDIRECT);
	/* What has come in by it leaves by it. */
	assert_int_equal(leaving_flags(device->link.ifindex), HOP_TRANSMIT);
	assert_true(logged("eth0: has 3 queues", "ethtool -L eth0 combined 4"));
	manager_refresh();
	assert_true(shown[0].no_redirect && !shown[1].no_redirect);
	/* It is said once, until it has changed. */
	assert_string_equal(host.log, "");
	assert_int_equal(device->drops_forgotten, 0);
	device->channels.combined = 4;
	manager_refresh();
	/* What was lost before may leave now. */
	assert_int_equal(device->drops_forgotten, 1);
	assert_int_equal(other->drops_forgotten, 0);
	assert_int_equal(redirects_to(device), HOP_REDIRECT);
	assert_false(shown[0].no_redirect);
	assert_true(logged("eth0: has a queue for each CPU now", ""));
	/* A CPU comes; of both. */
	host.cpus = 5;
	manager_refresh();
	assert_int_equal(redirects_to(device), 0);
	assert_int_equal(redirects_to(other), 0);
	assert_true(logged("eth1: has 4 queues", "combined 5"));
	assert_int_equal(other->drops_forgotten, 1);
	manager_stop();

	/* Nothing is redirected to the only device, so nothing is said of it. */
	take_away("eth1");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_int_equal(redirects_to(device), 0);
	assert_false(logged("eth0: has 4 queues", ""));
	/* But once there is another one. */
	add("eth1", ALL);
	manager_refresh();
	assert_true(logged("eth0: has 4 queues", ""));
	manager_stop();

	/* In generic mode the network stack sends. */
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth0 eth1"), MANAGER_STARTED);
	assert_int_equal(redirects_to(device), HOP_REDIRECT);
	assert_false(logged("queues", ""));
}

/* ---- VLANs ---- */

static bool has_vlan(const char *device, uint16_t outer, uint16_t inner, const char *vlan)
{
	struct vlan_key key = { .ifindex = named(device)->link.ifindex, .id = { outer, inner } };

	for (unsigned int i = 0; i < host.vlans; i++) {
		if (!memcmp(&host.vlan[i].key, &key, sizeof(key)))
			return !memcmp(host.vlan[i].vlan.mac, named(vlan)->link.mac, 6);
	}
	return false;
}

static void test_vlan_native(void **state)
{
	unsigned int calls;

	(void)state;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	add_vlan("eth0.6", 6, ETH_P_8021AD, "eth0");
	add_vlan("eth0.6.7", 7, ETH_P_8021Q, "eth0.6");
	add_vlan("eth0.8", 8, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5 eth0.6.7"), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth0.5"), "-");
	assert_true(logged("eth0.6.7: ", "native mode on eth0"));
	manager_refresh();
	/* Those that are named. */
	assert_int_equal(host.vlans, 2);
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
	assert_true(has_vlan("eth0", 6 | VLAN_8021AD, 7, "eth0.6.7"));
	/* No news, no calls. */
	calls = host.vlan_calls;
	manager_refresh();
	assert_int_equal(host.vlan_calls, calls);
	/* Another address; one that is down, itself or below; one that is gone. */
	named("eth0.5")->link.mac[4] = 0x77;
	named("eth0.6")->link.up = false;
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
	take_away("eth0.5");
	named("eth0.6")->link.up = true;
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_true(has_vlan("eth0", 6 | VLAN_8021AD, 7, "eth0.6.7"));
	/* As long as one is left. */
	assert_string_equal(mode_of("eth0"), "native");
	take_away("eth0.6.7");
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_int_equal(host.vlans, 0);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
}

/* All of those above a device that is itself meant, but not more than there is room for. */
static void test_vlan_all(void **state)
{
	char name[IFNAMSIZ];

	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	add_vlan("eth1.5", 5, ETH_P_8021Q, "eth1");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.last"), MANAGER_STARTED);
	for (int i = 1; i <= 300; i++) {
		snprintf(name, sizeof(name), "eth0.%d", i);
		add_vlan(name, (uint16_t)i, ETH_P_8021Q, "eth0");
		if (i == 20) {
			manager_refresh();
			assert_int_equal(host.vlans, 20);
			assert_false(logged("VLANs", "too many"));
		}
	}
	add_vlan("eth0.last", 4000, ETH_P_8021Q, "eth0");
	manager_refresh();
	manager_refresh();
	assert_int_equal(host.vlans, ABI_VLANS);
	assert_true(has_vlan("eth0", 4000, 0, "eth0.last"));
	assert_true(logged("VLANs", "too many"));
	manager_refresh();
	assert_false(logged("VLANs", "too many"));
}

static void test_vlan_generic(void **state)
{
	(void)state;
	add("eth0", 0);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth0.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5"), "generic");
	assert_true(logged("eth0: left out", "VLANs above"));
	manager_refresh();
	assert_int_equal(host.vlans, 0);
	/* A VLAN that comes later ends generic mode; when it goes, it is back. */
	add_vlan("eth0.5.6", 6, ETH_P_8021Q, "eth0.5");
	manager_refresh();
	assert_string_equal(mode_of("eth0.5"), "-");
	assert_true(logged("eth0.5: left out", "VLANs above"));
	take_away("eth0.5.6");
	manager_refresh();
	assert_string_equal(mode_of("eth0.5"), "generic");
	manager_stop();

	/* Three tags; a device in another namespace. */
	named("eth0")->features = ALL;
	add_vlan("eth0.5.6", 6, ETH_P_8021Q, "eth0.5");
	add_vlan("eth0.5.6.7", 7, ETH_P_8021Q, "eth0.5.6");
	add_vlan("far.5", 5, ETH_P_8021Q, "elsewhere");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0.5.6.7 far.5"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "-");
	assert_string_equal(mode_of("eth0.5.6.7"), "generic");
	assert_string_equal(mode_of("far.5"), "generic");
}

static void test_vlan_table_refuses(void **state)
{
	(void)state;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	host.vlan_error = -EPERM;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	manager_refresh();
	assert_true(logged("VLANs", "not permitted"));
	host.vlan_error = 0;
	manager_refresh();
	assert_true(has_vlan("eth0", 5, 0, "eth0.5"));
}

/* ---- changes ---- */

static void test_gone_and_back(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	take_away("eth0");
	manager_refresh();
	assert_true(logged("eth0: ", "is gone"));
	assert_int_equal(slots[0].ifindex, UINT32_MAX);
	assert_string_equal(mode_of("eth1"), "native");
	manager_refresh();
	assert_string_equal(host.log, "");
	add("eth0", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: ", "native mode"));
	assert_int_equal(slots[0].ifindex, named("eth0")->link.ifindex);
	assert_int_equal(slots[2].ifindex, 0);
	/* In one step. */
	take_away("eth1");
	add("eth1", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	assert_true(logged("eth1: ", "native mode"));
}

static void test_rename_and_address(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	strcpy(device->link.name, "new0");
	device->link.mac[3] = 0x55;
	manager_refresh();
	assert_true(logged("eth0: ", "now called new0"));
	assert_string_equal(mode_of("new0"), "native");
	assert_memory_equal(slots[0].mac, device->link.mac, 6);
	assert_int_equal(device->attempts, 1);
	/* The name is another's now. */
	add("eth0", ALL);
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	take_away("new0");
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
}

static void test_detached_from_outside(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	device->fd = 0;
	device->foreign = 9;
	manager_refresh();
	assert_true(logged("eth0: left out", "another XDP program"));
	assert_int_equal(slots[0].ifindex, UINT32_MAX);
	device->foreign = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
}

/* An interface that comes later and takes no frames from drivers makes the others generic if it stays so. */
static void test_outsider_comes(void **state)
{
	(void)state;
	add("eth0", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 veth0 br0"), MANAGER_STARTED);
	add("veth0", CAN)->driver = "veth";
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "generic");
	assert_string_equal(mode_of("eth0"), "native");
	named("veth0")->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("veth0"), "native");
	now += 60;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(named("eth0")->attempts, 1);

	add("br0", 0);
	manager_refresh();
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	now += 1;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("veth0"), "generic");
	assert_true(logged("eth0: generic mode", "br0 can only use generic mode"));
	/* That is said once. */
	now += 60;
	manager_refresh();
	assert_string_equal(host.log, "");
	/* It goes, and they are as before. */
	take_away("br0");
	manager_refresh();
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("veth0"), "native");
}

/* Through libxdp's dispatcher, in the mode that it has, if that will do. */
static void test_dispatcher(void **state)
{
	static const struct {
		const char *what;
		enum attachment_state dispatcher;
		enum option_mode mode;
		uint64_t features;
		bool merges;
		int error;
		const char *expected, *said;
	} table[] = {
		{ "native, any mode wanted", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, ALL, .expected = "native", .said = "native mode through" },
		{ "generic, any mode wanted", ATTACHMENT_GENERIC, OPTION_MODE_AUTO, ALL, .expected = "generic", .said = "generic mode through" },
		{ "native, native wanted", ATTACHMENT_NATIVE, OPTION_MODE_NATIVE, ALL, .expected = "native", .said = "native mode through" },
		{ "generic, native wanted", ATTACHMENT_GENERIC, OPTION_MODE_NATIVE, ALL, .expected = "-", .said = "runs in generic mode" },
		{ "native, generic wanted", ATTACHMENT_NATIVE, OPTION_MODE_GENERIC, ALL, .expected = "-", .said = "runs in native mode" },
		{ "native, and the driver does not send", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, CAN, .expected = "-", .said = "does not send" },
		{ "generic, and datagrams are merged", ATTACHMENT_GENERIC, OPTION_MODE_AUTO, ALL, .merges = true, .expected = "-", .said = "rx-gro-list" },
		{ "it takes no more programs", ATTACHMENT_NATIVE, OPTION_MODE_AUTO, ALL, .error = -EPERM, .expected = "-", .said = "not taken" },
		{ "there is none", ATTACHMENT_NONE, OPTION_MODE_AUTO, ALL, .expected = "-", .said = "another XDP program" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct fake *device;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		dispatcher = table[i].dispatcher;
		dispatcher_error = table[i].error;
		device = add("eth0", table[i].features);
		device->foreign = 9;
		device->merges = table[i].merges;
		/* With another one, it is not the only way out. */
		if (table[i].features == CAN)
			add("br0", 0);
		start(table[i].mode, "eth0 br0");
		assert_int_equal(host.cleaned, host.count);
		assert_string_equal(mode_of("eth0"), table[i].expected);
		assert_true(logged("eth0: ", table[i].said));
		if (table[i].expected[0] != '-') {
			/* No link of its own; it stays, also with one that can only be generic. */
			assert_int_equal(device->attempts, 0);
			manager_refresh();
			add("br0", 0);
			manager_refresh();
			now += 60;
			manager_refresh();
			assert_string_equal(mode_of("eth0"), table[i].expected);
			assert_string_equal(mode_of("br0"), table[i].mode == OPTION_MODE_NATIVE ? "-" : "generic");
			take_away("br0");
			manager_refresh();
			/* The dispatcher goes. What other servers left was looked for at the start only. */
			assert_int_equal(host.cleaned, 1);
			assert_int_equal(host.joined, 1);
			device->foreign = 0;
			manager_refresh();
			assert_string_equal(mode_of("eth0"), table[i].mode == OPTION_MODE_GENERIC ? "generic" : "native");
			assert_int_equal(device->attempts, 1);
		}
		teardown(NULL);
	}
}

/* A program that is gone without a trace is attached again, though nothing else is different. */
static void test_detached_and_nothing_else(void **state)
{
	struct fake *device = add("eth0", ALL);

	(void)state;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	close(device->fd);
	device->fd = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(logged("eth0: ", "detached from outside"));
}

/* What kept the program away, or only the line of the log, may change. */
static void test_inputs(void **state)
{
	struct fake *device = add("eth0", 0);

	(void)state;
	device->merges = true;
	device->link.up = false;
	/* The other one may come. */
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("eth1: ", "waiting for it"));
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_FAILED);
	assert_int_equal(host.level, LOG_LEVEL_ERROR);
	device->merges = false;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode", "is down"));
	device->merges = true;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
	host.log[0] = '\0';
	device->link.up = true;
	device->merges = false;
	device->generic_error = -ENOMEM;
	manager_refresh();
	assert_true(logged("eth0: left out", "Cannot allocate memory"));
	device->link.up = false;
	device->generic_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
}

/* ---- members ---- */

static struct fake *add_bond(const char *name)
{
	struct fake *bond = add(name, ALL);

	bond->driver = "bonding";
	bond->link.bond = true;
	snprintf(bond->link.kind, sizeof(bond->link.kind), "bond");
	bond->link.bond_mode = 1; /* BOND_MODE_ACTIVEBACKUP */
	return bond;
}

static struct fake *add_member(const char *name, const char *driver, const char *of)
{
	struct fake *member = add(name, ALL);

	member->driver = driver;
	member->link.upper = named(of)->link.ifindex;
	return member;
}

/* What the program knows of an interface, or NULL. */
static const struct attachment *entry_of(const char *name)
{
	for (unsigned int i = 0; i < ABI_PORTS && slots[i].ifindex; i++) {
		if (slots[i].ifindex == named(name)->link.ifindex)
			return &slots[i];
	}
	return NULL;
}

/* What comes in by the one is the other's. */
static void check_alias(const char *name, const char *of)
{
	const struct attachment *entry = entry_of(name), *device = entry_of(of);

	print_message("# %s is %s\n", name, of);
	assert_non_null(entry);
	assert_non_null(device);
	assert_int_equal(entry->device, named(of)->link.ifindex);
	assert_memory_equal(entry->mac, named(name)->link.mac, 6);
	assert_memory_equal(&entry->gate, &device->gate, sizeof(entry->gate));
	assert_int_equal(entry->generic, device->generic);
}

/* What comes in by it is nobody's, whatever its tags and addresses. */
static void check_backup(const char *name)
{
	static const uint8_t none[6];
	const struct attachment *entry = entry_of(name);

	print_message("# %s is a backup\n", name);
	assert_non_null(entry);
	assert_int_equal(entry->device, 0);
	assert_memory_equal(entry->mac, none, 6);
}

static void test_bond(void **state)
{
	struct fake *bond = add_bond("bond0"), *first = add_member("eth1", "virtio_net", "bond0");
	uint32_t devices[16];
	gates_state before;

	(void)state;
	add_member("eth2", "virtio_net", "bond0")->link.backup = true;
	add_vlan("bond0.5", 5, ETH_P_8021Q, "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0 bond0.5"), MANAGER_STARTED);
	assert_true(logged("bond0: native mode by eth1, eth2, mtu 1500", ""));
	assert_string_equal(mode_of("bond0"), "native");
	assert_string_equal(mode_of("eth1"), "-");
	assert_string_equal(mode_of("eth2"), "-");
	check_alias("eth1", "bond0");
	check_backup("eth2");
	manager_refresh();
	assert_int_equal(host.vlans, 1);
	assert_int_equal(host.vlan[0].key.ifindex, bond->link.ifindex);
	assert_int_equal(manager_devices(devices, 16), 5);
	assert_int_equal(manager_devices(devices, 2), 2);
	before = gates_now();

	/* The other one takes over, with another address. */
	first->link.backup = true;
	named("eth2")->link.backup = false;
	named("eth2")->link.mac[3] = 9;
	manager_refresh();
	check_backup("eth1");
	check_alias("eth2", "bond0");
	first->link.backup = false;
	manager_refresh();
	check_alias("eth1", "bond0");

	/* Members go and come, and nobody's packets are asked about again. */
	named("eth2")->link.upper = 0;
	manager_refresh();
	assert_true(logged("bond0: native mode by eth1, mtu 1500", ""));
	assert_null(entry_of("eth2"));
	check_alias("eth1", "bond0");
	manager_refresh();
	assert_string_equal(host.log, "");
	first->link.upper = 0;
	manager_refresh();
	assert_null(entry_of("eth1"));
	assert_true(logged("bond0: native mode, mtu 1500", ""));
	assert_string_equal(mode_of("bond0"), "native");
	add_member("eth3", "virtio_net", "bond0");
	named("eth2")->link.upper = bond->link.ifindex;
	manager_refresh();
	check_alias("eth2", "bond0");
	check_alias("eth3", "bond0");
	assert_true(logged("bond0.5: native mode on bond0 by eth2, eth3, mtu 1500", ""));
	assert_int_equal(gates_now(), before);
	assert_int_equal(bond->attempts, 1);

	/* The bond is gone, and its former members are others'. */
	take_away("bond0");
	manager_refresh();
	assert_null(entry_of("eth2"));
	assert_null(entry_of("eth3"));
}

/* A new epoch gives the aliases the new gate, too. */
static void test_bond_gates(void **state)
{
	static struct gate hairpin;

	(void)state;
	add("eth0", ALL);
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 bond0"), MANAGER_STARTED);
	gates_open(slots, &hairpin);
	check_alias("eth1", "bond0");
	gates_next_epoch();
	check_alias("eth1", "bond0");
	assert_memory_not_equal(&entry_of("eth0")->gate, &entry_of("bond0")->gate, sizeof(struct gate));
	gates_close();
}

/* From a bond to another. */
static void test_bonds(void **state)
{
	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	add_bond("bond1");
	add_member("eth2", "virtio_net", "bond1");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0 bond1"), MANAGER_STARTED);
	check_alias("eth1", "bond0");
	check_alias("eth2", "bond1");
	named("eth2")->link.upper = named("bond0")->link.ifindex;
	named("eth1")->link.upper = named("bond1")->link.ifindex;
	manager_refresh();
	check_alias("eth2", "bond0");
	check_alias("eth1", "bond1");
	/* Never of two at a time, nor a device that carries the program. */
	assert_int_equal(attachment_alias_put(named("bond1")->link.ifindex, &named("eth2")->link), -EEXIST);
	assert_int_equal(attachment_alias_put(named("bond1")->link.ifindex, &named("bond0")->link), -EEXIST);
	assert_int_equal(attachment_alias_put(named("eth1")->link.ifindex, &named("eth2")->link), -ENOENT);
	check_alias("eth2", "bond0");
}

/* In generic mode the program runs on the bond's own packets. */
static void test_bond_generic(void **state)
{
	struct fake *member;

	(void)state;
	add_bond("bond0")->features = 0;
	add_member("eth1", "virtio_net", "bond0");
	member = add_member("eth2", "e1000e", "bond0");
	member->features = 0;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "generic");
	assert_true(logged("bond0: generic mode, mtu 1500: its member eth2", "e1000e"));
	assert_null(entry_of("eth1"));
	assert_int_equal(named("bond0")->attempts, 1);
	/* That member leaves, and the bond can do what the others can. */
	member->link.upper = 0;
	named("bond0")->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("bond0"), "native");
	assert_true(logged("bond0: native mode by eth1, mtu 1500", ""));
	check_alias("eth1", "bond0");
	assert_null(entry_of("eth2"));
}

/* A kernel before 6.3 tells nothing of what a bond can do: other members are the reason to ask again. */
static void test_bond_old_kernel(void **state)
{
	struct fake *bond = add_bond("bond0");

	(void)state;
	host.unknown = true;
	add_member("eth1", "virtio_net", "bond0");
	add_member("eth2", "ixgbe", "bond0");
	bond->native_error = -EOPNOTSUPP;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "generic");
	assert_true(logged("bond0: generic mode, mtu 1500: the kernel does not run the program on the members", "5.15"));
	manager_refresh();
	assert_int_equal(bond->attempts, 2);
	named("eth2")->link.upper = 0;
	bond->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("bond0"), "native");
	assert_int_equal(bond->attempts, 3);
	/* With xdp-mode=generic it stays as it is. */
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "bond0"), MANAGER_STARTED);
	named("eth1")->link.upper = 0;
	manager_refresh();
	assert_int_equal(bond->attempts, 4);
}

/* The dispatcher's program runs on the members as well, and its line stays. */
static void test_bond_dispatcher(void **state)
{
	struct fake *bond = add_bond("bond0");

	(void)state;
	dispatcher = ATTACHMENT_NATIVE;
	bond->foreign = 9;
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_true(logged("bond0: native mode through libxdp's dispatcher", ""));
	check_alias("eth1", "bond0");
	add_member("eth2", "virtio_net", "bond0");
	manager_refresh();
	check_alias("eth2", "bond0");
	assert_string_equal(host.log, "");
}

/* Neither beside the bond nor alone; and it is left when it becomes a member. */
static void test_member_by_name(void **state)
{
	static const char said[] = "eth1 is a member of bond0";

	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1 bond0"), MANAGER_STARTED);
	assert_true(logged("eth1: left out", said));
	assert_string_equal(mode_of("eth1"), "-");
	check_alias("eth1", "bond0");
	manager_stop();
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth1"), MANAGER_FAILED);
	assert_string_equal(mode_of("eth1"), "-");
	named("eth1")->link.upper = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "generic");
	manager_stop();
	assert_int_equal(start(OPTION_MODE_AUTO, "eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth1"), "native");
	host.log[0] = '\0';
	named("eth1")->link.upper = named("bond0")->link.ifindex;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "-");
	assert_true(logged("eth1: left out", said));
}

/* A bond loses redirects if one of its members does; between members XDP_TX is one. */
static void test_bond_queues(void **state)
{
	struct fake *bond = add_bond("bond0"), *member;

	(void)state;
	host.cpus = 4;
	add_member("eth1", "i40e", "bond0")->channels.combined = 4;
	member = add_member("eth2", "i40e", "bond0");
	member->channels.combined = 3;
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_string_equal(mode_of("bond0"), "native");
	manager_refresh();
	assert_int_equal(leaving_flags(bond->link.ifindex), 0);
	assert_true(logged("eth2: has 3 queues", "ethtool -L eth2 combined 4"));
	assert_true(shown[0].no_redirect);
	named("eth2")->channels.combined = 4;
	manager_refresh();
	assert_int_equal(leaving_flags(bond->link.ifindex), HOP_REDIRECT | HOP_TRANSMIT);
	assert_false(shown[0].no_redirect);
}

/* With one virtual function nothing is redirected, so nothing is said of its queues. */
static void test_netvsc_queues(void **state)
{
	(void)state;
	host.cpus = 4;
	add("eth0", ALL)->driver = "hv_netvsc";
	add_member("enP1", "mlx5_core", "eth0")->channels.combined = 3;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "native");
	manager_refresh();
	assert_false(logged("enP1: has 3 queues", ""));
	manager_stop();
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_true(logged("enP1: has 3 queues", ""));
}

/* How frames leave by a bond. */
static void test_bond_flags(void **state)
{
	static const struct {
		const char *what, *driver;
		uint64_t features;
		unsigned int members;
		bool unknown;
		uint8_t expected;
	} table[] = {
		{ "two cards", "virtio_net", ALL, 2, false, HOP_REDIRECT | HOP_TRANSMIT },
		{ "two cards that take frames of several buffers", "virtio_net", ALL | XDP_FEATURE_NDO_XMIT_SG, 2, false,
		  HOP_REDIRECT | HOP_TRANSMIT | HOP_FRAGS },
		{ "two veths", "veth", ALL, 2, false, HOP_REDIRECT },
		{ "two cards, and the kernel does not say", "virtio_net", ALL, 2, true, HOP_REDIRECT | HOP_TRANSMIT },
		{ "one card that does not send", "mlx4_en", CAN, 1, false, HOP_TRANSMIT },
		{ "two cards that send no more: XDP_TX would be a redirect", "made_up", CAN, 2, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct fake *bond;

		setup(NULL);
		print_message("# %s\n", table[i].what);
		bond = add_bond("bond0");
		add_member("eth1", table[i].driver, "bond0");
		if (table[i].members == 2)
			add_member("eth2", table[i].driver, "bond0");
		bond->features_attached = XDP_FEATURE_NDO_XMIT;
		assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
		assert_string_equal(mode_of("bond0"), "native");
		bond->features = table[i].features;
		bond->features_attached = 0;
		host.unknown = table[i].unknown;
		leaving_forget();
		assert_int_equal(leaving_flags(bond->link.ifindex), table[i].expected);
		teardown(NULL);
	}
}

/* A virtual function comes and goes. One without XDP would keep its packets from the program. */
static void test_netvsc(void **state)
{
	struct fake *function;

	(void)state;
	add("eth0", ALL)->driver = "hv_netvsc";
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0"), MANAGER_STARTED);
	assert_true(logged("eth0: native mode, mtu 1500", ""));
	function = add_member("enP1", "mlx5_core", "eth0");
	manager_refresh();
	check_alias("enP1", "eth0");
	assert_string_equal(mode_of("enP1"), "-");
	take_away("enP1");
	manager_refresh();
	function = add_member("enP2", "mana", "eth0");
	function->features = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
	assert_true(logged("eth0: generic mode, mtu 1500: its member enP2", "has no XDP"));
	assert_null(entry_of("enP2"));
}

/* More members than the program can know: theirs goes up. */
static void test_many_members(void **state)
{
	unsigned int known = 0;

	(void)state;
	add_bond("bond0");
	for (int i = 0; i < ABI_PORTS + 2; i++) {
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "eth%d", i);
		add_member(name, "virtio_net", "bond0");
	}
	assert_int_equal(start(OPTION_MODE_AUTO, "bond0"), MANAGER_STARTED);
	assert_true(logged("bond0: there is no room for its member", "said once"));
	manager_refresh();
	assert_int_equal(strlen(host.log), 0);
	for (int i = 0; i < ABI_PORTS; i++)
		known += slots[i].device == named("bond0")->link.ifindex;
	assert_int_equal(known, ABI_PORTS);
}

/* A driver that says only while a program is attached that it sends is tried for its other features. */
static void test_comes_to_redirect(void **state)
{
	struct fake *device = add("eth0", XDP_FEATURE_BASIC);

	(void)state;
	add("eth1", ALL);
	device->features_attached = XDP_FEATURE_NDO_XMIT;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	device->features = CAN;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
}

/* An alternative name (ip link property add altname) is no other name. */
static void test_alternative_name(void **state)
{
	(void)state;
	add("eth0", ALL)->alternative = "uplink";
	assert_int_equal(start(OPTION_MODE_AUTO, "uplink eth0"), MANAGER_STARTED);
	assert_true(manager_complete());
	manager_refresh();
	assert_false(logged("uplink", "now called"));
	/* Without it the interface has another name. */
	named("eth0")->alternative = NULL;
	manager_refresh();
	assert_true(logged("uplink: ", "now called eth0"));
}

/* A veth that is trusted is worth a warning. */
static void test_levels(void **state)
{
	add("eth0", ALL)->driver = "veth";
	(void)state;
	assert_int_equal(start(OPTION_MODE_NATIVE, "eth0"), MANAGER_STARTED);
	assert_int_equal(host.level, LOG_LEVEL_INFO);
	manager_stop();
	host.unknown = true;
	assert_int_equal(start(OPTION_MODE_NATIVE, "eth0"), MANAGER_STARTED);
	assert_int_equal(host.level, LOG_LEVEL_WARNING);
}

/* The name of one that is gone may be given to another that is there. */
static void test_name_taken_over(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 eth1"), MANAGER_STARTED);
	take_away("eth0");
	strcpy(named("eth1")->link.name, "eth0");
	host.log[0] = '\0';
	manager_refresh();
	assert_non_null(strstr(host.log, "eth0: the interface is gone"));
	assert_non_null(strstr(host.log, "eth1: is now called eth0"));
	assert_null(strstr(host.log, "native"));
	assert_string_equal(mode_of("eth0"), "native");
}

/* A driver is tried again when something is different, and not before. */
static void test_tried_again(void **state)
{
	struct fake *device = add("eth0", CAN), *refuses = add("eth1", ALL);
	unsigned int attempts;

	(void)state;
	refuses->native_error = refuses->generic_error = -ENOMEM;
	add("eth2", ALL);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth1"), MANAGER_STARTED);
	assert_int_equal(refuses->attempts, 2);
	manager_refresh();
	manager_refresh();
	assert_int_equal(refuses->attempts, 2);
	refuses->link.mtu = 1400;
	refuses->native_error = 0;
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	manager_stop();

	/* A device in generic mode that comes to send what it is given goes native. It is not the only way out. */
	add("busy", ALL)->foreign = 9;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth0 busy"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth0"), "generic");
	manager_refresh();
	assert_int_equal(device->attempts, 2);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	manager_stop();
	/* So does one that was generic only for its sake, but not before. */
	device->features = CAN;
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth0"), MANAGER_STARTED);
	assert_string_equal(mode_of("eth2"), "generic");
	attempts = named("eth2")->attempts;
	manager_refresh();
	assert_string_equal(mode_of("eth2"), "generic");
	assert_int_equal(named("eth2")->attempts, attempts);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_string_equal(mode_of("eth2"), "native");
	manager_stop();
	/* Not if xdp-mode says generic. */
	device->features = CAN;
	assert_int_equal(start(OPTION_MODE_GENERIC, "eth0"), MANAGER_STARTED);
	device->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "generic");
}

/* Inspectors see what the log says. */
static void test_shown(void **state)
{
	static const uint8_t modes[] = { STATUS_MODE_NONE, STATUS_MODE_NATIVE, STATUS_MODE_GENERIC };
	static const char *const names[] = { "eth2", "eth0.5", "br0" };
	static const char *const devices[] = { "", "eth0", "br0" };
	static const char *const lines[] = { "another XDP program", "native mode on eth0, mtu 1500", "generic mode, mtu 1500: the driver" };

	(void)state;
	add("eth2", ALL)->foreign = 9;
	add("eth0", ALL);
	add_vlan("eth0.5", 5, ETH_P_8021Q, "eth0");
	add("br0", ALL & ~XDP_FEATURE_BASIC);
	assert_int_equal(start(OPTION_MODE_AUTO, "eth2 eth0.5 br0"), MANAGER_STARTED);
	manager_refresh();
	for (unsigned int i = 0; i < COUNT(names); i++) {
		assert_string_equal(shown[i].name, names[i]);
		assert_int_equal(shown[i].ifindex, named(names[i])->link.ifindex);
		assert_string_equal(shown[i].device, devices[i]);
		assert_int_equal(shown[i].device_ifindex, devices[i][0] ? named(devices[i])->link.ifindex : 0);
		assert_int_equal(shown[i].mode, modes[i]);
		assert_int_equal(shown[i].dispatched, 0);
		assert_non_null(strstr(shown[i].line, lines[i]));
	}
	take_away("br0");
	manager_refresh();
	assert_string_equal(shown[2].name, "br0");
	assert_int_equal(shown[2].ifindex, 0);
	assert_int_equal(shown[2].mode, STATUS_MODE_NONE);
	assert_non_null(strstr(shown[2].line, "is gone"));
}

/* ---- interfaces that are selected by the server's addresses ---- */

/* An address that is gone may be back: its interface is let go after three seconds, and another one gets it at once. */
static void test_address_moves(void **state)
{
	static const char *const addresses[] = { "192.0.2.1" };
	struct fake *first = add("eth0", ALL), *second = add("eth1", ALL);

	(void)state;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_false(manager_complete());
	assert_true(logged("waiting for 192.0.2.1", "no interface has it"));
	first->address = addresses[0];
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_true(manager_complete());
	first->address = NULL;
	manager_refresh();
	assert_false(manager_complete());
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	/* It is back: the three seconds begin anew. */
	first->address = addresses[0];
	manager_refresh();
	first->address = NULL;
	second->address = addresses[0];
	manager_refresh();
	assert_string_equal(mode_of("eth1"), "native");
	now += 2;
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown_count, 2);
	now += 2;
	host.log[0] = '\0';
	manager_refresh();
	assert_string_equal(mode_of("eth0"), "-");
	assert_true(logged("eth0: let go", ""));
	assert_string_equal(mode_of("eth1"), "native");
	assert_int_equal(shown_count, 1);
	assert_string_equal(shown[0].name, "eth1");
	assert_int_equal(first->attempts, 1);
}

/* An interface that packets only leave by: native or nothing, and nothing is said of it unless it is native. */
static void test_optional(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2" };
	struct fake *in = add("in", ALL), *out = add("out", CAN), *bridge = add("br0", 0);
	unsigned int all;

	(void)state;
	in->address = addresses[0];
	out->leads_out = true;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_true(manager_complete());
	assert_int_equal(manager_carriers(&all), 1);
	assert_int_equal(all, 1);
	assert_string_equal(mode_of("in"), "native");
	assert_string_equal(mode_of("out"), "-");
	assert_null(strstr(host.log, "out"));
	/* It comes to be able to. */
	out->features = ALL;
	manager_refresh();
	assert_string_equal(mode_of("out"), "native");
	assert_int_equal(manager_carriers(&all), 2);
	assert_int_equal(all, 2);
	manager_stop();

	/* Where all are generic it has no use; and it has one again when they are native. */
	bridge->address = addresses[1];
	assert_int_equal(start_for(addresses, 2), MANAGER_STARTED);
	assert_string_equal(mode_of("in"), "generic");
	assert_string_equal(mode_of("out"), "-");
	assert_true(manager_complete());
	bridge->address = NULL;
	manager_refresh();
	now += 4;
	manager_refresh();
	assert_string_equal(mode_of("br0"), "-");
	manager_refresh();
	assert_string_equal(mode_of("in"), "native");
	assert_string_equal(mode_of("out"), "native");
	/* With an address it may be generic. */
	out->address = addresses[1];
	out->attempts = 0;
	manager_refresh();
	assert_string_equal(mode_of("out"), "native");
	assert_int_equal(out->attempts, 0);
}

/* A server that has only interfaces by which packets leave waits for its address. */
static void test_only_optional(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "127.0.0.1" };

	(void)state;
	add("out", ALL)->leads_out = true;
	assert_int_equal(start_for(addresses, 1), MANAGER_STARTED);
	assert_false(manager_complete());
	manager_stop();
	/* Loopback addresses are not waited for. */
	assert_int_equal(start_for(addresses + 1, 1), MANAGER_FAILED);
	assert_true(logged("no interface to attach to", ""));
}

/* ---- the watch over native attachments ---- */

/* So many seconds pass, and in each of them so many frames come in by the device; the program sees them, or does not. */
static void pass(const char *name, unsigned int seconds, unsigned int frames, bool seen)
{
	while (seconds--) {
		struct fake *device = named(name);

		device->counted.received += frames;
		if (host.counts_received)
			device->drops.received += frames;
		for (unsigned int i = 0; i < ABI_PORTS; i++) {
			if (slots[i].ifindex == device->link.ifindex && seen)
				slots[i].seen = 1;
		}
		now++;
		manager_refresh();
		/* An event in the same second. */
		manager_refresh();
	}
}

static void test_never_runs(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "xen-netfront";
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 20, 100, true);
	assert_false(logged("none of", ""));
	assert_int_equal(device->attempts, 1);
	/* Three seconds after the one that raised the doubt, and the one in which counting began. */
	pass("eth0", 3, 100, false);
	assert_int_equal(device->attempts, 1);
	pass("eth0", 2, 100, false);
	assert_true(logged("eth0: the program is attached in native mode and has seen none of 300 packets", "anew"));
	assert_int_equal(device->attempts, 2);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
	/* It runs. */
	pass("eth0", 2, 100, true);
	assert_int_equal(shown[0].fault, STATUS_FAULT_NONE);
	assert_false(host.counts_received);
	/* And again it does not, so soon that attaching does not help. */
	pass("eth0", 5, 100, false);
	assert_true(logged("eth0: native mode does not work: the driver (xen-netfront) has taken the program", "generic mode"));
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
	assert_non_null(strstr(shown[0].line, "generic mode, mtu 1500: native mode does not work"));
	/* It stays so, whatever comes, also if the device says that it can do more. */
	device->features |= 1 << 6;
	pass("eth0", 1000, 100, true);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(device->attempts, 3);
	/* A device that comes in its place is another one. */
	take_away("eth0");
	manager_refresh();
	device = add("eth0", ALL);
	pass("eth0", 2, 100, true);
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(shown[0].fault, STATUS_FAULT_NONE);
}

/* What the driver does long after it was attached anew is another failure. */
static void test_never_runs_again(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 1; i < 4; i++) {
		pass("eth0", 1000, 100, true);
		pass("eth0", 5, 100, false);
		assert_int_equal(device->attempts, 1 + i);
		assert_string_equal(mode_of("eth0"), "native");
	}
}

/* A kernel where it cannot be counted what the network stack receives. */
static void test_never_runs_without_proof(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	host.count_error = -EOPNOTSUPP;
	pass("eth0", 1, 100, true);
	pass("eth0", 10, 100, false);
	assert_int_equal(device->attempts, 1);
	pass("eth0", 1, 100, false);
	assert_int_equal(device->attempts, 2);
	pass("eth0", 10, 100, false);
	assert_string_equal(mode_of("eth0"), "native");
	pass("eth0", 1, 100, false);
	assert_string_equal(mode_of("eth0"), "generic");
}

/* Devices that are gone take no room from others. */
static void test_watched_come_and_go(void **state)
{
	(void)state;
	add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 0; i < 2 * ABI_PORTS; i++) {
		take_away("eth0");
		manager_refresh();
		add("eth0", ALL);
		pass("eth0", 2, 100, true);
		logged("", "");
	}
	pass("eth0", 5, 100, false);
	assert_true(logged("eth0: the program is attached in native mode and has seen none", ""));
}

static void test_never_runs_in_native_mode(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	start(OPTION_MODE_NATIVE, "eth0");
	pass("eth0", 20, 100, false);
	assert_true(logged("eth0: native mode does not work", "use xdp-mode=auto"));
	pass("eth0", 100, 100, false);
	/* The warning stands, also if the program runs for a moment. */
	pass("eth0", 1, 100, true);
	pass("eth0", 100, 100, false);
	assert_false(logged("eth0", ""));
	assert_string_equal(mode_of("eth0"), "native");
	assert_int_equal(device->attempts, 2);
	assert_int_equal(shown[0].fault, STATUS_FAULT_NEVER_RUNS);
}

/* A program that others come before may well see nothing, and its mode is not ours to choose. */
static void test_never_runs_in_dispatcher(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->foreign = 9;
	dispatcher = ATTACHMENT_NATIVE;
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 100, 100, false);
	assert_true(logged("eth0: native mode does not work", ""));
	assert_int_equal(host.joined, 1);
}

static void test_no_room(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "gve";
	start(OPTION_MODE_AUTO, "eth0");
	for (unsigned int i = 0; i < 4; i++) {
		assert_string_equal(mode_of("eth0"), "native");
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
	}
	pass("eth0", 1, 100, true);
	assert_true(logged("the driver (gve) leaves the program no room", ""));
	assert_string_equal(mode_of("eth0"), "generic");
}

/* A driver that keeps the program: that is said once, and the mode changes when the driver can give it back. */
static void test_no_room_and_stuck(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "gve";
	start(OPTION_MODE_AUTO, "eth0");
	device->link.mtu = 9000;
	host.mtu_error = -EPERM;
	for (unsigned int i = 0; i < 30; i++) {
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
		if (i == 10)
			assert_true(logged("eth0: native mode does not work", "does not give the program back"));
	}
	assert_false(logged("native mode does not work", ""));
	assert_string_equal(mode_of("eth0"), "native");
	host.mtu_error = 0;
	for (unsigned int i = 0; i < 5; i++) {
		pass("eth0", 1, 100, true);
		slots[0].no_room += 10;
	}
	assert_true(logged("the driver (gve) leaves the program no room", "generic mode"));
	assert_string_equal(mode_of("eth0"), "generic");
}

static void test_not_sent(void **state)
{
	struct fake *device;

	(void)state;
	device = add("eth0", ALL);
	device->driver = "ixgbevf";
	start(OPTION_MODE_AUTO, "eth0");
	/* Redirects that the kernel refuses say nothing of the driver that they come in by. */
	for (unsigned int i = 0; i < 10; i++) {
		device->drops.failed += 100;
		device->drops.refused += 100;
		pass("eth0", 1, 100, true);
	}
	assert_string_equal(mode_of("eth0"), "native");
	for (unsigned int i = 0; i < 3; i++) {
		assert_string_equal(mode_of("eth0"), "native");
		device->drops.failed += 100;
		pass("eth0", 1, 100, true);
	}
	assert_true(logged("the driver (ixgbevf) does not send what the program returns", ""));
	assert_string_equal(mode_of("eth0"), "generic");
	assert_int_equal(shown[0].lost, 300);
}

static void test_redirects_lost(void **state)
{
	(void)state;
	add("eth0", ALL);
	start(OPTION_MODE_AUTO, "eth0");
	pass("eth0", 3, 100, true);
	assert_int_equal(leaving_flags(named("eth0")->link.ifindex), HOP_TRANSMIT | HOP_REDIRECT);
	named("eth0")->loses = true;
	pass("eth0", 3, 100, true);
	assert_true(logged("eth0: its driver drops frames that are redirected to it", "ethtool -L"));
	assert_int_equal(shown[0].fault, STATUS_FAULT_DROPS_REDIRECTS);
	assert_int_equal(leaving_flags(named("eth0")->link.ifindex), HOP_TRANSMIT);
	pass("eth0", 30, 100, true);
	assert_false(logged("drops frames", ""));
}

/* What the members of a bond lose is the bond's. */
static void test_members_lose(void **state)
{
	(void)state;
	add_bond("bond0");
	add_member("eth1", "virtio_net", "bond0");
	add_member("eth2", "virtio_net", "bond0");
	start(OPTION_MODE_AUTO, "bond0");
	pass("eth1", 1, 100, true);
	named("bond0")->drops.dropped = 1;
	named("eth1")->drops.failed = 20;
	named("eth2")->drops.failed = 300;
	named("eth2")->drops.refused = 300;
	named("eth2")->loses = true;
	pass("eth1", 1, 100, true);
	assert_int_equal(shown[0].lost, 21);
	assert_int_equal(shown[0].fault, STATUS_FAULT_DROPS_REDIRECTS);
}

/* With several interfaces generic mode relays them, unless the operator wants native. */
static void test_redirects_lost_between(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	start(OPTION_MODE_AUTO, "eth0 eth1");
	pass("eth0", 3, 100, true);
	named("eth1")->loses = true;
	pass("eth0", 1, 100, true);
	assert_true(logged("eth1: generic mode", "drops what is redirected to it"));
	pass("eth0", 4, 100, true);
	assert_string_equal(mode_of("eth0"), "generic");
	assert_string_equal(mode_of("eth1"), "generic");
	assert_int_equal(shown[1].fault, STATUS_FAULT_NONE);
	/* More queues may help. */
	named("eth1")->loses = false;
	named("eth1")->channels.combined = 8;
	pass("eth0", 1, 100, true);
	pass("eth0", 1, 100, true);
	assert_string_equal(mode_of("eth1"), "native");
	assert_string_equal(mode_of("eth0"), "native");
}

static void test_redirects_lost_native(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("eth1", ALL);
	start(OPTION_MODE_NATIVE, "eth0 eth1");
	pass("eth0", 3, 100, true);
	named("eth1")->loses = true;
	pass("eth0", 5, 100, true);
	assert_string_equal(mode_of("eth1"), "native");
	assert_int_equal(shown[1].fault, STATUS_FAULT_DROPS_REDIRECTS);
}

static void test_stray(void **state)
{
	(void)state;
	add("eth0", ALL);
	add("bond0", 0);
	add("vf0", ALL)->link.upper = named("bond0")->link.ifindex;
	start(OPTION_MODE_AUTO, "eth0");
	/* Frames that came in before the server knew of its own attachment. */
	stray.ifindex = named("eth0")->link.ifindex;
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 100;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, 0);
	/* A few, and then many. */
	stray.ifindex = named("vf0")->link.ifindex;
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 3;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, 0);
	for (unsigned int i = 0; i < 10; i++) {
		stray.count += 100;
		pass("eth0", 1, 100, true);
	}
	assert_int_equal(shown_stray, stray.ifindex);
	assert_true(logged("vf0: the program gets frames that come in by this interface", "part of bond0"));
	pass("eth0", 10, 100, true);
	assert_false(logged("vf0", ""));
	take_away("vf0");
	pass("eth0", 1, 100, true);
	assert_int_equal(shown_stray, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_modes),
		TEST(test_several),
		TEST(test_frags),
		TEST(test_mtu_raised_frags),
		TEST(test_mtu_raised),
		TEST(test_mtu_kept_by_driver),
		TEST(test_mtu_given_back),
		TEST(test_mtu_of_unknown_driver),
		TEST(test_mtu_stuck),
		TEST(test_refusal_asked_again),
		TEST(test_veth_other_end),
		TEST(test_line_is_current),
		TEST(test_own_reason_first),
		TEST(test_both_recover),
		TEST(test_alone),
		TEST(test_alone_no_longer),
		TEST(test_flags),
		TEST(test_queues),
		TEST(test_bond_queues),
		TEST(test_netvsc_queues),
		TEST(test_vlan_native),
		TEST(test_vlan_all),
		TEST(test_vlan_generic),
		TEST(test_vlan_table_refuses),
		TEST(test_gone_and_back),
		TEST(test_rename_and_address),
		TEST(test_outsider_comes),
		TEST(test_dispatcher),
		TEST(test_name_taken_over),
		TEST(test_detached_from_outside),
		TEST(test_tried_again),
		TEST(test_shown),
		TEST(test_detached_and_nothing_else),
		TEST(test_inputs),
		TEST(test_bond),
		TEST(test_bond_gates),
		TEST(test_bonds),
		TEST(test_bond_generic),
		TEST(test_bond_dispatcher),
		TEST(test_bond_old_kernel),
		TEST(test_member_by_name),
		TEST(test_bond_flags),
		TEST(test_netvsc),
		TEST(test_many_members),
		TEST(test_comes_to_redirect),
		TEST(test_alternative_name),
		TEST(test_levels),
		TEST(test_address_moves),
		TEST(test_optional),
		TEST(test_only_optional),
		TEST(test_never_runs),
		TEST(test_never_runs_again),
		TEST(test_never_runs_without_proof),
		TEST(test_watched_come_and_go),
		TEST(test_never_runs_in_native_mode),
		TEST(test_never_runs_in_dispatcher),
		TEST(test_no_room),
		TEST(test_no_room_and_stuck),
		TEST(test_not_sent),
		TEST(test_redirects_lost),
		TEST(test_members_lose),
		TEST(test_redirects_lost_between),
		TEST(test_redirects_lost_native),
		TEST(test_stray),
	};

	return cmocka_run_group_tests_name("manager", tests, NULL, NULL);
}
