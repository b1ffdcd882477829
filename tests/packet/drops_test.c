/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted of frames that an XDP program has sent: on veths, whose other ends take them, or drop them. */
#include "unit/network_namespace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include "iface/drops.h"

#define FRAMES 1000u

static const char *missing;

static void need(void)
{
	if (!missing)
		return;
	print_message("skipped: %s\n", missing);
	skip();
}

static int shell(const char *line)
{
	return system(line) ? -1 : 0;
}

static int open_all(void **state)
{
	cpu_set_t one;
	int error;

	(void)state;
	/* Devices are judged by CPU, so all frames are sent by the same one. */
	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	missing = geteuid() ? "needs root" : network_namespace_enter();
	if (missing)
		return 0;
	if (shell("ip link add in0 type veth peer name in1 && ip link add out0 type veth peer name out1 && "
		  "ip link add br0 type bridge && "
		  "for name in in0 in1 out0 out1 br0; do ip link set $name up || exit; done"))
		missing = "the kernel has no veths or bridges, or ip(8) is not installed";
	error = drops_start();
	if (error && !missing)
		missing = "the kernel has no BTF, or does not let its tracepoints be used";
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	drops_stop();
	return 0;
}

/* A program that redirects all frames to a device. Returns its file descriptor. */
static int redirect_to(uint32_t ifindex)
{
	int map = bpf_map_create(BPF_MAP_TYPE_DEVMAP_HASH, "to", 4, 4, 1, NULL), program;
	const struct bpf_insn code[] = {
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ 0 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = (int)ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	assert_true(map >= 0);
	assert_int_equal(bpf_map_update_elem(map, &ifindex, &ifindex, 0), 0);
	program = bpf_prog_load(BPF_PROG_TYPE_XDP, "redirect", "GPL", code, sizeof(code) / sizeof(code[0]), NULL);
	assert_true(program >= 0);
	close(map);
	return program;
}

/* Frames come in by in0, and are redirected. Skips the test on kernels before 5.18, whose test runs send nothing. */
static void redirect(const char *name)
{
	unsigned char frame[64] = { 0 };
	struct xdp_md context = { .data_end = sizeof(frame), .ingress_ifindex = if_nametoindex("in0") };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = FRAMES, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int program = redirect_to(if_nametoindex(name));
	int error = bpf_prog_test_run_opts(program, &options);

	close(program);
	if (error == -EINVAL) {
		print_message("skipped: this kernel's test runs send no frames (before 5.18)\n");
		skip();
	}
	assert_int_equal(error, 0);
}

static void test_sent(void **state)
{
	uint32_t out;

	(void)state;
	need();
	assert_int_equal(shell("ethtool -K out1 gro on"), 0);
	out = if_nametoindex("out0");
	drops_read(out);
	for (int i = 0; i < 5; i++) {
		redirect("out0");
		drops_look(out, true);
	}
	assert_int_equal(drops_read(out).sent, 5 * FRAMES);
	assert_int_equal(drops_read(out).dropped, 0);
	assert_false(drops_lose_redirects(out));
	drops_forget(out);
	assert_int_equal(drops_read(out).sent, 0);
}

static void check_losing(const char *lose, const char *work)
{
	uint32_t out = if_nametoindex("out0");

	assert_int_equal(shell(lose), 0);
	drops_forget(out);
	drops_read(out);
	for (int i = 0; i < 3; i++) {
		assert_false(drops_lose_redirects(out));
		redirect("out0");
		drops_look(out, true);
	}
	assert_int_equal(drops_read(out).sent, 0);
	assert_int_equal(drops_read(out).dropped, 3 * FRAMES);
	assert_true(drops_lose_redirects(out));
	drops_look(out, true);
	assert_true(drops_lose_redirects(out));
	drops_forget(out);
	assert_false(drops_lose_redirects(out));
	/* While the link is down, that is what it has to do. */
	for (int i = 0; i < 5; i++) {
		redirect("out0");
		drops_look(out, false);
	}
	assert_false(drops_lose_redirects(out));
	/* A second in which a frame is sent is another matter. */
	for (int i = 0; i < 5; i++) {
		redirect("out0");
		if (i == 2) {
			assert_int_equal(shell(work), 0);
			redirect("out0");
			assert_int_equal(shell(lose), 0);
		}
		drops_look(out, true);
	}
	assert_false(drops_lose_redirects(out));
}

/* The other end has neither GRO nor a program: the kernel redirects nothing to the device. */
static void test_device_takes_none(void **state)
{
	(void)state;
	need();
	check_losing("ethtool -K out1 gro off", "ethtool -K out1 gro on");
	assert_int_equal(shell("ethtool -K out1 gro on"), 0);
}

/* The other end is down: the kernel hands the frames to the driver, which drops them. */
static void test_driver_drops(void **state)
{
	(void)state;
	need();
	assert_int_equal(shell("ethtool -K out1 gro on"), 0);
	check_losing("ip link set out1 down", "ip link set out1 up");
	assert_int_equal(shell("ip link set out1 up"), 0);
}

static void test_kernel_refuses(void **state)
{
	uint32_t in, bridge;

	(void)state;
	need();
	in = if_nametoindex("in0");
	bridge = if_nametoindex("br0");
	drops_read(in);
	drops_read(bridge);
	redirect("br0");
	assert_int_equal(drops_read(bridge).dropped, FRAMES);
	assert_int_equal(drops_read(in).refused, FRAMES);
	assert_int_equal(drops_read(in).dropped, 0);
}

static void send_frames(const char *name, unsigned int count)
{
	static const unsigned char frame[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	struct sockaddr_storage address = { .ss_family = AF_PACKET };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	/* struct sockaddr_ll: family, protocol, index */
	((uint32_t *)&address)[1] = if_nametoindex(name);
	while (count--)
		assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&address, 20), sizeof(frame));
	close(fd);
}

static uint64_t received_since(uint32_t ifindex, uint64_t before, uint64_t wanted)
{
	for (int i = 0; i < 500 && drops_read(ifindex).received - before < wanted; i++)
		usleep(10000);
	return drops_read(ifindex).received - before;
}

static void test_received(void **state)
{
	uint32_t in;
	uint64_t before;

	(void)state;
	need();
	in = if_nametoindex("in0");
	drops_read(in);
	assert_int_equal(drops_count_received(true), 0);
	assert_int_equal(drops_count_received(true), 0);
	before = drops_read(in).received;
	send_frames("in1", 50);
	assert_true(received_since(in, before, 50) >= 50);
	assert_int_equal(drops_count_received(false), 0);
	before = drops_read(in).received;
	send_frames("in1", 50);
	send_frames("out1", 50);
	assert_int_equal(drops_read(in).received - before, 0);
}

/* Devices whose indices have the same place, and more than there is room for. */
static void test_places(void **state)
{
	uint32_t listed[DROPS_DEVICES];

	(void)state;
	need();
	for (uint32_t i = 0; i < 2 * DROPS_PROBES; i++)
		drops_read(100000 + i * DROPS_DEVICES);
	assert_true(drops_list(listed) >= DROPS_PROBES);
	assert_true(drops_list(listed) < 2 * DROPS_PROBES);
	for (uint32_t i = 0; i < 2 * DROPS_PROBES; i++)
		drops_forget(100000 + i * DROPS_DEVICES);
	for (unsigned int i = 0; i < drops_list(listed); i++)
		assert_true(listed[i] < 100000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_device_takes_none),
		cmocka_unit_test(test_driver_drops),
		cmocka_unit_test(test_kernel_refuses),
		cmocka_unit_test(test_received),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests_name("drops", tests, open_all, close_all);
}
