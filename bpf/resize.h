/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */
/*
 * Gives a frame the length that it leaves with. Nearly always the start of the frame moves, into the
 * room that the driver has left before it, and the data stays where it is. Some drivers leave less than
 * bpf_xdp_adjust_head wants, which is the size of the kernel's struct xdp_frame, even for a start that moves
 * forward. Then the start stays, and the data moves.
 */
#ifndef BPF_RESIZE_H
#define BPF_RESIZE_H

#include "maps.h"
#include "packet.h"
#include "rewrite.h"

/* As many blocks as the largest datagram may need. */
#define MOVE_BLOCKS (0x10000 / MOVE_BLOCK)

/* Copies `length` bytes of the frame, but at most a block, to another place in it. 0 or -1. */
static __always_inline int block_move(struct xdp_md *ctx, void *block, __u32 from, __u32 to, __u32 length)
{
	__u32 last = length - 1;

	barrier_var(last);
	if (last >= MOVE_BLOCK)
		last = MOVE_BLOCK - 1;
	/* Before Linux 6.8 the verifier does not learn from a comparison with 0 that a length is positive. */
	barrier_var(last);
	if (bpf_xdp_load_bytes(ctx, from, block, last + 1))
		return -1;
	return bpf_xdp_store_bytes(ctx, to, block, last + 1) ? -1 : 0;
}

/*
 * Moves `length` bytes from the offset `data` on by `shift` bytes, and ends the frame behind them. What
 * moves towards the end begins with its last block, so that no block is overwritten before it has moved. 0; or
 * -1 with the frame as it was, if its tail cannot grow.
 *
 * When the tail has the right length the rest cannot fail, and Linux never refuses to shorten a
 * frame. The function is not static, so that the verifier walks its loop once.
 */
__noinline int data_move(struct xdp_md *ctx, __u32 data, __u32 length, int shift)
{
	__u32 linear = ctx->data_end - ctx->data, zero = 0, blocks = (length + MOVE_BLOCK - 1) / MOVE_BLOCK;
	int growth = (int)(data + length) + shift - (int)frame_length(ctx);
	void *block;

	if (!can_move)
		return -1;
	block = bpf_map_lookup_elem(&scratch, &zero);
	/* The headers are written into the first buffer. A frame of one buffer grows with its tail. */
	if (!block || (frame_length(ctx) > linear && data + shift > linear))
		return -1;
	if (shift >= 0 && growth && bpf_xdp_adjust_tail(ctx, growth))
		return -1;
	for (__u32 i = 0; i < MOVE_BLOCKS && i < blocks && shift; i++) {
		__u32 from = (shift > 0 ? blocks - 1 - i : i) * MOVE_BLOCK;

		if (block_move(ctx, block, data + from, data + from + shift, length - from))
			return -1;
	}
	return shift < 0 && bpf_xdp_adjust_tail(ctx, growth) ? -1 : 0;
}

/*
 * Moves the start and the end of the frame to where those of the new frame are. 0, or -1
 * with the frame as it was. Metadata in front of a frame moves along with its start, over
 * the bytes that were there. If the tail could then not be shortened, those bytes would be
 * lost; but Linux never refuses to shorten a frame.
 */
static __always_inline int frame_resize(struct xdp_md *ctx, const struct packet *packet,
					const struct outgoing *out, const int v6)
{
	int data = packet->offset + out->header;
	int excess = (int)frame_length(ctx) - data - out->data;
	int shift = data - (int)(headers_length(out, v6) + sizeof(struct udphdr) + out->payload - out->data);

	if (bpf_xdp_adjust_head(ctx, shift))
		return data_move(ctx, data, out->data, -shift);
	if (excess > 0 && bpf_xdp_adjust_tail(ctx, -excess)) {
		bpf_xdp_adjust_head(ctx, -shift);
		return -1;
	}
	return 0;
}

#endif
