/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames, byte by byte as RFC 791, 768, 1071, 8200 and 8656 and IEEE 802.1Q have
 * them. Shares no code with bpf/, so that one can judge the other.
 */
#ifndef MODEL_FRAME_H
#define MODEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest IP packet, and what may be around it. */
#define FRAME_MAX 69000

/* Where a thing stands: its layer, and the place there. Tags and families move layers. */
enum layer { LAYER_ETH, LAYER_IP, LAYER_UDP, LAYER_PAYLOAD, LAYERS };
#define AT_LAYER(layer) ((layer) << 12 | 0x800)
enum {
	AT_ETH = AT_LAYER(LAYER_ETH),
	AT_ETH_DEST = AT_ETH,
	AT_ETH_SOURCE = AT_ETH + 6,
	AT_ETH_TYPE = AT_ETH + 12, /* of the outermost tag, if there is one */
	AT_ETH_TCI = AT_ETH + 14,
	AT_IP = AT_LAYER(LAYER_IP),
	AT_IP_TYPE = AT_IP - 2, /* the Ethernet type, behind the tags */
	AT_IP4_TOS = AT_IP + 1,
	AT_IP4_LENGTH = AT_IP + 2,
	AT_IP4_ID = AT_IP + 4,
	AT_IP4_FRAG = AT_IP + 6,
	AT_IP4_TTL = AT_IP + 8,
	AT_IP4_PROTOCOL = AT_IP + 9,
	AT_IP4_SUM = AT_IP + 10,
	AT_IP4_SOURCE = AT_IP + 12,
	AT_IP4_DEST = AT_IP + 16,
	AT_IP6_LENGTH = AT_IP + 4,
	AT_IP6_NEXT = AT_IP + 6,
	AT_IP6_HOPS = AT_IP + 7,
	AT_IP6_SOURCE = AT_IP + 8,
	AT_IP6_DEST = AT_IP + 24,
	AT_UDP = AT_LAYER(LAYER_UDP),
	AT_UDP_SPORT = AT_UDP,
	AT_UDP_DPORT = AT_UDP + 2,
	AT_UDP_LENGTH = AT_UDP + 4,
	AT_UDP_SUM = AT_UDP + 6,
	AT_PAYLOAD = AT_LAYER(LAYER_PAYLOAD),
	AT_CHANNEL_NUMBER = AT_PAYLOAD,
	AT_CHANNEL_LENGTH = AT_PAYLOAD + 2,
};

struct frame {
	int family; /* 4 or 6, as it was built or read */
	uint32_t length;
	uint32_t linear; /* bytes in the first buffer; 0: not known */
	uint32_t piece;  /* bytes in each further one */
	size_t start[LAYERS];
	uint8_t byte[FRAME_MAX];
};

#define TAGS_MAX 3

/* In host order. */
struct tag {
	uint16_t protocol, tci;
};

/* What is before the IP header. */
struct envelope {
	uint8_t mac[12]; /* destination, then source */
	struct tag tag[TAGS_MAX]; /* outermost first; protocol 0: none */
};

struct transport_address {
	int family; /* 4 or 6 */
	uint8_t byte[16];
	uint16_t port;
};

/* A packet in full, as one of the parties sends it. */
struct datagram {
	struct envelope envelope;
	struct transport_address source, dest;
	uint8_t tos, ttl;   /* or traffic class, hop limit */
	uint16_t id, frag;  /* IPv4 */
	uint32_t label;     /* IPv6: flow label */
	int channel;        /* 0: no ChannelData header */
	const uint8_t *data;
	size_t data_length, excess;
};

/* The frame, with right lengths and checksums and nothing after the datagram. */
void frame_build(struct frame *frame, const struct datagram *d);

/*
 * Finds the layers of a frame that was sent, by its own fields. NULL, or what
 * is not as it must be in one: anything but one whole UDP datagram is.
 */
const char *frame_read(struct frame *frame);

uint16_t frame_get16(const struct frame *frame, int at);
/* The last `width` bytes of the value, in network order. */
void frame_put(struct frame *frame, int at, int width, uint32_t value);
/* Adds bytes at the end. */
void frame_grow(struct frame *frame, int length, uint8_t byte);
/* Puts bytes in front of the UDP header; the IP length grows with them. */
void frame_insert(struct frame *frame, const uint8_t *byte, size_t length);

/* RFC 1071, from the text: the sum of 16-bit words, not complemented. */
uint16_t sum_words(const uint8_t *byte, size_t length, uint16_t start);
uint16_t sum_add(uint16_t one, uint16_t other);
/* RFC 768 and RFC 8200, section 8.1. */
uint16_t frame_pseudo_sum(const struct frame *frame);
/* Over pseudo-header and UDP datagram as they stand; right if 0xffff. */
uint16_t frame_udp_sum(const struct frame *frame);
/* The right one, if the data were as they stand; never 0. */
uint16_t frame_right_check(struct frame *frame);
/* Chooses the word at a place of the data so that `check` becomes the right one. */
void frame_steer(struct frame *frame, int at, uint16_t check);
/* Put in a right one; there is nothing to do in IPv6's header. */
void frame_udp_checksum(struct frame *frame);
void frame_ip_checksum(struct frame *frame);

/* Takes over the IP ID of what was sent, where any will do. */
void frame_take_id(struct frame *frame, const struct frame *sent);

#endif
