/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded, each interface seems to carry the dispatcher of a libxdp before 1.5.5, and the kernel to be one that lets
 * no program that changes packets run through it: libxdp's functions are answered for, and the load is refused as
 * the verifier of Linux 6.13 does it. Kernels that run the real one are only in guests (tests/vm/dispatcher_test.py).
 */
#include "system_call.h"

#include <stdio.h>
#include <xdp/libxdp.h>

#include <bpf/libbpf.h>

#define WORDS "Extension program changes packet data, while original does not\n"

static char dispatcher; /* any address */

struct xdp_multiprog *xdp_multiprog__get_from_ifindex(int ifindex)
{
	(void)ifindex;
	return (struct xdp_multiprog *)&dispatcher;
}

bool xdp_multiprog__is_legacy(const struct xdp_multiprog *given)
{
	(void)given;
	return false;
}

enum xdp_attach_mode xdp_multiprog__attach_mode(const struct xdp_multiprog *given)
{
	(void)given;
	return XDP_MODE_NATIVE;
}

struct xdp_program *xdp_multiprog__next_prog(const struct xdp_program *program, const struct xdp_multiprog *given)
{
	(void)program, (void)given;
	return NULL;
}

void xdp_multiprog__close(struct xdp_multiprog *given)
{
	(void)given;
}

int xdp_program__attach(struct xdp_program *program, int ifindex, enum xdp_attach_mode mode, unsigned int flags)
{
	struct bpf_object *object = xdp_program__bpf_obj(program);
	struct bpf_program *ours = bpf_object__next_program(object, NULL);

	(void)ifindex, (void)mode, (void)flags;
	bpf_program__set_type(ours, BPF_PROG_TYPE_EXT);
	bpf_program__set_expected_attach_type(ours, 0);
	return bpf_object__load(object);
}

static long answer(const struct system_call *call)
{
	const union bpf_attr *program = loaded(call);

	if (!program || program->prog_type != BPF_PROG_TYPE_EXT)
		return pass_on(call);
	if (program->log_buf)
		snprintf((char *)(unsigned long)program->log_buf, program->log_size, WORDS);
	return refuse(EINVAL);
}
