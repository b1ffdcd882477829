/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame of a recipe: good lengths and checksums, then what is wrong with it. */
#include <string.h>

#include "cook.h"
#include "oracle.h"

#define LARGEST_PAYLOAD 65507

enum sum_kind { SUM_GOOD, SUM_NONE, SUM_PARTIAL, SUM_BAD };
enum steer_kind { STEER_NOT, STEER_IN_ONES, STEER_OUT_ONES, STEER_LIKE_PARTIAL };

static void put16(struct frame *frame, uint32_t at, uint32_t value)
{
	frame->byte[at] = value >> 8;
	frame->byte[at + 1] = value & 0xff;
}

/* --- lengths --------------------------------------------------------------- */

static uint32_t data_length(const struct recipe *r)
{
	uint32_t length = get_two(r->length);

	if (r->length_kind < 0xa0)
		return length & 0xff;
	if (r->length_kind < 0xe0)
		return length % 1600;
	return r->length_kind < 0xf8 ? length % 16500 : length % LARGEST_PAYLOAD;
}

/* What is behind the data in the UDP payload. */
static uint32_t excess_length(const struct recipe *r, uint32_t data)
{
	switch (r->excess_kind & 7) {
	case 1:
		return -data & 3;
	case 2:
		return r->excess;
	case 3:
		return (-data & 3) + 4 * r->excess;
	case 4:
		return r->excess_kind & 8 ? (-data & 3) + 40 * r->excess : 0;
	case 5:
		return r->excess & 3;
	default:
		return 0;
	}
}

/* --- layers ---------------------------------------------------------------- */

static void put_ethernet(struct meal *meal, bool v6)
{
	struct frame *frame = meal->frame;
	uint32_t at = 12;

	memcpy(frame->byte, meal->to_mac, 6);
	memcpy(frame->byte + 6, meal->mac + (meal->r.id[0] & 1 ? 0 : 12), 6);
	for (int i = 0; i < meal->tags; i++) {
		put16(frame, at, meal->tag[i].protocol);
		put16(frame, at + 2, meal->tag[i].tci);
		at += 4;
	}
	put16(frame, at, v6 ? 0x86dd : 0x0800);
	meal->ip = at + 2;
}

static void put_ip(struct meal *meal, bool v6, uint32_t udp_length)
{
	const struct recipe *r = &meal->r;
	const struct party *from = &meal->party[meal->way == WAY_CLIENT ? PEER : CLIENT];
	const struct party *to = &meal->party[meal->way == WAY_CLIENT ? RELAY : SERVER];
	struct frame *frame = meal->frame;
	uint8_t *ip = frame->byte + meal->ip;

	if (v6) {
		ip[0] = 0x60 | r->tos >> 4;
		ip[1] = (r->tos & 15) << 4 | (r->label[0] & 15);
		memcpy(ip + 2, r->label + 1, 2);
		put16(frame, meal->ip + 4, udp_length);
		ip[6] = 17;
		ip[7] = r->ttl + 64;
		memcpy(ip + 8, from->v6, 16);
		memcpy(ip + 24, to->v6, 16);
	} else {
		ip[0] = 0x45;
		ip[1] = r->tos;
		put16(frame, meal->ip + 2, 20 + udp_length);
		memcpy(ip + 4, r->id, 2);
		put16(frame, meal->ip + 6, r->frag & 0xc0 ? (r->frag & 0xc0) << 8 : 0x4000);
		ip[8] = r->ttl + 64;
		ip[9] = 17;
		memcpy(ip + 12, from->v4, 4);
		memcpy(ip + 16, to->v4, 4);
	}
	meal->udp = meal->ip + (v6 ? 40 : 20);
	memcpy(frame->byte + meal->udp, from->port, 2);
	memcpy(frame->byte + meal->udp + 2, to->port, 2);
	put16(frame, meal->udp + 4, udp_length);
	meal->payload = meal->udp + 8;
}

static void put_data(struct meal *meal, uint32_t length)
{
	struct chance chance = {0x2545f491u + meal->r.seed * 0x10001u, meal->r.fill};
	uint8_t *to = meal->frame->byte + meal->payload;

	if (!meal->fill_length) {
		chance_fill(&chance, to, length);
		return;
	}
	for (uint32_t i = 0; i < length; i++)
		to[i] = meal->fill[i % meal->fill_length];
}

/* --- checksums ------------------------------------------------------------- */

static uint32_t pseudo_sum(const struct meal *meal, bool v6)
{
	const uint8_t *ip = meal->frame->byte + meal->ip;
	const uint8_t *length = meal->frame->byte + meal->udp + 4;

	return (oracle_sum(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8) + 17 + oracle_sum(length, 2)) % 65535;
}

static uint16_t right_check(struct meal *meal, bool v6, uint32_t udp_length)
{
	struct frame *frame = meal->frame;

	put16(frame, meal->udp + 6, 0);
	return oracle_check(pseudo_sum(meal, v6) + oracle_sum(frame->byte + meal->udp, udp_length));
}

static void put_ip_sum(struct meal *meal)
{
	uint8_t *ip = meal->frame->byte + meal->ip;
	uint32_t sum;

	put16(meal->frame, meal->ip + 10, 0);
	sum = oracle_sum(ip, 20);
	put16(meal->frame, meal->ip + 10, sum ? 65535 - sum : 0);
}

static void put_udp_sum(struct meal *meal, bool v6, uint32_t udp_length)
{
	uint16_t check = right_check(meal, v6, udp_length);
	uint32_t pseudo = pseudo_sum(meal, v6);

	switch (meal->r.sum < 0x80 ? SUM_GOOD : meal->r.sum & 3) {
	case SUM_NONE:
		check = 0;
		break;
	case SUM_PARTIAL:
		check = pseudo ? pseudo : 65535;
		break;
	case SUM_BAD:
		check ^= 1 << (meal->r.sum >> 2 & 15);
		break;
	default:
		break;
	}
	put16(meal->frame, meal->udp + 6, check);
}

static uint16_t check_after(struct meal *meal)
{
	static struct expectation want;
	struct frame *frame = meal->frame;
	uint32_t linear = frame->linear;
	size_t udp = 14;

	frame->linear = frame->length;
	oracle_decide(meal->world, frame, &want);
	frame->linear = linear;
	if (want.causes)
		return 0;
	for (; want.frame.byte[udp - 2] == 0x81 || want.frame.byte[udp - 2] == 0x88; udp += 4)
		;
	udp += want.frame.byte[udp - 2] == 0x86 ? 40 : 20;
	return get_two(want.frame.byte + udp + 6);
}

/* Chooses a word of the data so that the sums come out in a special way. */
static void steer(struct meal *meal, bool v6, uint32_t udp_length)
{
	uint32_t at = meal->payload + (meal->way == WAY_CLIENT ? 0 : 4), word = 0;

	if (meal->r.steer < 0x80 || at + 2 > meal->udp + udp_length)
		return;
	put16(meal->frame, at, 0);
	switch (meal->r.steer & 3) {
	case STEER_IN_ONES:
		word = right_check(meal, v6, udp_length);
		break;
	case STEER_OUT_ONES:
		put_udp_sum(meal, v6, udp_length);
		word = check_after(meal);
		break;
	case STEER_LIKE_PARTIAL:
		word = right_check(meal, v6, udp_length) + 65535 - pseudo_sum(meal, v6);
		break;
	default:
		break;
	}
	put16(meal->frame, at, word % 65535);
}

/* --- what is wrong --------------------------------------------------------- */

static void add16(struct frame *frame, uint32_t at, int delta)
{
	put16(frame, at, get_two(frame->byte + at) + delta);
}

/* Before sums are made. */
static void trouble_headers(struct meal *meal, bool v6, enum trouble kind, uint16_t value)
{
	struct frame *frame = meal->frame;
	uint8_t *ip = frame->byte + meal->ip;

	switch (kind) {
	case MAC_BIT:
		frame->byte[value % 6] ^= 1 << (value >> 8 & 7);
		break;
	case ETHER_TYPE:
		put16(frame, meal->ip - 2, value & 1 ? 0x0806 : value & 2 ? 0x0800 : value & 4 ? 0x86dd : value);
		break;
	case IP_FIRST_BYTE:
		ip[0] = value;
		break;
	case IP_PROTOCOL:
		ip[v6 ? 6 : 9] = value & 0x100 ? value & 1 ? 44 : 43 : value;
		break;
	case IP_FRAG:
		if (!v6)
			put16(frame, meal->ip + 6, value);
		break;
	case IP_HOPS:
		ip[v6 ? 7 : 8] = value & 0xf00 ? value & 3 : value;
		break;
	case IP_LENGTH:
		add16(frame, meal->ip + (v6 ? 4 : 2), value & 0x100 ? (int)(value & 15) - 8 : value);
		break;
	case UDP_LENGTH:
		add16(frame, meal->udp + 4, value & 0x100 ? (int)(value & 15) - 8 : value);
		break;
	case REFUSAL_NUMBER:
		put16(frame, meal->payload, value & 1 ? value : meal->number ^ 1 << (value >> 1 & 15));
		break;
	case CHANNEL_LENGTH:
		add16(frame, meal->payload + 2, value & 0x100 ? (int)(value & 31) - 16 : value);
		break;
	default:
		break;
	}
}

/* After sums are made. */
static void trouble_frame(struct meal *meal, bool v6, enum trouble kind, uint16_t value)
{
	struct frame *frame = meal->frame;

	switch (kind) {
	case IP_SUM:
		if (!v6)
			put16(frame, meal->ip + 10, get_two(frame->byte + meal->ip + 10) ^ value);
		break;
	case UDP_SUM:
		put16(frame, meal->udp + 6, value);
		break;
	case LENGTHS_WRAP:
		/* An IP packet shorter than its header, whose payload would wrap. */
		if (!v6) {
			put16(frame, meal->ip + 2, value % 28);
			put16(frame, meal->udp + 4, value % 28 - 20);
			put_ip_sum(meal);
			if (value & 0x100) {
				memset(frame->byte + frame->length, 0, FRAME_MAX - frame->length);
				frame->length = FRAME_MAX;
			}
		}
		break;
	case CUT:
		frame->length -= value & 0x100 ? 1 + (value & 7) : value;
		if (frame->length > FRAME_MAX || frame->length < 14)
			frame->length = 14 + value % 60;
		break;
	case SPLIT:
		frame->linear = 14 + value % 70;
		break;
	default:
		break;
	}
}

typedef void trouble_maker(struct meal *meal, bool v6, enum trouble kind, uint16_t value);

static void troubles(struct meal *meal, bool v6, trouble_maker *make)
{
	for (int i = 0; i < RECIPE_TROUBLES; i++) {
		uint8_t kind = meal->r.trouble[i].kind;

		if (kind >= TROUBLE_FIRST)
			make(meal, v6, TROUBLE_FIRST + (kind - TROUBLE_FIRST) % (TROUBLES_END - TROUBLE_FIRST),
			     get_two(meal->r.trouble[i].value));
	}
}

/* Any byte of the first 256; `late`: after sums are made. */
static void patches(struct meal *meal, bool late)
{
	for (int i = 0; i < 2; i++) {
		uint8_t kind = meal->r.patch[i].kind;
		uint32_t at = meal->r.patch[i].at[1];

		if (kind < 0xc0 || late != (kind & 1) || at >= meal->frame->length)
			continue;
		if (kind & 2)
			meal->frame->byte[at] = meal->r.patch[i].value;
		else
			meal->frame->byte[at] ^= meal->r.patch[i].value;
	}
}

/* --- all of it ------------------------------------------------------------- */

static void put_buffers(struct meal *meal)
{
	const struct recipe *r = &meal->r;
	struct frame *frame = meal->frame;

	/* A receiver that splits frames puts the headers, or a page, into the first buffer. */
	frame->linear = frame->length;
	frame->piece = 4096;
	if (r->split[0] & 0x80)
		frame->linear = meal->payload + r->split[1];
	else if (frame->length > 3600)
		frame->linear = 3600;
	if (r->piece)
		frame->piece = 16 * r->piece;
}

void frame_cook(struct meal *meal)
{
	const struct recipe *r = &meal->r;
	struct frame *frame = meal->frame;
	bool v6 = r->families & 1, channel = meal->way != WAY_CLIENT;
	uint32_t data = data_length(r);
	uint32_t payload = data + (channel ? 4 + excess_length(r, data) : 0);

	if (payload > LARGEST_PAYLOAD)
		payload = LARGEST_PAYLOAD;
	put_ethernet(meal, v6);
	put_ip(meal, v6, 8 + payload);
	put_data(meal, payload);
	if (channel) {
		put16(frame, meal->payload, meal->number);
		put16(frame, meal->payload + 2, data);
	} else if ((r->decoy & 1) && payload >= 4) {
		put16(frame, meal->payload, meal->number);
		put16(frame, meal->payload + 2, payload - 4);
	}
	frame->length = meal->payload + payload;
	memset(frame->byte + frame->length, 0x5a, 256);
	frame->length += r->trailer & 0x80 ? r->trailer & 0x7f : 0;
	put_buffers(meal);
	troubles(meal, v6, trouble_headers);
	patches(meal, false);
	if (!v6)
		put_ip_sum(meal);
	steer(meal, v6, 8 + payload);
	put_udp_sum(meal, v6, 8 + payload);
	troubles(meal, v6, trouble_frame);
	patches(meal, true);
	if (!meal->world->frags || frame->linear > frame->length)
		frame->linear = frame->length;
}
