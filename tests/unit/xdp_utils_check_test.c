/* SPDX-License-Identifier: BSD-3-Clause */
/* turnutils_xdp check: how turnserver's options and its unit are read, and what is judged of them. */
#include "unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xdp_utils.h"
#include "xdp_utils/check_config.h"
#include "xdp_utils/check_host.h"
#include "xdp_utils/check_interface.h"
#include "xdp_utils/check_json.h"
#include "xdp_utils/check_kernel.h"
#include "xdp_utils/check_memory.h"
#include "xdp_utils/check_network.h"
#include "xdp_utils/check_options.h"
#include "xdp_utils/check_privilege.h"
#include "xdp_utils/check_text.h"
#include "xdp_utils/check_unit.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

#define BIT(number) (UINT64_C(1) << (number))
#define OURS (BIT(CAP_BPF) | BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON))

static struct check_config config;
static struct check_report report;

static int setup(void **state)
{
	(void)state;
	memset(&config, 0xff, sizeof(config));
	check_config_clear(&config);
	memset(&report, 0, sizeof(report));
	return 0;
}

/* The rows of the report, each as its level, its topic, the beginning of its text, and its command. */
static void assert_row(const char *entry, unsigned int index, enum check_level level, const char *topic,
		       const char *text, const char *command)
{
	const struct check_row *row = &report.row[index];

	assert_entry_equal(entry, index < report.count, 1);
	assert_entry_equal(entry, row->level, level);
	assert_text(entry, row->topic, topic);
	if (!strstr(row->text, text))
		fail_msg("%s: \"%s\" is not in \"%s\"", entry, text, row->text);
	assert_text(entry, row->command, command);
}

/* ---- the configuration ---- */

static void test_lines(void **state)
{
	(void)state;
	check_config_read_line(&config, "# listening-ip=192.0.2.9\n");
	check_config_read_line(&config, "  listening-ip=192.0.2.1 \r\n");
	check_config_read_line(&config, "listening-ip \"2001:db8::1\"\n");
	check_config_read_line(&config, "\trelay-ip\t=\t198.51.100.1\n");
	check_config_read_line(&config, "relay-device=eth1\n");
	check_config_read_line(&config, "listening-device eth0\n");
	check_config_read_line(&config, "no-udp=off\n");
	check_config_read_line(&config, "no-udp-relay\n");
	check_config_read_line(&config, "stun-only=1\n");
	check_config_read_line(&config, "xdp-mode=native\n");
	check_config_read_line(&config, "listening-ipx=192.0.2.8\n");
	check_config_read_line(&config, "\n");
	assert_int_equal(config.listening.count, 2);
	assert_string_equal(config.listening.address[0], "192.0.2.1");
	assert_string_equal(config.listening.address[1], "2001:db8::1");
	assert_int_equal(config.relay.count, 1);
	assert_string_equal(config.relay.address[0], "198.51.100.1");
	assert_string_equal(config.relay_device, "eth1");
	assert_string_equal(config.listening_device, "eth0");
	assert_false(config.no_udp);
	assert_true(config.no_udp_relay);
	assert_true(config.stun_only);
	assert_int_equal(config.options.layer[OPTION_FILE].mode, OPTION_MODE_NATIVE);
	assert_string_equal(config.bad_switch, "");
	check_config_read_line(&config, "no-udp=perhaps\n");
	check_config_read_line(&config, "no-udp=never mind\n");
	assert_string_equal(config.bad_switch, "no-udp=perhaps");
}

static void test_arguments(void **state)
{
	static const char arguments[] =
		"turnserver\0-c\0/etc/t.conf\0-L\000192.0.2.1\0-E198.51.100.1\0--relay-ip\0002001:db8::2\0"
		"--listening-ip=2001:db8::1\0-d\0eth0\0--no-udp=no\0--no-udp-relay\0--realm\0-S\0--xdp-mode\0generic\0"
		"--xdp-offload\0--xdp-interface=eth2\0-n";
	struct settings settings;

	(void)state;
	check_config_read_arguments(&config, arguments, sizeof(arguments));
	assert_string_equal(config.file, "/etc/t.conf");
	assert_true(config.no_file);
	assert_int_equal(config.listening.count, 2);
	assert_string_equal(config.listening.address[0], "192.0.2.1");
	assert_string_equal(config.listening.address[1], "2001:db8::1");
	assert_int_equal(config.relay.count, 2);
	assert_string_equal(config.relay.address[0], "198.51.100.1");
	assert_string_equal(config.relay.address[1], "2001:db8::2");
	assert_string_equal(config.listening_device, "eth0");
	assert_false(config.no_udp);
	assert_true(config.no_udp_relay);
	option_resolve(&config.options, &settings);
	assert_true(settings.enabled);
	assert_int_equal(settings.mode, OPTION_MODE_GENERIC);
	assert_int_equal(settings.interfaces, 1);
	assert_string_equal(settings.interface[0], "eth2");
}

/* What stands last has no value: nothing is read behind it. */
static void test_arguments_end(void **state)
{
	static const char *const last[] = { "-c", "-L", "--listening-ip", "--xdp-mode", "--xdp-offload", "-d", "" };
	char arguments[64];

	(void)state;
	for (size_t i = 0; i < COUNT(last); i++) {
		size_t size = (size_t)snprintf(arguments, sizeof(arguments), "turnserver%c%s", 0, last[i]) + 1;
		char *exact = malloc(size);

		assert_non_null(exact);
		memcpy(exact, arguments, size);
		check_config_clear(&config);
		check_config_read_arguments(&config, exact, size);
		free(exact);
		assert_entry_equal(last[i], config.file[0], 0);
	}
	check_config_read_arguments(&config, NULL, 0);
}

static void test_judge_options(void **state)
{
	static const struct {
		const char *line;
		enum check_level level;
		const char *text, *command;
		bool running;
	} rows[] = {
		{ "xdp-offload", CHECK_OK, "the offload is on (xdp-mode auto, xdp-max-channels 16384)", "", false },
		{ "xdp-offload=no", CHECK_NOTE, "the offload is off", "echo xdp-offload >>t.conf", false },
		{ "xdp-mode=native", CHECK_NOTE, "without it xdp-mode has no effect", "echo xdp-offload >>t.conf", false },
		{ "xdp-required", CHECK_STOP, "turnserver does not start", "echo xdp-offload >>t.conf", false },
		{ "xdp-max-channels=x", CHECK_STOP, "xdp-max-channels: 'x' is not", "", false },
		{ "no-udp=perhaps", CHECK_STOP, "no-udp=perhaps is not one of yes", "", false },
		{ "no-udp", CHECK_STOP, "no-udp is set", "", true },
		{ "listening-device=eth0", CHECK_STOP, "listening-device is set", "", true },
		{ "verbose", CHECK_OK, "the offload is on", "", true },
	};
	struct settings settings;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(NULL);
		snprintf(config.file, sizeof(config.file), "t.conf");
		check_config_read_line(&config, rows[i].line);
		option_resolve(&config.options, &settings);
		check_options_judge(&config, &settings, rows[i].running, &report);
		assert_row(rows[i].line, 0, rows[i].level, "options", rows[i].text, rows[i].command);
	}
}

/* ---- the unit and its privileges ---- */

static void test_unit_lines(void **state)
{
	struct check_unit unit;

	(void)state;
	check_unit_clear(&unit);
	snprintf(unit.name, sizeof(unit.name), "coturn.service");
	check_unit_read_line(&unit, "User=turnserver\n");
	check_unit_read_line(&unit, "AmbientCapabilities=cap_net_admin cap_bpf cap_net_raw\n");
	check_unit_read_line(&unit, "CapabilityBoundingSet=cap_perfmon cap_bpf\n");
	check_unit_read_line(&unit, "RestrictAddressFamilies=AF_INET AF_NETLINKS\n");
	check_unit_read_line(&unit, "SystemCallFilter=~mount bpf\n");
	check_unit_read_line(&unit, "PrivateUsers=yes\n");
	check_unit_read_line(&unit, "NoNewPrivileges=yes\n");
	check_unit_read_line(&unit, "LimitMEMLOCK=65536\n");
	check_unit_read_line(&unit, "MemoryMax=infinity\n");
	check_unit_read_line(&unit, "ExecStart={ path=/usr/bin/turnserver ; argv[]=/usr/bin/turnserver -c x ; }\n");
	check_unit_read_line(&unit, "LoadState=loaded\n");
	assert_string_equal(unit.user, "turnserver");
	assert_true(unit.ambient == (BIT(CAP_NET_ADMIN) | BIT(CAP_BPF)));
	assert_true(unit.bounding == (BIT(CAP_PERFMON) | BIT(CAP_BPF)));
	assert_true(unit.without_netlink && unit.without_bpf && unit.private_users && unit.no_new_privileges);
	assert_false(unit.private_network);
	assert_true(unit.locked_memory == 65536 && unit.memory == UINT64_MAX);
	assert_string_equal(unit.program, "/usr/bin/turnserver");
	assert_string_equal(unit.name, "coturn.service");
	check_unit_read_line(&unit, "RestrictAddressFamilies=~\n");
	check_unit_read_line(&unit, "SystemCallFilter=read bpf\n");
	check_unit_read_line(&unit, "User=root\n");
	assert_false(unit.without_netlink || unit.without_bpf);
	assert_string_equal(unit.user, "");
	check_unit_read_line(&unit, "LoadState=not-found\n");
	assert_string_equal(unit.name, "");
}

static void test_unit_of(void **state)
{
	static const struct {
		const char *cgroups, *unit;
	} rows[] = {
		{ "0::/system.slice/coturn.service\n", "coturn.service" },
		{ "0::/system.slice/system-turn.slice/turn@2.service/sub\n", "turn@2.service" },
		{ "12:pids:/x\n0::/user.slice/session-1.scope\n", NULL },
		{ "0::/a.services\n", NULL },
		{ "", NULL },
	};
	char name[CHECK_UNIT_NAME];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_entry_equal(rows[i].cgroups, check_unit_of(rows[i].cgroups, name), rows[i].unit ? 0 : -ENOENT);
		if (rows[i].unit)
			assert_text(rows[i].cgroups, name, rows[i].unit);
	}
}

static void test_judge_unit(void **state)
{
	static const struct {
		const char *name, *user;
		uint64_t ambient, bounding, file;
		bool no_new_privileges;
		const char *missing; /* NULL: none */
	} rows[] = {
		{ "root", "", 0, UINT64_MAX, 0, false, NULL },
		{ "root with a bounding set", "", 0, BIT(CAP_BPF), 0, false, "CAP_NET_ADMIN and CAP_PERFMON" },
		{ "a user", "turn", 0, UINT64_MAX, 0, false, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
		{ "ambient", "turn", OURS, UINT64_MAX, 0, true, NULL },
		{ "ambient, out of bounds", "turn", OURS, OURS & ~BIT(CAP_BPF), 0, true, "CAP_BPF" },
		{ "of the file", "turn", 0, OURS, OURS, false, NULL },
		{ "of the file, without new privileges", "turn", 0, OURS, OURS, true, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
		{ "CAP_SYS_ADMIN is as good", "turn", BIT(CAP_SYS_ADMIN), UINT64_MAX, 0, true, "CAP_NET_ADMIN" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct check_unit unit;

		setup(NULL);
		check_unit_clear(&unit);
		snprintf(unit.name, sizeof(unit.name), "coturn.service");
		snprintf(unit.user, sizeof(unit.user), "%s", rows[i].user);
		unit.ambient = rows[i].ambient;
		unit.bounding = rows[i].bounding;
		unit.no_new_privileges = rows[i].no_new_privileges;
		check_privilege_judge_unit(&unit, rows[i].file, 0x612, 1000, &report);
		assert_entry_equal(rows[i].name, report.count, 1);
		assert_row(rows[i].name, 0, rows[i].missing ? CHECK_STOP : CHECK_OK, "privileges",
			   rows[i].missing ? rows[i].missing : "all capabilities",
			   rows[i].missing ? "systemctl edit coturn.service" : "");
		if (rows[i].missing && !strstr(report.row[0].text, rows[i].missing))
			fail_msg("%s: %s", rows[i].name, report.row[0].text);
	}
}

static void test_judge_sandbox(void **state)
{
	struct check_unit unit;

	(void)state;
	check_unit_clear(&unit);
	snprintf(unit.name, sizeof(unit.name), "t.service");
	unit.without_netlink = unit.without_bpf = unit.private_users = unit.private_network = true;
	unit.locked_memory = 999;
	check_privilege_judge_unit(&unit, 0, 0x50a, 1000, &report);
	assert_int_equal(report.count, 6);
	assert_row("netlink", 1, CHECK_STOP, "privileges", "RestrictAddressFamilies=AF_NETLINK", "systemctl edit t.service");
	assert_row("bpf", 2, CHECK_STOP, "privileges", "SystemCallFilter=bpf", "systemctl edit t.service");
	assert_row("users", 3, CHECK_STOP, "privileges", "PrivateUsers=no", "systemctl edit t.service");
	assert_row("network", 4, CHECK_STOP, "privileges", "PrivateNetwork=no", "systemctl edit t.service");
	assert_row("memlock", 5, CHECK_STOP, "privileges", "LimitMEMLOCK=infinity", "systemctl edit t.service");
	setup(NULL);
	unit.without_netlink = unit.without_bpf = unit.private_users = unit.private_network = false;
	check_privilege_judge_unit(&unit, 0, 0x50b, 1000, &report);
	assert_int_equal(report.count, 1);
	unit.locked_memory = 1000;
	check_privilege_judge_unit(&unit, 0, 0x50a, 1000, &report);
	assert_int_equal(report.count, 2);
}

/* ---- the kernel and its memory ---- */

static void test_kernel_number(void **state)
{
	(void)state;
	assert_int_equal(check_kernel_number("5.10.0-28-amd64"), 0x50a);
	assert_int_equal(check_kernel_number("6.18"), 0x612);
	assert_int_equal(check_kernel_number("Linux"), 0);
}

static void test_judge_kernel(void **state)
{
	static const struct {
		struct check_kernel kernel;
		unsigned int rows;
		enum check_level level;
		const char *text, *command;
	} rows[] = {
		{ { .release = "6.1", .number = 0x601, .probed = true }, 1, CHECK_OK, "Linux 6.1 loads", "" },
		{ { .release = "6.1", .number = 0x601 }, 1, CHECK_NOTE, "new enough", "" },
		{ { .release = "5.9", .number = 0x509 }, 1, CHECK_NOTE, "older than 5.10", "" },
		/* What a kernel can do counts, not its number. */
		{ { .release = "4.18", .number = 0x412, .probed = true, .link_known = true, .link = true }, 1, CHECK_OK, "loads", "" },
		{ { .release = "5.4", .number = 0x504, .probed = true, .load_error = -EINVAL, .xdp = true, .devmap_hash = true }, 1,
		  CHECK_STOP, "BPF_F_MMAPABLE", "" },
		{ { .release = "5.3", .number = 0x503, .probed = true, .load_error = -EINVAL, .mmapable = true }, 2, CHECK_STOP,
		  "no XDP programs", "" },
		{ { .release = "6.1", .number = 0x601, .probed = true, .load_error = -EACCES, .xdp = true, .devmap_hash = true,
		    .mmapable = true, .load_warning = "R1 is wrong" }, 1, CHECK_STOP, "R1 is wrong", "" },
		{ { .release = "6.1", .number = 0x601, .probed = true, .load_error = -EPERM }, 1, CHECK_STOP, "denies bpf(2)", "" },
		{ { .release = "6.1", .number = 0x601, .interpreted = true }, 2, CHECK_NOTE, "new enough", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(NULL);
		check_kernel_judge(&rows[i].kernel, &report);
		assert_entry_equal(rows[i].text, report.count, rows[i].rows);
		assert_row(rows[i].text, 0, rows[i].level, "kernel", rows[i].text, rows[i].command);
	}
	assert_row("interpreted", 1, CHECK_NOTE, "kernel", "interprets", "sysctl net.core.bpf_jit_enable=1");
	setup(NULL);
	check_kernel_judge(&(struct check_kernel){ .release = "5.8", .probed = true, .link_known = true }, &report);
	assert_row("no link", 1, CHECK_STOP, "kernel", "no BPF links for XDP", "");
}

static void write_limit(const char *group, const char *limit)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.max", group);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(limit, file);
	fclose(file);
}

static void remove_limit(const char *group)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.max", group);
	unlink(path);
	rmdir(group);
}

static void test_memory_limit(void **state)
{
	char root[] = "/tmp/check-test-XXXXXX", above[64], group[128];

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(above, sizeof(above), "%s/system.slice", root);
	snprintf(group, sizeof(group), "%s/coturn.service", above);
	assert_int_equal(mkdir(above, 0700), 0);
	assert_int_equal(mkdir(group, 0700), 0);
	write_limit(above, "5000\n");
	write_limit(group, "max\n");
	assert_true(check_memory_limit("0::/system.slice/coturn.service\n", root) == 5000);
	write_limit(group, "4000\n");
	assert_true(check_memory_limit("1:pids:/x\n0::/system.slice/coturn.service\n", root) == 4000);
	assert_true(check_memory_limit("0::/\n", root) == UINT64_MAX);
	assert_true(check_memory_limit("10::/system.slice\n", root) == UINT64_MAX);
	assert_true(check_memory_limit("", root) == UINT64_MAX);
	remove_limit(group);
	remove_limit(above);
	assert_int_equal(rmdir(root), 0);
}

static void test_judge_memory(void **state)
{
	static const struct {
		const char *name;
		uint64_t available, limit;
		enum check_level level;
		const char *text;
	} rows[] = {
		{ "much", 10000, UINT64_MAX, CHECK_OK, "take 1.0 kB of the 10.0 kB that this host has available" },
		{ "exactly twice", 2000, UINT64_MAX, CHECK_OK, "" },
		{ "half of it", 1999, UINT64_MAX, CHECK_NOTE, "lower xdp-max-channels" },
		{ "too little", 999, UINT64_MAX, CHECK_STOP, "lower xdp-max-channels" },
		{ "a low limit", 10000, 999, CHECK_STOP, "of the 999 B that the server's control group may have" },
		{ "not known", UINT64_MAX, UINT64_MAX, CHECK_OK, "the tables for 16 channels take 1.0 kB" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		setup(NULL);
		check_memory_judge(16, 1000, rows[i].available, rows[i].limit, &report);
		assert_row(rows[i].name, 0, rows[i].level, "memory", rows[i].text, "");
	}
}

/* ---- interfaces ---- */

static void craft(struct check_interfaces *all, unsigned int index, const char *name, enum status_mode mode)
{
	struct check_interface *interface = &all->interface[index];

	*interface = (struct check_interface){ .ifindex = index + 1, .mtu = 1500, .queues = 2, .up = true, .mode = mode };
	snprintf(interface->name, sizeof(interface->name), "%s", name);
	snprintf(interface->device, sizeof(interface->device), "%s", name);
	snprintf(interface->driver, sizeof(interface->driver), "ena");
	all->count = index + 1;
}

static void test_one_mode(void **state)
{
	static struct check_interfaces all;

	(void)state;
	craft(&all, 0, "eth0", STATUS_MODE_NATIVE);
	craft(&all, 1, "eth1", STATUS_MODE_NATIVE);
	snprintf(all.interface[1].why_generic, CHECK_WHY, "VLANs");
	craft(&all, 2, "br0", STATUS_MODE_GENERIC);
	all.interface[2].takes_redirects = true;
	check_interface_one_mode(&all);
	assert_int_equal(all.interface[0].mode, STATUS_MODE_NATIVE);
	all.interface[2].takes_redirects = false;
	check_interface_one_mode(&all);
	assert_int_equal(all.interface[0].mode, STATUS_MODE_GENERIC);
	assert_non_null(strstr(all.interface[0].why_native, "br0 can only use generic mode"));
	assert_int_equal(all.interface[1].mode, STATUS_MODE_NATIVE);
	/* One that packets only leave by is native or nothing, and then nothing is said of it. */
	craft(&all, 0, "eth0", STATUS_MODE_NATIVE);
	all.interface[0].optional = true;
	all.count = 3;
	check_interface_drop_optional(&all);
	assert_int_equal(all.count, 3);
	check_interface_one_mode(&all);
	assert_int_equal(all.interface[0].mode, STATUS_MODE_NONE);
	check_interface_drop_optional(&all);
	assert_int_equal(all.count, 2);
	assert_string_equal(all.interface[0].name, "eth1");
}

static void test_judge_interfaces(void **state)
{
	static struct check_interfaces all;
	static struct status status;
	struct settings settings = { 0 };

	(void)state;
	craft(&all, 0, "eth0", STATUS_MODE_NATIVE);
	all.interface[0].lro = true;
	all.interface[0].program = (struct check_program){ .id = 7, .pid = 42, .pid_seen = true };
	craft(&all, 1, "eth1", STATUS_MODE_GENERIC);
	snprintf(all.interface[1].why_native, CHECK_WHY, "mtu 9001 is too large");
	snprintf(all.interface[1].command, sizeof(all.interface[1].command), "ip link set dev eth1 mtu 3498");
	craft(&all, 2, "eth2", STATUS_MODE_NONE);
	all.interface[2].program = (struct check_program){ .id = 9, .link = 5, .name = "other" };
	snprintf(all.interface[2].why_native, CHECK_WHY, "another");
	snprintf(all.interface[2].why_generic, CHECK_WHY, "another");
	craft(&all, 3, "bond0", STATUS_MODE_NATIVE);
	snprintf(all.interface[3].members, sizeof(all.interface[3].members), "eth3, eth4");
	check_network_judge(&all, &settings, NULL, &report);
	assert_int_equal(report.count, 5);
	assert_row("native", 0, CHECK_OK, "eth0",
		   "native mode is possible (ena, mtu 1500, 2 queues), once turnserver (pid 42), whose program is there now", "");
	assert_row("bond", 4, CHECK_OK, "bond0", "native mode is possible by eth3, eth4 (ena, mtu 1500", "");
	assert_row("lro", 1, CHECK_NOTE, "eth0", "rx-lro is on", "ethtool -K eth0 lro off");
	assert_row("generic", 2, CHECK_NOTE, "eth1", "generic mode (ena, mtu 1500, 2 queues): mtu 9001 is too large",
		   "ip link set dev eth1 mtu 3498");
	assert_row("taken", 3, CHECK_NOTE, "eth2", "left out, channels over it are relayed in userspace: another",
		   "bpftool link detach id 5");
	/* If all have to carry it, or none can, one that cannot is no longer a note. */
	all.count = 3;
	setup(NULL);
	settings.required = true;
	check_network_judge(&all, &settings, NULL, &report);
	assert_int_equal(report.row[3].level, CHECK_STOP);
	setup(NULL);
	settings.required = false;
	all.interface[0].mode = all.interface[1].mode = STATUS_MODE_NONE;
	all.interface[2].program.link = 0;
	all.interface[2].program.mode = STATUS_MODE_GENERIC;
	check_network_judge(&all, &settings, NULL, &report);
	assert_row("none", 2, CHECK_STOP, "eth2", "left out", "ip link set dev eth2 xdpgeneric off");
	snprintf(all.interface[2].program.name, 16, "xdp_dispatcher");
	setup(NULL);
	check_network_judge(&all, &settings, NULL, &report);
	assert_row("dispatcher", 2, CHECK_NOTE, "eth2", "joins it", "");
	/* What a server says of its own. */
	setup(NULL);
	status.interfaces = 3;
	status.interface[0].mode = STATUS_MODE_NATIVE;
	snprintf(status.interface[0].line, STATUS_LINE, "native mode, mtu 1500");
	status.interface[1].mode = STATUS_MODE_GENERIC;
	snprintf(status.interface[1].line, STATUS_LINE, "generic mode, mtu 1500: no XDP");
	snprintf(status.interface[2].line, STATUS_LINE, "left out: another");
	all.interface[0].lro = false;
	check_network_judge(&all, &settings, &status, &report);
	assert_row("runs native", 0, CHECK_OK, "eth0", "native mode, mtu 1500 (ena", "");
	assert_row("runs generic", 1, CHECK_NOTE, "eth1", "generic mode, mtu 1500: no XDP (ena", "");
	assert_row("left out", 2, CHECK_NOTE, "eth2", "left out: another", "ip link set dev eth2 xdpgeneric off");
}

/* ---- the host ---- */

static void test_judge_host(void **state)
{
	struct check_host host = { .of = { .line = "nf_tables: table inet filter; rp_filter: strict on all", .notes = 1 } };

	(void)state;
	host.of.flags = STATUS_EXAMINED_V4 | STATUS_NAT_V4;
	snprintf(host.of.note[0].text, STATUS_NOTE, "a rule is not followed");
	check_host_judge(&host, &report);
	assert_int_equal(report.count, 5);
	assert_row("ipsec", 0, CHECK_OK, "ipsec", "no IPsec policies", "");
	assert_row("first", 1, CHECK_NOTE, "host", "nf_tables: table inet filter", "");
	assert_null(strchr(report.row[1].text, ';'));
	assert_row("second", 2, CHECK_NOTE, "host", "rp_filter: strict on all", "");
	assert_row("what follows", 3, CHECK_NOTE, "host", "this host examines IPv4, translates IPv4: a flow", "");
	assert_row("note", 4, CHECK_NOTE, "host", "a rule is not followed", "");
	setup(NULL);
	host = (struct check_host){ .ipsec = true };
	check_host_judge(&host, &report);
	assert_int_equal(report.count, 2);
	assert_row("policies", 0, CHECK_STOP, "ipsec", "IPsec policies", "ip xfrm policy");
	assert_row("free", 1, CHECK_OK, "host", "this host is free", "");
	setup(NULL);
	host = (struct check_host){ .ipsec_error = -EPERM, .survey_denied = true };
	check_host_judge(&host, &report);
	assert_row("not seen", 0, CHECK_NOTE, "ipsec", "run this as root", "");
	assert_row("not seen", 1, CHECK_NOTE, "host", "run this as root", "");
	setup(NULL);
	host = (struct check_host){ .ipsec_error = -EPROTONOSUPPORT };
	check_host_judge(&host, &report);
	assert_row("no IPsec", 0, CHECK_OK, "ipsec", "no IPsec policies", "");
}

/* ---- what people and programs read ---- */

static void craft_report(void)
{
	check_report_add(&report, CHECK_OK, "kernel", NULL, "Linux %s loads the XDP program", "6.18");
	check_report_add(&report, CHECK_NOTE, "eth0\033[", "ip link set dev eth0 mtu 3498",
			 "generic mode (ena, mtu 9001): the driver (ena) takes the program up to mtu 3498, and the interface "
			 "has 9001");
	check_report_add(&report, CHECK_STOP, "options",
			 "setcap cap_bpf,cap_net_admin,cap_perfmon=p /a/path/that/is/longer/than/what/is/left/of/the/line",
			 "averyverylongwordthatdoesnotfitintoonelineofthetableatallbecauseitislonger");
}

static void test_text(void **state)
{
	struct written written;
	FILE *out = written_open(&written);

	(void)state;
	craft_report();
	check_text_write(out, "turnserver.conf", &report, 80);
	assert_written("the text of check", &written,
		       "checked               turnserver.conf\n"
		       "ok    kernel          Linux 6.18 loads the XDP program\n"
		       "note  eth0?[          generic mode (ena, mtu 9001): the driver (ena) takes the\n"
		       "                      program up to mtu 3498, and the interface has 9001\n"
		       "                      $ ip link set dev eth0 mtu 3498\n"
		       "stop  options         averyverylongwordthatdoesnotfitintoonelineofthetableatallb\n"
		       "                      ecauseitislonger\n"
		       "                      $ setcap cap_bpf,cap_net_admin,cap_perfmon=p \\\n"
		       "                        /a/path/that/is/longer/than/what/is/left/of/the/line\n"
		       "1 ok, 1 note, 1 stop: the offload cannot start, or relays nothing\n");
}

static void test_json(void **state)
{
	static struct check_interfaces all;
	static struct check_target target;
	struct written written;
	struct json json = { .out = written_open(&written) };

	(void)state;
	check_report_add(&report, CHECK_NOTE, "eth0", "ip link set dev eth0 mtu 3498", "generic mode");
	check_report_add(&report, CHECK_OK, "kernel", NULL, "it loads");
	craft(&all, 0, "eth0", STATUS_MODE_GENERIC);
	all.interface[0].program = (struct check_program){ .id = 7, .name = "turn", .pid = 42, .pid_seen = true };
	snprintf(all.interface[0].why_native, CHECK_WHY, "mtu");
	snprintf(target.config.file, sizeof(target.config.file), "t.conf");
	check_json_write(&json, &target, &all, &report);
	assert_written("the JSON of check", &written,
		       "{\"pid\": null, \"offload_runs\": false, \"file\": \"t.conf\", \"unit\": null, \"worst\": \"note\", \"rows\": ["
		       "{\"level\": \"note\", \"topic\": \"eth0\", \"text\": \"generic mode\", \"command\": "
		       "\"ip link set dev eth0 mtu 3498\"}, "
		       "{\"level\": \"ok\", \"topic\": \"kernel\", \"text\": \"it loads\", \"command\": null}], \"interfaces\": ["
		       "{\"name\": \"eth0\", \"ifindex\": 1, \"mode\": \"generic\", \"device\": \"eth0\", \"driver\": \"ena\", "
		       "\"mtu\": 1500, \"queues\": 2, \"queues_max\": null, \"up\": true, \"why_not_native\": \"mtu\", "
		       "\"why_not_generic\": null, \"program_id\": 7, \"program_name\": \"turn\", \"program_pid\": 42}]}");
}

static void test_full_report(void **state)
{
	struct written written;
	FILE *out = written_open(&written);

	(void)state;
	for (int i = 0; i < CHECK_ROWS + 2; i++)
		check_report_add(&report, CHECK_OK, "kernel", NULL, "%d", i);
	assert_int_equal(report.count, CHECK_ROWS);
	assert_int_equal(report.left_out, 2);
	check_text_write(out, "x", &report, 80);
	fflush(out);
	assert_non_null(strstr(written.text, "2 rows are left out\n"));
	fclose(out);
	free(written.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_lines, setup),
		cmocka_unit_test_setup(test_arguments, setup),
		cmocka_unit_test_setup(test_arguments_end, setup),
		cmocka_unit_test_setup(test_judge_options, setup),
		cmocka_unit_test_setup(test_unit_lines, setup),
		cmocka_unit_test_setup(test_unit_of, setup),
		cmocka_unit_test_setup(test_judge_unit, setup),
		cmocka_unit_test_setup(test_judge_sandbox, setup),
		cmocka_unit_test_setup(test_kernel_number, setup),
		cmocka_unit_test_setup(test_judge_kernel, setup),
		cmocka_unit_test_setup(test_memory_limit, setup),
		cmocka_unit_test_setup(test_judge_memory, setup),
		cmocka_unit_test_setup(test_one_mode, setup),
		cmocka_unit_test_setup(test_judge_interfaces, setup),
		cmocka_unit_test_setup(test_judge_host, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_json, setup),
		cmocka_unit_test_setup(test_full_report, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
