/* SPDX-License-Identifier: BSD-3-Clause */
/* The entries of the devices that carry the program and of their aliases, and how frames leave. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "iface/attachment.h"
#include "iface/leaving.h"
#include "iface/give_back.h"
#include "iface/redirects.h"
#include "iface/verified.h"
#include "netlink/device.h"
#include "netlink/link_change.h"
#include "table/gates.h"

#define BOND 10u
#define ETH0 11u
#define ETH1 12u
#define OTHER 20u

static struct attachment slots[ABI_PORTS];
static struct gate hairpin;
static const char *driver, *release;

/* ---- the functions that replace the kernel's and libxdp's ---- */

int bpf_link_create(int program, int ifindex, enum bpf_attach_type type, const struct bpf_link_create_opts *options)
{
	(void)program;
	(void)ifindex;
	(void)type;
	(void)options;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int dispatcher_join(uint32_t ifindex, dispatcher_copy copy, bool *generic, char *why, size_t size)
{
	(void)ifindex;
	(void)copy;
	(void)why;
	(void)size;
	*generic = false;
	return 0;
}

void dispatcher_leave(uint32_t ifindex)
{
	(void)ifindex;
}

bool dispatcher_holds(uint32_t ifindex)
{
	return ifindex != 0;
}

static unsigned int questions; /* for XDP features */

int device_xdp_features(uint32_t ifindex, uint64_t *features)
{
	(void)ifindex;
	questions++;
	*features = XDP_FEATURE_BASIC | XDP_FEATURE_REDIRECT | XDP_FEATURE_NDO_XMIT;
	return 0;
}

bool device_driver_is(const char *name, const char *of)
{
	(void)name;
	return !strcmp(driver, of);
}

bool verified_may_come(const struct links *links, const struct link *link)
{
	(void)links;
	(void)link;
	return true;
}

void verified_follow(const struct links *links)
{
	(void)links;
}

bool verified_are_handed_on(uint32_t ifindex)
{
	(void)ifindex;
	return false;
}

void redirects_follow(const struct links *links)
{
	(void)links;
}

bool redirects_lack_queues(uint32_t device)
{
	(void)device;
	return false;
}

bool redirects_are_dropped(uint32_t device)
{
	(void)device;
	return false;
}

static unsigned int driver_questions;

void device_driver(const char *name, char to[DEVICE_DRIVER_SIZE])
{
	(void)name;
	driver_questions++;
	snprintf(to, DEVICE_DRIVER_SIZE, "%s", driver);
}

int give_back_begin(uint32_t ifindex, uint32_t mtu, struct give_back *lowered)
{
	(void)ifindex;
	(void)mtu;
	(void)lowered;
	return 0;
}

void give_back_end(struct give_back *lowered)
{
	(void)lowered;
}

int link_change_ask_xdp(uint32_t ifindex, int program, char *sentence, size_t size)
{
	(void)ifindex;
	(void)program;
	(void)sentence;
	(void)size;
	return -EOPNOTSUPP;
}

char *if_indextoname(unsigned int ifindex, char name[IF_NAMESIZE])
{
	snprintf(name, IF_NAMESIZE, "eth%u", ifindex);
	return name;
}

int uname(struct utsname *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
	strcpy(kernel->release, release);
	return 0;
}

/* ---- the entries ---- */

static int set_up(void **state)
{
	(void)state;
	driver = "virtio_net";
	release = "6.1.0-18-amd64";
	attachment_open(&(struct attachment_programs){ .linear = 7, .frags = -1 }, slots, NULL);
	gates_open(slots, &hairpin);
	leaving_stop();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	attachment_close();
	gates_close();
	return 0;
}

static struct link link_of(uint32_t ifindex)
{
	struct link link = { .ifindex = ifindex, .mac = { 2, 0, 0, 0, 0, (uint8_t)ifindex } };

	return link;
}

static void attach(uint32_t ifindex)
{
	struct link link = link_of(ifindex);

	assert_int_equal(attachment_attach(&link, false, false), 0);
}

/* A member that has taken over the MAC address of its bond. */
static int put_alias(uint32_t device, uint32_t alias)
{
	struct link link = link_of(device);

	link.ifindex = alias;
	return attachment_alias_put(device, &link);
}

static const struct attachment *entry(uint32_t ifindex)
{
	for (int i = 0; i < ABI_PORTS && slots[i].ifindex; i++) {
		if (slots[i].ifindex == ifindex)
			return &slots[i];
	}
	return NULL;
}

/* An entry like the device's, but for its own ifindex. */
static void check_alias(uint32_t alias, uint32_t device)
{
	assert_non_null(entry(alias));
	assert_int_equal(entry(alias)->device, device);
	assert_int_equal(entry(device)->device, device);
	assert_memory_equal(entry(alias)->mac, entry(device)->mac, 6);
	assert_int_equal(entry(alias)->generic, entry(device)->generic);
	assert_memory_equal(&entry(alias)->gate, &entry(device)->gate, sizeof(struct gate));
	assert_int_equal(attachment_state(alias), ATTACHMENT_NONE);
	assert_int_equal(attachment_state(device), ATTACHMENT_NATIVE);
}

static void test_alias(void **state)
{
	struct link bond = link_of(BOND);
	uint32_t listed[ABI_PORTS];

	(void)state;
	assert_int_equal(put_alias(BOND, ETH0), -ENOENT);
	attach(OTHER);
	attach(BOND);
	assert_int_equal(put_alias(BOND, ETH0), 0);
	assert_int_equal(put_alias(BOND, ETH1), 0);
	assert_int_equal(put_alias(BOND, ETH1), 0); /* again */
	check_alias(ETH0, BOND);
	check_alias(ETH1, BOND);
	assert_memory_not_equal(&entry(OTHER)->gate, &entry(BOND)->gate, sizeof(struct gate));
	assert_int_equal(attachment_aliases(BOND, listed), 2);
	assert_int_equal(listed[0] + listed[1], ETH0 + ETH1);
	assert_int_equal(attachment_aliases(OTHER, listed), 0);
	assert_int_equal(attachment_list(listed), 2);
	assert_int_equal(listed[0] + listed[1], OTHER + BOND);
	/* An interface is one thing at a time. */
	assert_int_equal(put_alias(OTHER, ETH0), -EEXIST);
	assert_int_equal(put_alias(BOND, OTHER), -EEXIST);
	bond.ifindex = ETH0;
	assert_int_equal(attachment_attach(&bond, false, false), -EEXIST);

	/* What changes of the device changes of its aliases; their MAC addresses are told anew. */
	bond.ifindex = BOND;
	bond.mac[1] = 0x77;
	attachment_readdress(&bond);
	gates_next_epoch();
	for (bond.ifindex = ETH0; bond.ifindex <= ETH1; bond.ifindex++)
		assert_int_equal(attachment_alias_put(BOND, &bond), 0);
	check_alias(ETH0, BOND);
	check_alias(ETH1, BOND);
	assert_int_equal(entry(ETH1)->mac[1], 0x77);
	assert_int_equal(entry(OTHER)->mac[1], 0);
}

/* An alias that goes takes its entry along, and so does a device those of its aliases. */
static void test_removed(void **state)
{
	uint32_t listed[ABI_PORTS];

	(void)state;
	attach(BOND);
	assert_int_equal(put_alias(BOND, ETH0), 0);
	attachment_alias_remove(ETH0);
	attachment_alias_remove(ETH0);
	attachment_alias_remove(BOND); /* no alias */
	assert_null(entry(ETH0));
	assert_non_null(entry(BOND));
	/* It may carry the program itself now, and is no alias then. */
	attach(ETH0);
	attachment_alias_remove(ETH0);
	assert_int_equal(attachment_state(ETH0), ATTACHMENT_NATIVE);
	assert_int_equal(put_alias(BOND, ETH1), 0);
	attachment_detach(ETH1); /* carries nothing itself */
	check_alias(ETH1, BOND);
	attachment_detach(BOND);
	assert_null(entry(BOND));
	assert_null(entry(ETH1));
	assert_int_equal(attachment_aliases(BOND, listed), 0);
	assert_int_equal(attachment_state(ETH0), ATTACHMENT_NATIVE);
}

/* A new entry begins with no frames seen. */
static void test_counters_begin(void **state)
{
	(void)state;
	attach(BOND);
	slots[0].seen = slots[0].no_room = 1;
	assert_int_equal(put_alias(BOND, ETH0), 0);
	assert_int_equal(entry(ETH0)->seen | entry(ETH0)->no_room, 0);
	attachment_detach(BOND);
	attach(OTHER);
	assert_int_equal(entry(OTHER)->seen | entry(OTHER)->no_room, 0);
}

/* 16 devices have a place each. The other entries are for aliases. */
static void test_full(void **state)
{
	struct link more = link_of(OTHER + ABI_ATTACHMENTS);
	uint32_t places = 0;

	(void)state;
	for (uint32_t i = 0; i < ABI_ATTACHMENTS; i++) {
		attach(OTHER + i);
		places |= gates_place(&entry(OTHER + i)->gate);
	}
	assert_int_equal(places, GATE_DEVICES);
	assert_int_equal(attachment_attach(&more, false, false), -EUSERS);
	for (uint32_t i = 0; i < ABI_PORTS - ABI_ATTACHMENTS; i++)
		assert_int_equal(put_alias(OTHER + i % ABI_ATTACHMENTS, 100 + i), 0);
	assert_int_equal(put_alias(OTHER, 99), -EUSERS);
	/* What an alias leaves is no place for a device. */
	attachment_alias_remove(100);
	assert_int_equal(attachment_attach(&more, false, false), -EUSERS);
	attachment_detach(OTHER + 1);
	assert_int_equal(attachment_attach(&more, false, false), 0);
}

/* A place that another device had begins another epoch; one that none had does not. */
static void test_place_again(void **state)
{
	gates_state before = gates_now();

	(void)state;
	for (uint32_t i = 0; i < ABI_ATTACHMENTS; i++) {
		attach(OTHER + i);
		attachment_detach(OTHER + i);
	}
	assert_true(gates_same_epoch(before, gates_now()));
	attach(OTHER);
	assert_false(gates_same_epoch(before, gates_now()));
	before = gates_now();
	assert_int_equal(put_alias(OTHER, ETH0), 0);
	attachment_alias_remove(ETH0);
	assert_int_equal(put_alias(OTHER, ETH1), 0);
	assert_true(gates_same_epoch(before, gates_now()));
}

/* ---- how frames leave ---- */

static void test_transmit(void **state)
{
	static const struct {
		const char *driver, *release;
		bool generic, transmits;
	} cases[] = {
		{ "virtio_net", "5.10.0", false, true },
		{ "veth", "6.12.0", false, false },
		{ "veth", "6.12.0", true, true },
		{ "vmxnet3", "6.11.11-1", false, false },
		{ "vmxnet3", "5.15.0", false, false },
		{ "vmxnet3", "6.12.0", false, true },
		{ "vmxnet3", "7.0.1", false, true },
		{ "vmxnet3", "6.1.0", true, true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct link link = link_of(ETH0);

		print_message("# %s, %s\n", cases[i].driver, cases[i].release);
		set_up(state);
		driver = cases[i].driver;
		release = cases[i].release;
		assert_int_equal(attachment_attach(&link, cases[i].generic, false), 0);
		assert_int_equal(leaving_flags(ETH0), HOP_REDIRECT | (cases[i].transmits ? HOP_TRANSMIT : 0));
		tear_down(state);
	}
	set_up(state);
}

/* The next hops of several devices come in any order. */
static void test_flags_remembered(void **state)
{
	unsigned int before;

	(void)state;
	attach(BOND);
	attach(OTHER);
	leaving_flags(BOND);
	leaving_flags(OTHER);
	before = questions;
	assert_int_equal(leaving_flags(BOND), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(leaving_flags(OTHER), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(questions, before);
	leaving_forget();
	leaving_flags(BOND);
	assert_true(questions > before);
	/* More than are remembered. */
	for (uint32_t ifindex = 1; ifindex < 2 * ABI_DEVICES; ifindex++)
		leaving_flags(1000 + ifindex);
	assert_int_equal(leaving_flags(OTHER), HOP_REDIRECT | HOP_TRANSMIT);
}

/* A device keeps its driver as long as it is there. */
static void test_drivers_remembered(void **state)
{
	struct link link = link_of(BOND);
	struct links links = { .link = &link, .count = 1 };

	(void)state;
	attach(BOND);
	driver_questions = 0;
	assert_int_equal(leaving_flags(BOND), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(driver_questions, 1);
	driver = "veth";
	leaving_follow(&links);
	assert_int_equal(leaving_flags(BOND), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(driver_questions, 1);
	links.count = 0;
	leaving_follow(&links);
	assert_int_equal(leaving_flags(BOND), HOP_REDIRECT);
	assert_int_equal(driver_questions, 2);
	leaving_stop();
	driver = "virtio_net";
	assert_int_equal(leaving_flags(BOND), HOP_REDIRECT | HOP_TRANSMIT);
	assert_int_equal(driver_questions, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_alias, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counters_begin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_place_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_transmit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flags_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_drivers_remembered, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("attachment", tests, NULL, NULL);
}
