/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the survey finds of a host. Each case has a network namespace of its own, and puts there
 * by nft(8), iptables-legacy(8) and so on what the survey is to find. This file has the file that reads
 * nf_tables itself, so that it counts the questions, and has the clock.
 */
#include "network_namespace.h"
#include "unit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "netlink/request.h"

static unsigned int dumps;   /* of chains */
static int ask_error;        /* instead of an answer about nf_tables */
static unsigned int intrude; /* so many dumps are interrupted */

static int counted_ask(struct mnl_socket *socket, struct nlmsghdr *request, mnl_cb_t parse, void *result)
{
	bool dump = request->nlmsg_flags & NLM_F_DUMP;
	int error;

	if (ask_error)
		return ask_error;
	dumps += dump;
	error = request_ask(socket, request, parse, result);
	if (dump && intrude) {
		intrude--;
		return -EINTR;
	}
	return error;
}

#define request_ask counted_ask
#include "host/nftables.c"
#undef request_ask

/* ---- time ---- */

static uint64_t now_ns = 1000000000;

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

/* ---- the host ---- */

static bool run(const char *command)
{
	return !system(command);
}

/* Skips the case, and says why, if what it needs is not here. */
static void need(const char *what, bool is_there)
{
	if (is_there)
		return;
	print_message("SKIP: %s\n", what);
	skip();
}

static void need_nft(void)
{
	need("there is no nft (package nftables), or the kernel has no nf_tables", run("nft list ruleset >/dev/null 2>&1"));
}

static int new_host(void **state)
{
	(void)state;
	dumps = intrude = 0;
	ask_error = 0;
	now_ns += 1000000000;
	survey_forget();
	if (geteuid())
		return 0;
	return network_namespace_enter() ? -1 : 0;
}

static void need_root(void)
{
	need("it takes root", !geteuid());
}

static struct survey taken(void)
{
	struct survey survey;

	now_ns += DUMP_PAUSE_NS;
	assert_int_equal(survey_take(&survey), 0);
	assert_int_equal(survey.again_ns, 0);
	return survey;
}

static void check_text(const char *entry, const char *text, const char *wanted)
{
	if (strcmp(text, wanted))
		fail_msg("%s: it is \"%s\", and not \"%s\"", entry, text, wanted);
}

static void test_free_host(void **state)
{
	struct survey survey;

	(void)state;
	need_root();
	survey = taken();
	check_text("free", survey.text, "");
	assert_int_equal(survey.flags, 0);
	assert_true(taken().signature == survey.signature);
}

/* ---- nf_tables ---- */

#define V4 SURVEY_EXAMINED_V4
#define V6 SURVEY_EXAMINED_V6

static void test_chains(void **state)
{
	static const struct {
		const char *family, *hook;
		uint32_t flags;
	} table[] = {
		{ "ip", "type filter hook prerouting priority 0;", V4 },
		{ "ip", "type filter hook input priority 0;", V4 },
		{ "ip", "type filter hook output priority 0;", V4 },
		{ "ip", "type filter hook postrouting priority 0;", V4 },
		{ "ip", "type filter hook forward priority 0; policy drop;", 0 },
		{ "ip", "type route hook output priority 0;", V4 },
		{ "ip", "type nat hook prerouting priority 0;", V4 | SURVEY_NAT_V4 },
		{ "ip", "type nat hook postrouting priority 0;", V4 | SURVEY_NAT_V4 },
		{ "ip", "", 0 },
		{ "ip6", "type filter hook prerouting priority 0;", V6 },
		{ "ip6", "type filter hook input priority 0;", V6 },
		{ "ip6", "type filter hook output priority 0;", V6 },
		{ "ip6", "type filter hook postrouting priority 0;", V6 },
		{ "ip6", "type filter hook forward priority 0;", 0 },
		{ "ip6", "type nat hook output priority 0;", V6 | SURVEY_NAT_V6 },
		{ "inet", "type filter hook input priority 0;", V4 | V6 },
		{ "inet", "type filter hook forward priority 0;", 0 },
		{ "inet", "type nat hook prerouting priority 0;", V4 | V6 | SURVEY_NAT },
		{ "inet", "type filter hook ingress device \"lo\" priority 0;", V4 | V6 },
		{ "netdev", "type filter hook ingress device \"lo\" priority 0;", V4 | V6 },
		{ "netdev", "type filter hook egress device \"lo\" priority 0;", V4 | V6 },
		{ "bridge", "type filter hook input priority 0;", V4 | V6 },
		{ "bridge", "type filter hook forward priority 0;", 0 },
		{ "arp", "type filter hook input priority 0;", 0 },
		{ "arp", "type filter hook output priority 0;", 0 },
	};

	(void)state;
	need_root();
	need_nft();
	run("ip link set lo up");
	for (size_t i = 0; i < COUNT(table); i++) {
		char entry[128], command[256], wanted[128] = "";
		struct survey survey;

		snprintf(entry, sizeof(entry), "%s %s", table[i].family, table[i].hook);
		snprintf(command, sizeof(command), "nft 'flush ruleset; table %s t { chain c { %s }; }'", table[i].family,
			 table[i].hook);
		if (!run(command)) {
			/* Only these are options of the kernel, besides the others. */
			assert_true(!strcmp(table[i].family, "netdev") || !strcmp(table[i].family, "bridge") ||
				    !strcmp(table[i].family, "arp") || strstr(table[i].hook, "ingress"));
			print_message("SKIP: the kernel has no %s\n", entry);
			continue;
		}
		if (table[i].flags)
			snprintf(wanted, sizeof(wanted), "nf_tables: table %s t chain c", table[i].family);
		survey = taken();
		assert_entry_equal(entry, survey.flags, table[i].flags);
		check_text(entry, survey.text, wanted);
	}
	run("nft flush ruleset");
	assert_int_equal(taken().flags, 0);
}

/* Chains of several families, more than are named. */
static void test_many_chains(void **state)
{
	struct survey survey;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain f { type filter hook forward priority 0; }; chain i { type filter hook input "
			"priority 0; }; chain o { type filter hook output priority 0; }; chain n { type nat hook postrouting "
			"priority 0; }; }; table ip6 b { chain x { type filter hook input priority 0; }; }'"));
	survey = taken();
	assert_int_equal(survey.flags, V4 | V6 | SURVEY_NAT_V4);
	check_text("many", survey.text, "nf_tables: table ip a chain i, table ip a chain o, table ip a chain n and 1 more");
}

/* The chains are read when the generation has changed, and only then. */
static void test_generation(void **state)
{
	struct survey first, second;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain i { type filter hook input priority 0; }; }'"));
	first = taken();
	assert_int_equal(dumps, 1);
	for (int i = 0; i < 3; i++) {
		second = taken();
		assert_true(second.signature == first.signature);
		assert_int_equal(second.flags, V4);
		check_text("the same", second.text, first.text);
	}
	assert_int_equal(dumps, 1);
	assert_true(run("nft add rule ip a i udp dport 9 drop"));
	second = taken();
	assert_int_equal(dumps, 2);
	assert_true(second.signature != first.signature);
	assert_int_equal(second.flags, V4);
	/* An interrupted answer is not used: the next has the chain once. */
	assert_true(run("nft add rule ip a i udp dport 10 drop"));
	intrude = 2;
	second = taken();
	assert_int_equal(dumps, 5);
	check_text("interrupted", second.text, first.text);
}

/* Changes that come fast: each is told at once, as if anything was there, but chains are read every 100 ms. */
static void test_fast_changes(void **state)
{
	uint64_t signature = 0, due;
	struct survey survey;

	(void)state;
	need_root();
	need_nft();
	assert_true(run("nft 'table ip a { chain f { type filter hook forward priority 0; }; }'"));
	survey = taken();
	assert_int_equal(survey.flags, 0);
	due = now_ns + DUMP_PAUSE_NS;
	for (int i = 0; i < 4; i++) {
		assert_true(run("nft add rule ip a f udp dport 9 drop"));
		now_ns += 10000000;
		assert_int_equal(survey_take(&survey), 0);
		assert_true(survey.signature != signature);
		assert_int_equal(survey.flags, SURVEY_EXAMINED | SURVEY_NAT);
		assert_true(survey.again_ns == due);
		signature = survey.signature;
	}
	assert_int_equal(dumps, 1);
	now_ns = due;
	assert_int_equal(survey_take(&survey), 0);
	assert_int_equal(survey.flags, 0);
	assert_int_equal(survey.again_ns, 0);
	assert_true(survey.signature == signature);
	assert_int_equal(dumps, 2);
}

static void test_unreadable_chains(void **state)
{
	struct survey survey;

	(void)state;
	need_root();
	ask_error = -EPERM;
	assert_int_equal(survey_take(&survey), -EPERM);
	assert_int_equal(survey.flags, SURVEY_EXAMINED | SURVEY_NAT);
	check_text("no privilege", survey.text, "nf_tables: cannot be read (Operation not permitted)");
	ask_error = 0;
	assert_int_equal(taken().flags, 0);
	/* Answers of a kernel that has no nf_tables. */
	ask_error = -EINVAL;
	assert_int_equal(taken().flags, 0);
	assert_null(survey_listen());
	/* The module is not there, so it is not asked again. */
	if (!access("/sys/module/nf_tables", F_OK))
		return;
	ask_error = -EPERM;
	assert_int_equal(taken().flags, 0);
}

static void test_events(void **state)
{
	struct mnl_socket *socket;
	struct pollfd ready;

	(void)state;
	need_root();
	need_nft();
	socket = survey_listen();
	assert_non_null(socket);
	assert_false(survey_heard(socket));
	ready = (struct pollfd){ .fd = mnl_socket_get_fd(socket), .events = POLLIN };
	assert_true(run("nft add table ip a"));
	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_true(survey_heard(socket));
	assert_false(survey_heard(socket));
	/* More events than the socket has room for: the last one, which tells of the generation, is among the lost. */
	setsockopt(ready.fd, SOL_SOCKET, SO_RCVBUF, &(int){ 1 }, sizeof(int));
	assert_true(run("{ echo 'table ip b {'; for i in $(seq 500); do echo \"chain c$i { }\"; done; echo '}'; } | nft -f -"));
	assert_true(survey_heard(socket));
	request_socket_close(socket);
}

/* ---- legacy iptables ---- */

static void test_legacy(void **state)
{
	static const struct {
		const char *command, *text;
		uint32_t flags;
	} table[] = {
		{ "iptables-legacy -t filter -L -n", "legacy iptables: filter", V4 },
		{ "iptables-legacy -t mangle -L -n", "legacy iptables: mangle", V4 },
		{ "iptables-legacy -t nat -L -n", "legacy iptables: nat", V4 | SURVEY_NAT_V4 },
		{ "ip6tables-legacy -t raw -L -n", "legacy ip6tables: raw", V6 },
		{ "ip6tables-legacy -t nat -L -n", "legacy ip6tables: nat", V6 | SURVEY_NAT_V6 },
	};

	need_root();
	for (size_t i = 0; i < COUNT(table); i++) {
		char command[128];
		struct survey before, survey;

		snprintf(command, sizeof(command), "%s >/dev/null 2>&1", table[i].command);
		assert_int_equal(new_host(state), 0);
		before = taken();
		assert_entry_equal(table[i].command, before.flags, 0);
		need("there is no iptables-legacy (package iptables), or the kernel has no legacy tables", run(command));
		survey = taken();
		assert_entry_equal(table[i].command, survey.flags, table[i].flags);
		check_text(table[i].command, survey.text, table[i].text);
		assert_true(survey.signature != before.signature);
	}
}

/* ---- programs of the cgroup ---- */

static char cgroup_directory[PATH_MAX];

static bool write_line(const char *path, const char *line)
{
	FILE *file = fopen(path, "w");
	bool written = file && fputs(line, file) >= 0;

	return file && !fclose(file) && written;
}

/* Moves this process into a cgroup. */
static bool join(const char *directory)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%.4000s/cgroup.procs", directory);
	return write_line(path, "0");
}

/* The first mount of the unified hierarchy that shows all of it. */
static bool find_hierarchy(char *point, size_t size)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096], root[64], at[PATH_MAX];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		found = strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %63s %4095s", root, at) == 2 && !strcmp(root, "/");
	}
	if (file)
		fclose(file);
	if (found)
		snprintf(point, size, "%s", at);
	return found;
}

static int load_program(enum bpf_prog_type type, enum bpf_attach_type attach)
{
	/* Returns 1, which allows everything. */
	const struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_load_opts options = { .sz = sizeof(options), .expected_attach_type = attach };

	return bpf_prog_load(type, "survey_test", "GPL", allow, COUNT(allow), &options);
}

static void check_program(const char *entry, int cgroup, enum bpf_attach_type attach, uint32_t flags, const char *text)
{
	bool skb = attach == BPF_CGROUP_INET_INGRESS || attach == BPF_CGROUP_INET_EGRESS;
	int program = load_program(skb ? BPF_PROG_TYPE_CGROUP_SKB : BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attach);
	struct survey before = taken(), survey;

	assert_true(program >= 0);
	assert_int_equal(bpf_prog_attach(program, cgroup, attach, BPF_F_ALLOW_MULTI), 0);
	survey = taken();
	bpf_prog_detach2(program, cgroup, attach);
	close(program);
	assert_entry_equal(entry, survey.flags, flags);
	check_text(entry, survey.text, text);
	assert_int_equal(survey.signature != before.signature, flags != 0);
	assert_true(taken().signature == before.signature);
}

static void test_cgroup(void **state)
{
	static const struct {
		const char *name;
		enum bpf_attach_type attach;
		uint32_t flags;
		const char *text;
	} table[] = {
		{ "ingress", BPF_CGROUP_INET_INGRESS, V4 | V6, "cgroup: 1 program (ingress)" },
		{ "egress", BPF_CGROUP_INET_EGRESS, V4 | V6, "cgroup: 1 program (egress)" },
		{ "sendmsg4", BPF_CGROUP_UDP4_SENDMSG, V4 | SURVEY_NAT_V4, "cgroup: 1 program (sendmsg4)" },
		{ "sendmsg6", BPF_CGROUP_UDP6_SENDMSG, V6 | SURVEY_NAT_V6, "cgroup: 1 program (sendmsg6)" },
		{ "recvmsg4", BPF_CGROUP_UDP4_RECVMSG, V4 | SURVEY_NAT_V4, "cgroup: 1 program (recvmsg4)" },
		{ "recvmsg6", BPF_CGROUP_UDP6_RECVMSG, V6 | SURVEY_NAT_V6, "cgroup: 1 program (recvmsg6)" },
		{ "connect4", BPF_CGROUP_INET4_CONNECT, V4 | SURVEY_NAT_V4, "cgroup: 1 program (connect4)" },
		{ "connect6", BPF_CGROUP_INET6_CONNECT, V6 | SURVEY_NAT_V6, "cgroup: 1 program (connect6)" },
		{ "bind4", BPF_CGROUP_INET4_BIND, 0, "" },
	};
	char inner[PATH_MAX + 16], point[PATH_MAX];
	int cgroup, on_top;

	(void)state;
	need_root();
	need("no mount shows the unified hierarchy of cgroups", find_hierarchy(point, sizeof(point)));
	snprintf(cgroup_directory, sizeof(cgroup_directory), "%.3000s/survey_test_%d", point, (int)getpid());
	snprintf(inner, sizeof(inner), "%s/inner", cgroup_directory);
	need("a cgroup cannot be made", !mkdir(cgroup_directory, 0755) && !mkdir(inner, 0755));
	need("a process cannot be moved into a cgroup", join(inner));
	/* Attached to the cgroup itself, and above it. */
	cgroup = open(inner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	on_top = open(cgroup_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < COUNT(table); i++) {
		check_program(table[i].name, cgroup, table[i].attach, table[i].flags, table[i].text);
		check_program(table[i].name, on_top, table[i].attach, table[i].flags, table[i].text);
	}
	close(cgroup);
	close(on_top);
}

static int leave_cgroup(void **state)
{
	char path[PATH_MAX + 16], *slash;

	(void)state;
	if (!cgroup_directory[0])
		return 0;
	snprintf(path, sizeof(path), "%s/inner", cgroup_directory);
	slash = strrchr(cgroup_directory, '/');
	*slash = '\0';
	join(cgroup_directory);
	*slash = '/';
	rmdir(path);
	rmdir(cgroup_directory);
	cgroup_directory[0] = '\0';
	return 0;
}

/* ---- the reverse path filter ---- */

static void test_path_filter(void **state)
{
	static const struct {
		const char *name, *all, *a, *b;
		uint32_t flags;
		const char *text;
	} table[] = {
		{ "off", "0", "0", "0", 0, "" },
		{ "strict on all", "1", "0", "0", V4, "rp_filter: strict on lo, b, a" },
		{ "strict on one", "0", "0", "1", V4, "rp_filter: strict on b" },
		{ "loose on one", "0", "2", "0", 0, "" },
		{ "loose on all is more than strict", "2", "1", "1", 0, "" },
		{ "strict on all, and loose on one", "1", "2", "0", V4, "rp_filter: strict on lo, b" },
		{ "strict on both levels", "1", "2", "1", V4, "rp_filter: strict on b, lo" },
	};

	(void)state;
	need_root();
	assert_true(run("ip link add name a type veth peer name b"));
	for (size_t i = 0; i < COUNT(table); i++) {
		struct survey survey;

		assert_true(write_line("/proc/sys/net/ipv4/conf/all/rp_filter", table[i].all));
		assert_true(write_line("/proc/sys/net/ipv4/conf/lo/rp_filter", "0"));
		assert_true(write_line("/proc/sys/net/ipv4/conf/a/rp_filter", table[i].a));
		assert_true(write_line("/proc/sys/net/ipv4/conf/b/rp_filter", table[i].b));
		survey = taken();
		assert_entry_equal(table[i].name, survey.flags, table[i].flags);
		check_text(table[i].name, survey.text, table[i].text);
	}
}

/* What refuses nothing may come and go without a change. */
static void test_other_interfaces(void **state)
{
	struct survey before;

	(void)state;
	need_root();
	before = taken();
	assert_true(run("ip link add name a type veth peer name b"));
	assert_true(taken().signature == before.signature);
	assert_true(write_line("/proc/sys/net/ipv4/conf/a/rp_filter", "1"));
	assert_true(taken().signature != before.signature);
}

static void test_udp_timeout(void **state)
{
	const char *path = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout";

	(void)state;
	need_root();
	if (access(path, F_OK)) {
		assert_int_equal(survey_udp_timeout(), 30);
		return;
	}
	assert_true(write_line(path, "77"));
	assert_int_equal(survey_udp_timeout(), 77);
}

/* As ip-netns(8) does it. It is the last test, because there is no way back. */
static void test_hidden_cgroup(void **state)
{
	(void)state;
	need_root();
	need("mounts cannot be hidden here", !unshare(CLONE_NEWNS) && !mount("", "/", "none", MS_PRIVATE | MS_REC, NULL) &&
						   !umount2("/sys", MNT_DETACH));
	assert_int_equal(taken().flags, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_free_host, new_host),
		cmocka_unit_test_setup(test_chains, new_host),
		cmocka_unit_test_setup(test_many_chains, new_host),
		cmocka_unit_test_setup(test_generation, new_host),
		cmocka_unit_test_setup(test_fast_changes, new_host),
		cmocka_unit_test_setup(test_unreadable_chains, new_host),
		cmocka_unit_test_setup(test_events, new_host),
		cmocka_unit_test_setup(test_legacy, new_host),
		cmocka_unit_test_setup_teardown(test_cgroup, new_host, leave_cgroup),
		cmocka_unit_test_setup(test_path_filter, new_host),
		cmocka_unit_test_setup(test_other_interfaces, new_host),
		cmocka_unit_test_setup(test_udp_timeout, new_host),
		cmocka_unit_test_setup(test_hidden_cgroup, new_host),
	};

	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
