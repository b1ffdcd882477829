/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules, queueing disciplines, filters and chains of a network namespace that packets relayed in
 * the kernel do not pass, put there by ip(8), tc(8) and nft(8).
 */
#include "own_host.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>

#include "host/nftables.h"
#include "host/notes.h"
#include "host/rules.h"
#include "host/tc.c"

#define PASSED_BY "packets that the kernel relays do not pass "
#define CAN_NEITHER ": it can neither shape, refuse nor count them"

static uint32_t ifindex;

/* Two devices; packets leave by `a` only. */
static int new_host(void **state)
{
	(void)state;
	tc_devices(NULL, 0);
	if (geteuid())
		return 0;
	if (own_host_enter() || !run("ip link add name a type veth peer name b && ip link set dev a up && ip link set dev b up"))
		return -1;
	ifindex = if_nametoindex("a");
	tc_devices((uint32_t[]){ ifindex, ifindex }, 2);
	return 0;
}

/* All notes, each with a newline. */
static const char *noted(void)
{
	static struct notes notes;
	static char all[16384];
	struct survey survey;

	memset(&notes, 0, sizeof(notes));
	assert_int_equal(tc_look(&survey), 0);
	assert_int_equal(rules_note(&notes), 0);
	tc_note(&notes);
	all[0] = '\0';
	for (unsigned int i = 0; i < notes.count; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s\n", notes.note[i].text);
	return all;
}

static void check_noted(const char *entry, const char *wanted)
{
	check_text(entry, noted(), wanted);
}

static void test_rules(void **state)
{
#define NOT_FOLLOWED(rule, family)                                                                            \
	"packets that the kernel relays do not follow the routing rule \"" rule "\" (" family ", priority 9), " \
	"because they are routed by their addresses alone; write it with addresses if it is to hold for them\n"
	static const struct {
		const char *family, *rule, *note;
	} table[] = {
		{ "-4", "from 192.0.2.0/24", "" },
		{ "-4", "to 198.51.100.1", "" },
		{ "-4", "iif lo", "" },
		{ "-4", "oif a", "" },
		{ "-4", "ipproto udp", "" },
		{ "-4", "fwmark 0x5", NOT_FOLLOWED("fwmark 0x5 lookup 7", "IPv4") },
		{ "-4", "fwmark 0x5/0xff", NOT_FOLLOWED("fwmark 0x5 mask 0xff lookup 7", "IPv4") },
		{ "-4", "fwmark 0/0xff", "" },
		{ "-4", "not fwmark 0x5", NOT_FOLLOWED("not fwmark 0x5 lookup 7", "IPv4") },
		{ "-4", "from 192.0.2.0/24 sport 53", NOT_FOLLOWED("from 192.0.2.0/24 sport 53 lookup 7", "IPv4") },
		{ "-4", "dport 1000-2000", NOT_FOLLOWED("dport 1000-2000 lookup 7", "IPv4") },
		{ "-4", "ipproto tcp dport 1000-2000", "" },
		{ "-4", "iif a dport 1000-2000", "" },
		{ "-4", "tos 0x10", NOT_FOLLOWED("tos 0x10 lookup 7", "IPv4") },
		{ "-4", "uidrange 0-99",
		  "packets that the kernel relays follow the routing rule \"uidrange 0-99 lookup 7\" (IPv4, priority 9) as if all "
		  "sockets had been opened by the server's present user\n" },
		{ "-6", "from 2001:db8::/32", "" },
		{ "-6", "fwmark 0x5", NOT_FOLLOWED("fwmark 0x5 lookup 7", "IPv6") },
		{ "-6", "to 2001:db8::/32 ipproto udp dport 7", NOT_FOLLOWED("to 2001:db8::/32 ipproto udp dport 7 lookup 7", "IPv6") },
	};

	(void)state;
	need_root();
	check_noted("the rules of every host", "");
	for (size_t i = 0; i < COUNT(table); i++) {
		char command[256];

		snprintf(command, sizeof(command), "ip %s rule add %s priority 9 lookup 7", table[i].family, table[i].rule);
		assert_true(run(command));
		check_noted(table[i].rule, table[i].note);
		snprintf(command, sizeof(command), "ip %s rule del priority 9", table[i].family);
		assert_true(run(command));
	}
}

static void test_qdiscs(void **state)
{
	static const struct {
		const char *qdisc, *note;
	} table[] = {
		{ "pfifo", "" },
		{ "pfifo_fast", "" },
		{ "prio", "" },
		{ "sfq", "" },
		{ "codel", "" },
		{ "fq_codel", "" },
		{ "fq", "" },
		{ "fq maxrate 1mbit", PASSED_BY "the queueing discipline fq on the way out of a" CAN_NEITHER "\n" },
		{ "cake", "" },
		{ "cake bandwidth 1mbit", PASSED_BY "the queueing discipline cake on the way out of a" CAN_NEITHER "\n" },
		{ "netem loss 1%", PASSED_BY "the queueing discipline netem on the way out of a" CAN_NEITHER "\n" },
		{ "htb", PASSED_BY "the queueing discipline htb on the way out of a" CAN_NEITHER "\n" },
		{ "tbf rate 1mbit burst 10k latency 1ms",
		  PASSED_BY "the queueing discipline tbf on the way out of a" CAN_NEITHER "\n" },
	};
	unsigned int made = 0;

	(void)state;
	need_root();
	need("there is no tc (package iproute2)", run("command -v tc >/dev/null"));
	for (size_t i = 0; i < COUNT(table); i++) {
		char command[256];

		snprintf(command, sizeof(command), "tc qdisc replace dev a root %s 2>/dev/null", table[i].qdisc);
		if (!run(command)) {
			print_message("SKIP: the kernel has no %s\n", table[i].qdisc);
			continue;
		}
		made++;
		check_noted(table[i].qdisc, table[i].note);
	}
	/* Every kernel with traffic control has these two. */
	assert_true(made >= 2);
}

/* One that many queues have is noted once; a device that no packet leaves by does not matter. */
static void test_qdiscs_below(void **state)
{
	(void)state;
	need_root();
	assert_true(run("ip link del dev a && ip link add name a numtxqueues 2 type veth peer name b numtxqueues 2"));
	tc_devices((uint32_t[]){ if_nametoindex("a") }, 1);
	need("there is no tc, or the kernel has no tbf",
	     run("tc qdisc add dev a root handle 1: mq && tc qdisc add dev a parent 1:1 tbf rate 1mbit burst 10k latency 1ms && "
		 "tc qdisc add dev a parent 1:2 tbf rate 1mbit burst 10k latency 1ms"));
	assert_true(run("tc qdisc add dev b root htb"));
	check_noted("below mq", PASSED_BY "the queueing discipline tbf on the way out of a" CAN_NEITHER "\n");
}

/* Options that this machine's kernel may lack: a rate of 0 is no rate with cake, and all ones is none with fq. */
static void test_rates(void **state)
{
	static const struct {
		const char *name, *kind;
		uint16_t type;
		size_t size; /* 0: the option is not there */
		uint64_t value;
		unsigned int notes;
	} table[] = {
		{ "fq without the option", "fq", TCA_FQ_FLOW_MAX_RATE, 0, 0, 0 },
		{ "fq without a rate", "fq", TCA_FQ_FLOW_MAX_RATE, 4, UINT32_MAX, 0 },
		{ "fq with a rate", "fq", TCA_FQ_FLOW_MAX_RATE, 4, 1000, 1 },
		{ "cake without the option", "cake", TCA_CAKE_BASE_RATE64, 0, 0, 0 },
		{ "cake without a rate", "cake", TCA_CAKE_BASE_RATE64, 8, 0, 0 },
		{ "cake with a rate", "cake", TCA_CAKE_BASE_RATE64, 8, 1000, 1 },
		{ "one that is not known", "whatever", 1, 0, 0, 1 },
		{ "stochastic fairness", "sfq", 1, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		char buffer[256] = { 0 };
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct tcmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
		struct nlattr *options;

		header->tcm_ifindex = 5;
		mnl_attr_put_strz(message, TCA_KIND, table[i].kind);
		options = mnl_attr_nest_start(message, TCA_OPTIONS);
		mnl_attr_put_u32(message, 99, 0);
		if (table[i].size)
			mnl_attr_put(message, table[i].type, table[i].size, &table[i].value);
		mnl_attr_nest_end(message, options);
		tc_devices((uint32_t[]){ 5 }, 1);
		memset(&tc.notes, 0, sizeof(tc.notes));
		parse_qdisc(message, NULL);
		assert_entry_equal(table[i].name, tc.notes.count, table[i].notes);
	}
}

static struct survey look(void)
{
	struct survey survey;

	assert_int_equal(survey_take(&survey), 0);
	return survey;
}

static void test_filters(void **state)
{
	struct survey before, survey;

	(void)state;
	need_root();
	need("there is no tc, or the kernel has no clsact", run("tc qdisc add dev a clsact && tc qdisc add dev b clsact"));
	before = look();
	assert_int_equal(before.flags, 0);
	check_noted("no filters", "");
	need("the kernel has no u32", run("tc filter add dev a egress pref 3 protocol ip u32 match u32 0 0 flowid 1:1"));
	assert_true(run("tc filter add dev b egress pref 4 protocol ip u32 match u32 0 0 flowid 1:1 && "
			"tc filter add dev b ingress pref 4 protocol ip u32 match u32 0 0 flowid 1:1"));
	survey = look();
	assert_int_equal(survey.flags, 0);
	assert_true(survey.signature == before.signature);
	check_noted("on the way out", PASSED_BY "the tc filter u32 (priority 3) on the way out of a" CAN_NEITHER "\n");
	assert_true(run("tc filter add dev a ingress pref 5 protocol ip u32 match u32 0 0 flowid 1:1"));
	survey = look();
	assert_int_equal(survey.flags, SURVEY_EXAMINED | SURVEY_NAT);
	assert_true(survey.signature != before.signature);
	assert_non_null(strstr(survey.text, "on the way in of a"));
	assert_true(run("tc filter del dev a egress"));
	check_noted("on the way in", "");
	assert_true(run("tc qdisc del dev a clsact"));
	survey = look();
	assert_int_equal(survey.flags, 0);
	assert_true(survey.signature == before.signature);
}

/* The kernel also tells of each priority, without options: that is no filter. */
static void test_priority_alone(void **state)
{
	struct device device = { .ifindex = 1 };
	struct survey survey = { 0 };

	(void)state;
	for (int options = 0; options < 2; options++) {
		struct filters in = { .device = &device, .survey = &survey }, out = { .device = &device, .egress = true };
		char buffer[256] = { 0 };
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

		mnl_nlmsg_put_extra_header(message, sizeof(struct tcmsg));
		mnl_attr_put_strz(message, TCA_KIND, "bpf");
		if (options)
			mnl_attr_nest_end(message, mnl_attr_nest_start(message, TCA_OPTIONS));
		memset(&tc.notes, 0, sizeof(tc.notes));
		parse_filter(message, &in);
		parse_filter(message, &out);
		assert_int_equal(in.count, options);
		assert_int_equal(tc.notes.count, options);
	}
}

/* The old discipline `ingress`, which has the way in only. */
static void test_ingress(void **state)
{
	(void)state;
	need_root();
	need("there is no tc, or the kernel has no ingress", run("tc qdisc add dev a ingress"));
	assert_int_equal(look().flags, 0);
	need("the kernel has no u32", run("tc filter add dev a parent ffff: protocol ip u32 match u32 0 0 flowid 1:1"));
	assert_int_equal(look().flags, SURVEY_EXAMINED | SURVEY_NAT);
	check_noted("on the way in", "");
}

/* bpf_prog_attach(3) takes the index of the device for tcx. */
static void test_tcx(void **state)
{
	/* Returns 0, TCX_PASS. */
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	char wanted[256];
	int program;

	(void)state;
	need_root();
	program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "notes_test", "GPL", pass, COUNT(pass), NULL);
	assert_true(program >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(program, &info, &size), 0);
	need("the kernel has no tcx (Linux 6.6)", !bpf_prog_attach(program, (int)ifindex, TCX_EGRESS, 0));
	snprintf(wanted, sizeof(wanted), PASSED_BY "the tc program with id %u (tcx) on the way out of a" CAN_NEITHER "\n", info.id);
	check_noted("on the way out", wanted);
	assert_int_equal(look().flags, 0);
	assert_int_equal(bpf_prog_detach2(program, (int)ifindex, TCX_EGRESS), 0);
	assert_int_equal(bpf_prog_attach(program, (int)ifindex, TCX_INGRESS, 0), 0);
	check_noted("on the way in", "");
	assert_int_equal(look().flags, SURVEY_EXAMINED | SURVEY_NAT);
	/* The device was named twice, and counts once. */
	assert_string_equal(look().text, "tc: 1 filter on the way in of a");
	close(program);
}

static void test_egress_chain(void **state)
{
	static struct notes notes;

	(void)state;
	need_root();
	memset(&notes, 0, sizeof(notes));
	need("there is no nft, or the kernel has no egress chains (Linux 5.16)",
	     run("nft 'table netdev t { chain in { type filter hook ingress device \"a\" priority 0; }; "
		 "chain out { type filter hook egress device \"a\" priority 0; }; }'"));
	look();
	nftables_note(&notes);
	assert_int_equal(notes.count, 1);
	assert_string_equal(notes.note[0].text, PASSED_BY "the egress chain out of nf_tables' table netdev t" CAN_NEITHER);
	/* It is remembered with the chains. */
	look();
	memset(&notes, 0, sizeof(notes));
	nftables_note(&notes);
	assert_int_equal(notes.count, 1);
}

static void test_room(void **state)
{
	static struct notes notes;

	(void)state;
	memset(&notes, 0, sizeof(notes));
	for (int i = 0; i < NOTES_ROOM; i++) {
		notes_add(&notes, "note %d", i);
		notes_add(&notes, "note %d", i);
	}
	assert_int_equal(notes.count, NOTES_ROOM);
	notes_add(&notes, "one more");
	assert_int_equal(notes.count, NOTES_ROOM + 1);
	assert_string_equal(notes.note[NOTES_ROOM - 1].text, "note 63");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rules, new_host),
		cmocka_unit_test_setup(test_qdiscs, new_host),
		cmocka_unit_test_setup(test_qdiscs_below, new_host),
		cmocka_unit_test(test_rates),
		cmocka_unit_test_setup(test_filters, new_host),
		cmocka_unit_test(test_priority_alone),
		cmocka_unit_test_setup(test_ingress, new_host),
		cmocka_unit_test_setup(test_tcx, new_host),
		cmocka_unit_test_setup(test_egress_chain, new_host),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
