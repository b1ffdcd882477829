/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether this kernel can run the XDP program. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_KERNEL_H
#define OFFLOAD_XDP_UTILS_CHECK_KERNEL_H

#include <stdbool.h>

#include "check_report.h"

/** What the kernel has of what the program and its server take. */
struct check_kernel {
	char release[65];
	unsigned int number; /* of the release: 0x50a is 5.10; 0: not known */
	bool probed;         /* this process may try; if not, the rest is not known */
	int load_error;      /* of the program itself, which was loaded and unloaded at once: 0 or -errno */
	char load_warning[256];
	bool xdp, devmap_hash, mmapable; /* looked at only if the program was refused */
	bool link_known, link;           /* BPF links for XDP */
	bool interpreted;                /* no machine code is made of programs (net.core.bpf_jit_enable is 0) */
	bool frags;                      /* programs for frames of several buffers (Linux 5.18); false if not probed */
};

/** Finds it out. What it loads for that is attached to no interface of this host, and is unloaded at once. */
void check_kernel_read(struct check_kernel *kernel);

/** The number of a release: "5.10.0-28-amd64" is 0x50a; 0 if it is none. Pure. */
unsigned int check_kernel_number(const char *release);

/** Adds the rows. Pure. */
void check_kernel_judge(const struct check_kernel *kernel, struct check_report *report);

#endif
