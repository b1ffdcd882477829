/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel does to links, and what it says of an XDP program, in a network namespace of the test's own. */
#include "network_namespace.h"

#include "unit.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netlink/link_change.h"
#include "netlink/links.h"

static const char *missing; /* why there is no network to test in */
static int program = -1;

/* A program that passes every frame up. */
static int load_program(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, COUNT(pass), NULL);
}

static int setup(void **state)
{
	(void)state;
	missing = network_namespace_enter();
	if (!missing && system("ip link add near type veth peer name far && ip link add bridge0 type bridge && ip link set far mtu 9000"))
		missing = "ip cannot make a veth and a bridge";
	return 0;
}

static void need(bool loaded)
{
	if (!missing && loaded && program < 0)
		program = load_program();
	if (missing)
		print_message("# SKIP %s\n", missing);
	else if (loaded && program < 0)
		print_message("# SKIP the kernel does not let this user load a program\n");
	if (missing || (loaded && program < 0))
		skip();
}

static uint32_t mtu_of(const char *name)
{
	const struct link *link;
	struct links links;
	uint32_t mtu;

	assert_int_equal(links_read(&links), 0);
	link = links_find(&links, if_nametoindex(name));
	assert_non_null(link);
	mtu = link->mtu;
	links_free(&links);
	return mtu;
}

static void test_mtu(void **state)
{
	(void)state;
	need(false);
	assert_int_equal(link_change_mtu(if_nametoindex("bridge0"), 1400), 0);
	assert_int_equal(mtu_of("bridge0"), 1400);
	assert_int_equal(link_change_mtu(if_nametoindex("bridge0"), 1500), 0);
	assert_int_equal(link_change_mtu(12345, 1500), -ENODEV);
	assert_int_equal(link_change_mtu(if_nametoindex("near"), 70000), -EINVAL);
}

static void assert_no_program(const char *name)
{
	__u32 id = 7;

	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex(name), 0, &id), 0);
	assert_int_equal(id, 0);
}

/* The driver's own sentence; the kernel's for a driver without XDP; nothing if it is attached after all. */
static void test_ask(void **state)
{
	char sentence[256] = "before", tiny[8];

	(void)state;
	need(true);
	assert_int_equal(link_change_ask_xdp(if_nametoindex("near"), program, sentence, sizeof(sentence)), -ERANGE);
	assert_non_null(strstr(sentence, "Peer MTU is too large to set XDP"));
	assert_int_equal(link_change_ask_xdp(if_nametoindex("near"), program, tiny, sizeof(tiny)), -ERANGE);
	assert_int_equal(strlen(tiny), sizeof(tiny) - 1);
	assert_int_equal(link_change_ask_xdp(if_nametoindex("bridge0"), program, sentence, sizeof(sentence)), -EOPNOTSUPP);
	assert_non_null(strstr(sentence, "does not support XDP in native mode"));
	assert_int_equal(link_change_ask_xdp(if_nametoindex("far"), program, sentence, sizeof(sentence)), 0);
	assert_string_equal(sentence, "");
	assert_no_program("far");
	assert_int_equal(link_change_ask_xdp(12345, program, sentence, sizeof(sentence)), -ENODEV);
}

/* A program that is there is not replaced. */
static void test_occupied(void **state)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
	char sentence[256];
	__u32 id = 0;
	int link;

	(void)state;
	need(true);
	link = bpf_link_create(program, (int)if_nametoindex("far"), BPF_XDP, &options);
	assert_true(link >= 0);
	assert_int_equal(link_change_ask_xdp(if_nametoindex("far"), program, sentence, sizeof(sentence)), -EBUSY);
	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex("far"), 0, &id), 0);
	assert_int_not_equal(id, 0);
	close(link);
	assert_no_program("far");
	/* Nor is one without a link, even if it is the same one. */
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex("far"), program, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(link_change_ask_xdp(if_nametoindex("far"), program, sentence, sizeof(sentence)), -EBUSY);
	assert_int_equal(bpf_xdp_query_id((int)if_nametoindex("far"), 0, &id), 0);
	assert_int_not_equal(id, 0);
	assert_int_equal(bpf_xdp_detach((int)if_nametoindex("far"), XDP_FLAGS_DRV_MODE, NULL), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_occupied),
	};

	return cmocka_run_group_tests_name("link_change", tests, setup, NULL);
}
