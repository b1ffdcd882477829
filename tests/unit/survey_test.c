/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the survey finds of a host besides chains of nf_tables: legacy tables, programs of the
 * cgroup, the reverse path filter. Each case has a network namespace of its own.
 */
#include "own_host.h"

#include <bpf/bpf.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/capability.h"

#define V4 SURVEY_EXAMINED_V4
#define V6 SURVEY_EXAMINED_V6

static int new_host(void **state)
{
	(void)state;
	return own_host_enter();
}

static struct survey taken(void)
{
	struct survey survey;

	assert_int_equal(survey_take(&survey), 0);
	return survey;
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

/* Another user than root may not open what lists the tables; what is open already stays so. */
static void test_legacy_of_another_user(void **state)
{
	struct survey kept, anew;
	bool built_in;

	(void)state;
	need_root();
	need("the kernel has no legacy tables", !access("/proc/net/ip_tables_names", F_OK) &&
							 !access("/proc/net/ip6_tables_names", F_OK));
	built_in = access("/sys/module/ip_tables", F_OK) && access("/sys/module/ip6_tables", F_OK);
	check_text("root", taken().text, "");
	assert_int_equal(setegid(65534) || seteuid(65534), 0);
	capability_raise();
	survey_take(&kept);
	survey_forget();
	/* Where cgroups are not mounted, only root finds them, so this may say that too. */
	survey_take(&anew);
	/* Nothing is looked at as the other user, because the next tests need root. */
	assert_int_equal(seteuid(0) || setegid(0), 0);
	check_text("kept open", kept.text, "");
	/* Modules say what can be there, but not of a kernel that has all of it built in. */
	if (built_in) {
		assert_non_null(strstr(anew.text, "legacy iptables: cannot be read"));
		assert_non_null(strstr(anew.text, "legacy ip6tables: cannot be read"));
		assert_int_equal(anew.flags, SURVEY_EXAMINED | SURVEY_NAT);
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
		cmocka_unit_test_setup(test_legacy, new_host),
		cmocka_unit_test_setup(test_legacy_of_another_user, new_host),
		cmocka_unit_test_setup_teardown(test_cgroup, new_host, leave_cgroup),
		cmocka_unit_test_setup(test_path_filter, new_host),
		cmocka_unit_test_setup(test_other_interfaces, new_host),
		cmocka_unit_test_setup(test_udp_timeout, new_host),
		cmocka_unit_test_setup(test_hidden_cgroup, new_host),
	};

	return cmocka_run_group_tests_name("survey", tests, NULL, NULL);
}
