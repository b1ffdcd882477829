/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For bpf/ compiled for the host: what the program uses of libbpf's header of
 * this name, and the kernel's helpers, which machine.c plays.
 */
#ifndef SHIM_BPF_HELPERS_H
#define SHIM_BPF_HELPERS_H

#include <linux/types.h>

struct xdp_md;

#define SEC(name)
#define __uint(name, value) int (*name)[value]
#define __type(name, value) __typeof__(value) *name
#undef __always_inline /* the C library has one */
#define __always_inline inline __attribute__((always_inline))
#undef __noinline
#define __noinline __attribute__((noinline))
#define barrier() __asm__ volatile("" : : : "memory")
#define barrier_var(var) __asm__ volatile("" : "+r"(var))

void *bpf_map_lookup_elem(const void *map, const void *key);
long bpf_redirect_map(const void *map, __u64 key, __u64 flags);
long bpf_xdp_adjust_head(struct xdp_md *ctx, int delta);
long bpf_xdp_adjust_tail(struct xdp_md *ctx, int delta);
__u64 bpf_xdp_get_buff_len(struct xdp_md *ctx);
long bpf_xdp_load_bytes(struct xdp_md *ctx, __u32 offset, void *to, __u32 length);
long bpf_xdp_store_bytes(struct xdp_md *ctx, __u32 offset, void *from, __u32 length);
__s64 bpf_csum_diff(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __u32 seed);
__u64 bpf_jiffies64(void);
__u64 bpf_ktime_get_ns(void);
__u64 bpf_ktime_get_coarse_ns(void);
__u32 bpf_get_smp_processor_id(void);

#endif
