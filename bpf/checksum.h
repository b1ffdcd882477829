/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Internet checksums (RFC 1071, RFC 1624). The 16-bit words are added as they stand in
 * memory, without a change of byte order: RFC 1071 shows that the sum comes out right in
 * either order.
 */
#ifndef BPF_CHECKSUM_H
#define BPF_CHECKSUM_H

#include <linux/in.h>
#include <linux/ip.h>

#include "maps.h"

/* The longest payload that is summed in full is that of a jumbo frame. */
#define SUM_BLOCK 64
#define SUM_BLOCKS 144
#define SUM_MAX (SUM_BLOCK * SUM_BLOCKS)
#define OFFSET_MAX 0x3fff

static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Adding the complement of a word takes the word out of a sum. */
static __always_inline __u16 csum_complement(__u16 word)
{
	return ~word;
}

/* A UDP checksum of 0 means that there is none, so that a sum that comes to 0 is sent as 0xffff (RFC 768). */
static __always_inline __sum16 sum_finish_udp(__u64 sum)
{
	__u16 check = ~sum_fold(sum);

	return check ? check : 0xffff;
}

/* Whether the checksum of an IPv4 header without options is right. */
static __always_inline int ip_sum_ok(const void *header)
{
	const __u32 *word = header;
	__u64 sum = (__u64)word[0] + word[1] + word[2] + word[3] + word[4];

	return sum_fold(sum) == 0xffff;
}

static __always_inline __u64 pseudo_addresses6(const __be32 *saddr, const __be32 *daddr)
{
	return (__u64)saddr[0] + saddr[1] + saddr[2] + saddr[3] + daddr[0] + daddr[1] + daddr[2] +
	       daddr[3];
}

/*
 * The sum over the pseudo-header of either family (RFC 768; RFC 8200, section 8.1). It is
 * also what a local socket writes into the checksum field when the device is to finish
 * the checksum. `addresses` is the sum of the words of both addresses.
 */
static __always_inline __u16 pseudo_sum(__u64 addresses, __be16 udp_length)
{
	return sum_fold(addresses + bpf_htons(IPPROTO_UDP) + udp_length);
}

/* The sum of at most SUM_BLOCK bytes that may be in another buffer of the frame; -1 if they are not all there. */
static __always_inline long scattered_sum(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	__be32 copy[SUM_BLOCK / 4] = {};
	__u32 last = length - 1;

	if (!frags || last >= SUM_BLOCK)
		return -1;
	/* Before Linux 6.8 the verifier does not learn from a comparison with 0 that a length is positive. */
	barrier_var(last);
	if (bpf_xdp_load_bytes(ctx, offset, copy, last + 1))
		return -1;
	return bpf_csum_diff(NULL, 0, copy, SUM_BLOCK, 0) & 0xffffffff;
}

/*
 * The sum of `length` bytes of the frame from `offset` on; -1 if they are not all there, or
 * are more than SUM_MAX. It is slow, and used only for packets without a usable checksum
 * and for the bytes that are cut off behind the data.
 *
 * The function is not static, so that the verifier walks its loops once, and not for each
 * path that leads here. barrier_var keeps clang 14 from comparing with an end that is moved
 * back instead of an address that is moved forward; the verifier does not follow that.
 */
__noinline long payload_sum(struct xdp_md *ctx, __u32 offset, __u32 length)
{
	__u8 *at = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	__u64 sum = 0;
	long part;
	int i;

	if (length > SUM_MAX || offset > OFFSET_MAX)
		return -1;
	/* The mask repeats the check above in a form that the verifier understands. */
	barrier_var(offset);
	at += offset & OFFSET_MAX;
	barrier_var(length);
	for (i = 0; i < SUM_BLOCKS && length >= SUM_BLOCK; i++) {
		barrier_var(at);
		if ((void *)(at + SUM_BLOCK) <= end) {
			sum += (__u32)bpf_csum_diff(NULL, 0, (__be32 *)at, SUM_BLOCK, 0);
		} else {
			part = scattered_sum(ctx, offset, SUM_BLOCK);
			if (part < 0)
				return -1;
			sum += part;
		}
		at += SUM_BLOCK;
		offset += SUM_BLOCK;
		length -= SUM_BLOCK;
	}
	if (frags && length) {
		part = scattered_sum(ctx, offset, length);
		return part < 0 ? -1 : sum_fold(sum + part);
	}
	for (i = 0; i < SUM_BLOCK / 2 && length >= 2; i++) {
		barrier_var(at);
		if ((void *)(at + 2) > end)
			return -1;
		sum += *(__u16 *)at;
		at += 2;
		length -= 2;
	}
	if (length) {
		barrier_var(at);
		if ((void *)(at + 1) > end)
			return -1;
		sum += bpf_htons((__u16)*at << 8);
	}
	return sum_fold(sum);
}

#endif
