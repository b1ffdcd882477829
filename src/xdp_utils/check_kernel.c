/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/library_log.h"
#include "loader.h"

#define TOPIC "kernel"
#define RELEASE_NEEDED 0x50a
#define IFINDEX_LOOPBACK 1 /* of every network namespace */

unsigned int check_kernel_number(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2 || minor > 255)
		return 0;
	return major << 8 | minor;
}

/* ---- probes ---- */

static bool probe_mmapable(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "probe", sizeof(__u32), sizeof(__u64), 1, &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A program that passes every packet up: r0 = XDP_PASS; exit. */
static int load_nothing(void)
{
	static const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "BSD", code, sizeof(code) / sizeof(code[0]), NULL);
}

enum answer { ANSWER_NO,
	      ANSWER_YES,
	      ANSWER_UNKNOWN };

/* Attaches to the loopback interface of a network namespace that is this process's alone, and ends with it. */
static enum answer try_link(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
	int program;

	if (unshare(CLONE_NEWNET))
		return ANSWER_UNKNOWN;
	program = load_nothing();
	if (program < 0)
		return ANSWER_UNKNOWN;
	return bpf_link_create(program, IFINDEX_LOOPBACK, BPF_XDP, &options) < 0 ? ANSWER_NO : ANSWER_YES;
}

static void probe_link(struct check_kernel *kernel)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(try_link());
	kernel->link_known = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
			     WEXITSTATUS(status) != ANSWER_UNKNOWN;
	kernel->link = kernel->link_known && WEXITSTATUS(status) == ANSWER_YES;
}

static bool is_interpreted(void)
{
	FILE *file = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
	int enabled = file ? fgetc(file) : EOF;

	if (file)
		fclose(file);
	return enabled == '0';
}

void check_kernel_read(struct check_kernel *kernel)
{
	struct utsname name = { 0 };
	char missing[64];

	memset(kernel, 0, sizeof(*kernel));
	uname(&name);
	snprintf(kernel->release, sizeof(kernel->release), "%s", name.release);
	kernel->number = check_kernel_number(kernel->release);
	kernel->interpreted = is_interpreted();
	kernel->probed = !capability_missing(missing, sizeof(missing));
	if (!kernel->probed)
		return;
	kernel->load_error = loader_try();
	snprintf(kernel->load_warning, sizeof(kernel->load_warning), "%s", library_log_warning());
	kernel->frags = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_get_buff_len, NULL) == 1;
	probe_link(kernel);
	if (!kernel->load_error)
		return;
	kernel->xdp = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 1;
	kernel->devmap_hash = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_DEVMAP_HASH, NULL) == 1;
	kernel->mmapable = probe_mmapable();
}

/* ---- judging ---- */

static void judge_refusal(const struct check_kernel *kernel, struct check_report *report)
{
	const struct {
		bool there;
		const char *name;
	} features[] = {
		{ kernel->xdp, "XDP programs" },
		{ kernel->devmap_hash, "maps of the type devmap_hash" },
		{ kernel->mmapable, "arrays that can be mapped into memory (BPF_F_MMAPABLE)" },
	};
	bool named = false;

	if (kernel->load_error == -EPERM) {
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "Linux %s denies bpf(2) to a process with all capabilities for it: a container, a user "
				 "namespace, the limit of locked memory or the kernel's lockdown forbids it",
				 kernel->release);
		return;
	}
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		if (features[i].there)
			continue;
		check_report_add(report, CHECK_STOP, TOPIC, NULL, "Linux %s has no %s; Linux 5.10 or newer is needed",
				 kernel->release, features[i].name);
		named = true;
	}
	if (!named)
		check_report_add(report, CHECK_STOP, TOPIC, NULL, "Linux %s does not load the XDP program (%s): %s",
				 kernel->release, strerror(-kernel->load_error), kernel->load_warning);
}

static void judge_probed(const struct check_kernel *kernel, struct check_report *report)
{
	if (kernel->load_error)
		judge_refusal(kernel, report);
	else
		check_report_add(report, CHECK_OK, TOPIC, NULL, "Linux %s loads the XDP program", kernel->release);
	if (kernel->link_known && !kernel->link)
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "Linux %s has no BPF links for XDP, by which the program is attached; Linux 5.10 or newer is "
				 "needed",
				 kernel->release);
}

void check_kernel_judge(const struct check_kernel *kernel, struct check_report *report)
{
	if (kernel->probed)
		judge_probed(kernel, report);
	else if (kernel->number < RELEASE_NEEDED)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "Linux %s is older than 5.10, which the offload needs; run this as root to see whether it loads "
				 "the XDP program all the same",
				 kernel->release);
	else
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "Linux %s is new enough (5.10); whether it loads the XDP program was not seen: run this as root",
				 kernel->release);
	if (kernel->interpreted)
		check_report_add(report, CHECK_NOTE, TOPIC, "sysctl net.core.bpf_jit_enable=1",
				 "the kernel interprets BPF programs, which is slow, because net.core.bpf_jit_enable is 0");
}
