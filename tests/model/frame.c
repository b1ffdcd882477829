/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <string.h>

#define PROTOCOL_UDP 17
#define IP4_HEADER 20
#define IP6_HEADER 40
#define UDP_HEADER 8
#define TYPE_IP4 0x0800
#define TYPE_IP6 0x86dd
#define TYPE_8021Q 0x8100
#define TYPE_8021AD 0x88a8

static size_t place(const struct frame *frame, int at)
{
	return frame->start[at >> 12] + (size_t)(at & 0xfff) - 0x800;
}

static void put16(uint8_t *byte, uint16_t value)
{
	byte[0] = value >> 8;
	byte[1] = value & 0xff;
}

static uint16_t get16(const uint8_t *byte)
{
	return (uint16_t)(byte[0] << 8 | byte[1]);
}

uint16_t frame_get16(const struct frame *frame, int at)
{
	return get16(frame->byte + place(frame, at));
}

void frame_put(struct frame *frame, int at, int width, uint32_t value)
{
	uint8_t *byte = frame->byte + place(frame, at);

	for (int i = 0; i < width; i++)
		byte[i] = width - 1 - i < 4 ? value >> 8 * (width - 1 - i) : 0;
}

void frame_grow(struct frame *frame, int length, uint8_t byte)
{
	memset(frame->byte + frame->length, byte, length);
	frame->length += length;
}

void frame_insert(struct frame *frame, const uint8_t *byte, size_t length)
{
	uint8_t *udp = frame->byte + frame->start[LAYER_UDP];
	int at = frame->family == 6 ? AT_IP6_LENGTH : AT_IP4_LENGTH;

	memmove(udp + length, udp, frame->length - frame->start[LAYER_UDP]);
	memcpy(udp, byte, length);
	frame->length += length;
	frame_put(frame, at, 2, frame_get16(frame, at) + length);
	frame->start[LAYER_UDP] += length;
	frame->start[LAYER_PAYLOAD] += length;
}

uint16_t sum_add(uint16_t one, uint16_t other)
{
	uint32_t sum = (uint32_t)one + other;

	return sum > 0xffff ? sum - 0xffff : sum;
}

uint16_t sum_words(const uint8_t *byte, size_t length, uint16_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? byte[i] : (uint32_t)byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The datagram's length stands there as 32 bits in IPv6: the first 16 are 0. */
uint16_t frame_pseudo_sum(const struct frame *frame)
{
	const uint8_t *ip = frame->byte + frame->start[LAYER_IP];
	uint16_t sum = sum_add(PROTOCOL_UDP, frame_get16(frame, AT_UDP_LENGTH));

	return frame->family == 6 ? sum_words(ip + 8, 32, sum) : sum_words(ip + 12, 8, sum);
}

uint16_t frame_udp_sum(const struct frame *frame)
{
	size_t length = frame_get16(frame, AT_UDP_LENGTH);

	if (length > frame->length - frame->start[LAYER_UDP])
		length = frame->length - frame->start[LAYER_UDP];
	return sum_words(frame->byte + frame->start[LAYER_UDP], length, frame_pseudo_sum(frame));
}

uint16_t frame_right_check(struct frame *frame)
{
	uint16_t check;

	frame_put(frame, AT_UDP_SUM, 2, 0);
	check = ~frame_udp_sum(frame);
	return check ? check : 0xffff;
}

void frame_udp_checksum(struct frame *frame)
{
	frame_put(frame, AT_UDP_SUM, 2, frame_right_check(frame));
}

void frame_steer(struct frame *frame, int at, uint16_t check)
{
	frame_put(frame, at, 2, 0);
	frame_put(frame, at, 2, sum_add(frame_right_check(frame), (uint16_t)~check));
}

void frame_ip_checksum(struct frame *frame)
{
	const uint8_t *ip = frame->byte + frame->start[LAYER_IP];
	size_t header = (ip[0] & 15) * 4;
	uint16_t sum;

	if (frame->family != 4)
		return;
	frame_put(frame, AT_IP4_SUM, 2, 0);
	sum = sum_words(ip, header < IP4_HEADER ? IP4_HEADER : header, 0);
	frame_put(frame, AT_IP4_SUM, 2, (uint16_t)~sum);
}

/* Returns where the IP header begins. */
static size_t envelope_put(uint8_t *byte, const struct envelope *envelope, int family)
{
	size_t at = 12;

	memcpy(byte, envelope->mac, 12);
	for (int i = 0; i < TAGS_MAX && envelope->tag[i].protocol; i++, at += 4) {
		put16(byte + at, envelope->tag[i].protocol);
		put16(byte + at + 2, envelope->tag[i].tci);
	}
	put16(byte + at, family == 6 ? TYPE_IP6 : TYPE_IP4);
	return at + 2;
}

static void ip4_put(struct frame *frame, const struct datagram *d, size_t length)
{
	uint8_t *ip = frame->byte + frame->start[LAYER_IP];

	ip[0] = 4 << 4 | IP4_HEADER / 4;
	ip[1] = d->tos;
	put16(ip + 2, IP4_HEADER + length);
	put16(ip + 4, d->id);
	put16(ip + 6, d->frag);
	ip[8] = d->ttl;
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 12, d->source.byte, 4);
	memcpy(ip + 16, d->dest.byte, 4);
	frame_ip_checksum(frame);
}

static void ip6_put(struct frame *frame, const struct datagram *d, size_t length)
{
	uint8_t *ip = frame->byte + frame->start[LAYER_IP];

	ip[0] = 6 << 4 | d->tos >> 4;
	ip[1] = (d->tos & 15) << 4 | (d->label >> 16 & 15);
	put16(ip + 2, d->label & 0xffff);
	put16(ip + 4, length);
	ip[6] = PROTOCOL_UDP;
	ip[7] = d->ttl;
	memcpy(ip + 8, d->source.byte, 16);
	memcpy(ip + 24, d->dest.byte, 16);
}

void frame_build(struct frame *frame, const struct datagram *d)
{
	size_t header = d->channel ? 4 : 0;
	size_t length = UDP_HEADER + header + d->data_length + d->excess;
	uint8_t *payload;

	memset(frame->byte, 0, 128);
	frame->linear = 0;
	frame->family = d->source.family;
	frame->start[LAYER_ETH] = 0;
	frame->start[LAYER_IP] = envelope_put(frame->byte, &d->envelope, frame->family);
	frame->start[LAYER_UDP] =
		frame->start[LAYER_IP] + (frame->family == 6 ? IP6_HEADER : IP4_HEADER);
	frame->start[LAYER_PAYLOAD] = frame->start[LAYER_UDP] + UDP_HEADER;
	frame->length = frame->start[LAYER_UDP] + length;
	if (frame->family == 6)
		ip6_put(frame, d, length);
	else
		ip4_put(frame, d, length);
	frame_put(frame, AT_UDP_SPORT, 2, d->source.port);
	frame_put(frame, AT_UDP_DPORT, 2, d->dest.port);
	frame_put(frame, AT_UDP_LENGTH, 2, length);
	payload = frame->byte + frame->start[LAYER_PAYLOAD];
	if (d->channel) {
		put16(payload, d->channel);
		put16(payload + 2, d->data_length);
	}
	memcpy(payload + header, d->data, d->data_length);
	/* Not zeros: what is to be cut off must be seen if it is not. */
	memset(payload + header + d->data_length, 0xa5, d->excess);
	frame_udp_checksum(frame);
}

static const char *ip4_read(struct frame *frame)
{
	const uint8_t *ip = frame->byte + frame->start[LAYER_IP];

	frame->family = 4;
	frame->start[LAYER_UDP] = frame->start[LAYER_IP] + IP4_HEADER;
	frame->start[LAYER_PAYLOAD] = frame->start[LAYER_UDP] + UDP_HEADER;
	if (frame->length < frame->start[LAYER_PAYLOAD])
		return "shorter than its headers";
	if (ip[0] != 0x45 || ip[9] != PROTOCOL_UDP)
		return "not plain IPv4 with UDP";
	if (sum_words(ip, IP4_HEADER, 0) != 0xffff)
		return "IP header checksum wrong";
	if (get16(ip + 6) & 0x3fff)
		return "a fragment";
	if (get16(ip + 2) != frame->length - frame->start[LAYER_IP])
		return "IP length is not the frame's";
	return ip[8] ? NULL : "TTL 0";
}

static const char *ip6_read(struct frame *frame)
{
	const uint8_t *ip = frame->byte + frame->start[LAYER_IP];

	frame->family = 6;
	frame->start[LAYER_UDP] = frame->start[LAYER_IP] + IP6_HEADER;
	frame->start[LAYER_PAYLOAD] = frame->start[LAYER_UDP] + UDP_HEADER;
	if (frame->length < frame->start[LAYER_PAYLOAD])
		return "shorter than its headers";
	if (ip[0] >> 4 != 6 || ip[6] != PROTOCOL_UDP)
		return "not plain IPv6 with UDP";
	if (get16(ip + 4) != frame->length - frame->start[LAYER_UDP])
		return "IPv6 length is not the frame's";
	return ip[7] ? NULL : "hop limit 0";
}

const char *frame_read(struct frame *frame)
{
	size_t at = 12;
	const char *complaint;
	uint16_t type;

	for (int tags = 0;; tags++, at += 4) {
		if (frame->length < at + 2)
			return "shorter than an Ethernet header";
		type = get16(frame->byte + at);
		if (type != TYPE_8021Q && type != TYPE_8021AD)
			break;
		if (tags == 2)
			return "too many tags";
	}
	frame->start[LAYER_ETH] = 0;
	frame->start[LAYER_IP] = at + 2;
	if (type != TYPE_IP4 && type != TYPE_IP6)
		return "not IP";
	complaint = type == TYPE_IP6 ? ip6_read(frame) : ip4_read(frame);
	if (complaint)
		return complaint;
	if (frame_get16(frame, AT_UDP_LENGTH) != frame->length - frame->start[LAYER_UDP])
		return "UDP length is not the IP packet's";
	return frame_get16(frame, AT_UDP_SUM) ? NULL : "UDP checksum 0";
}

void frame_take_id(struct frame *frame, const struct frame *sent)
{
	if (frame->family != 4 || sent->length < frame->length)
		return;
	/* The layers are the same: what leaves is compared byte by byte. */
	frame_put(frame, AT_IP4_ID, 2,
		  (uint32_t)sent->byte[frame->start[LAYER_IP] + 4] << 8 |
			  sent->byte[frame->start[LAYER_IP] + 5]);
	frame_ip_checksum(frame);
}
