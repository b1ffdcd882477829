/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, it has drivers take the XDP program in native mode, and run another one in its place, which passes all frames.
 * $IDLE_DRIVER says how often: "1", as a driver that loses the program when its link is set down and up; or "99", as one that
 * never runs it. After a comma may stand the name of the only interface whose driver does so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

static int idle = -1;

/* While the process may still load programs. */
__attribute__((constructor)) static void load_idle(void)
{
	const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	if (getenv("IDLE_DRIVER"))
		idle = bpf_prog_load(BPF_PROG_TYPE_XDP, "idle", "GPL", pass, 2, NULL);
}

static int is_meant(int ifindex)
{
	const char *name = strchr(getenv("IDLE_DRIVER"), ',');

	return !name || (int)if_nametoindex(name + 1) == ifindex;
}

int bpf_link_create(int program, int target, enum bpf_attach_type type, const struct bpf_link_create_opts *options)
{
	int (*next)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *) =
		(int (*)(int, int, enum bpf_attach_type, const struct bpf_link_create_opts *))dlsym(RTLD_NEXT, "bpf_link_create");
	static int taken;

	if (idle >= 0 && type == BPF_XDP && options->flags == XDP_FLAGS_DRV_MODE && is_meant(target) &&
	    taken < atoi(getenv("IDLE_DRIVER"))) {
		taken++;
		program = idle;
	}
	return next(program, target, type, options);
}
