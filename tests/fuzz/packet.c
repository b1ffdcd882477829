/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame of a scenario: good lengths and checksums, then what is wrong with it. */
#include <string.h>

#include "model/model.h"
#include "scenario.h"

#define LARGEST_PAYLOAD 65507

enum sum_kind { SUM_GOOD, SUM_NONE, SUM_PARTIAL, SUM_BAD };
enum steer_kind { STEER_NOT, STEER_IN_ONES, STEER_OUT_ONES, STEER_LIKE_PARTIAL };

/* --- lengths --------------------------------------------------------------- */

static uint32_t data_length(const struct input *r)
{
	uint32_t length = get_two(r->length);

	if (r->length_kind < 0xa0)
		return length & 0xff;
	if (r->length_kind < 0xe0)
		return length % 1600;
	return r->length_kind < 0xf8 ? length % 16500 : length % LARGEST_PAYLOAD;
}

/* What is behind the data in the UDP payload. */
static uint32_t excess_length(const struct input *r, uint32_t data)
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

/* --- data and checksums ---------------------------------------------------- */

static void data_make(const struct scenario *scenario, uint8_t *to, uint32_t length)
{
	struct chance chance = {0x2545f491u + scenario->r.seed * 0x10001u, scenario->r.fill};

	if (!scenario->fill_length) {
		chance_fill(&chance, to, length);
		return;
	}
	for (uint32_t i = 0; i < length; i++)
		to[i] = scenario->fill[i % scenario->fill_length];
}

static void put_udp_sum(struct scenario *scenario)
{
	struct frame *frame = scenario->frame;
	uint16_t check = frame_right_check(frame);

	switch (scenario->r.sum < 0x80 ? SUM_GOOD : scenario->r.sum & 3) {
	case SUM_NONE:
		check = 0;
		break;
	case SUM_PARTIAL:
		check = frame_pseudo_sum(frame);
		break;
	case SUM_BAD:
		check ^= 1 << (scenario->r.sum >> 2 & 15);
		break;
	default:
		break;
	}
	frame_put(frame, AT_UDP_SUM, 2, check);
}

/* Chooses a word of the data so that the sums come out in a special way. */
static void steer(struct scenario *scenario, uint32_t payload)
{
	int at = AT_PAYLOAD + (scenario->world->path.way == WAY_CLIENT ? 0 : 4);
	struct frame *frame = scenario->frame;

	if (scenario->r.steer < 0x80 || at + 2 > AT_PAYLOAD + (int)payload)
		return;
	switch (scenario->r.steer & 3) {
	case STEER_IN_ONES:
		frame_steer(frame, at, 0xffff);
		break;
	case STEER_OUT_ONES:
		frame_put(frame, at, 2, 0);
		put_udp_sum(scenario);
		frame_put(frame, at, 2, model_check_out(scenario->world, frame));
		break;
	case STEER_LIKE_PARTIAL:
		frame_steer(frame, at, frame_pseudo_sum(frame));
		break;
	default:
		frame_put(frame, at, 2, 0);
		break;
	}
}

/* --- what is wrong --------------------------------------------------------- */

static void add16(struct frame *frame, int at, int delta)
{
	frame_put(frame, at, 2, (uint16_t)(frame_get16(frame, at) + delta));
}

/* Before sums are made. */
static void trouble_headers(struct scenario *scenario, bool v6, enum trouble kind, uint16_t value)
{
	struct frame *frame = scenario->frame;

	switch (kind) {
	case MAC_BIT:
		frame->byte[value % 6] ^= 1 << (value >> 8 & 7);
		break;
	case ETHER_TYPE:
		frame_put(frame, AT_IP_TYPE, 2,
			  value & 1 ? 0x0806 : value & 2 ? 0x0800 : value & 4 ? 0x86dd : value);
		break;
	case IP_FIRST_BYTE:
		frame_put(frame, AT_IP, 1, value);
		break;
	case IP_PROTOCOL:
		frame_put(frame, v6 ? AT_IP6_NEXT : AT_IP4_PROTOCOL, 1,
			  value & 0x100 ? value & 1 ? 44 : 43 : value);
		break;
	case IP_FRAG:
		if (!v6)
			frame_put(frame, AT_IP4_FRAG, 2, value);
		break;
	case IP_HOPS:
		frame_put(frame, v6 ? AT_IP6_HOPS : AT_IP4_TTL, 1, value & 0xf00 ? value & 3 : value);
		break;
	case IP_LENGTH:
		add16(frame, v6 ? AT_IP6_LENGTH : AT_IP4_LENGTH, value & 0x100 ? (int)(value & 15) - 8 : value);
		break;
	case UDP_LENGTH:
		add16(frame, AT_UDP_LENGTH, value & 0x100 ? (int)(value & 15) - 8 : value);
		break;
	case REFUSAL_NUMBER:
		frame_put(frame, AT_CHANNEL_NUMBER, 2, value & 1 ? value : scenario->number ^ 1 << (value >> 1 & 15));
		break;
	case CHANNEL_LENGTH:
		add16(frame, AT_CHANNEL_LENGTH, value & 0x100 ? (int)(value & 31) - 16 : value);
		break;
	default:
		break;
	}
}

/* Of a header that may be anything. */
static void ip_sum_put(struct frame *frame)
{
	frame_put(frame, AT_IP4_SUM, 2, 0);
	frame_put(frame, AT_IP4_SUM, 2, (uint16_t)~sum_words(frame->byte + frame->start[LAYER_IP], 20, 0));
}

/* After sums are made. */
static void trouble_frame(struct scenario *scenario, bool v6, enum trouble kind, uint16_t value)
{
	struct frame *frame = scenario->frame;

	switch (kind) {
	case IP_SUM:
		if (!v6)
			frame_put(frame, AT_IP4_SUM, 2, frame_get16(frame, AT_IP4_SUM) ^ value);
		break;
	case UDP_SUM:
		frame_put(frame, AT_UDP_SUM, 2, value);
		break;
	case LENGTHS_WRAP:
		/* An IP packet shorter than its header, whose payload would wrap. */
		if (!v6) {
			frame_put(frame, AT_IP4_LENGTH, 2, value % 28);
			frame_put(frame, AT_UDP_LENGTH, 2, (uint16_t)(value % 28 - 20));
			ip_sum_put(frame);
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

typedef void trouble_maker(struct scenario *scenario, bool v6, enum trouble kind, uint16_t value);

static void troubles(struct scenario *scenario, bool v6, trouble_maker *make)
{
	for (int i = 0; i < INPUT_TROUBLES; i++) {
		uint8_t kind = scenario->r.trouble[i].kind;

		if (kind >= TROUBLE_FIRST)
			make(scenario, v6, TROUBLE_FIRST + (kind - TROUBLE_FIRST) % (TROUBLES_END - TROUBLE_FIRST),
			     get_two(scenario->r.trouble[i].value));
	}
}

/* Any byte of the first 256; `late`: after sums are made. */
static void patches(struct scenario *scenario, bool late)
{
	for (int i = 0; i < 2; i++) {
		uint8_t kind = scenario->r.patch[i].kind;
		uint32_t at = scenario->r.patch[i].at[1];

		if (kind < 0xc0 || late != (kind & 1) || at >= scenario->frame->length)
			continue;
		if (kind & 2)
			scenario->frame->byte[at] = scenario->r.patch[i].value;
		else
			scenario->frame->byte[at] ^= scenario->r.patch[i].value;
	}
}

/* --- all of it ------------------------------------------------------------- */

static void put_buffers(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct frame *frame = scenario->frame;

	/* A receiver that splits frames puts the headers, or a page, into the first buffer. */
	frame->linear = frame->length;
	frame->piece = 4096;
	if (r->split[0] & 0x80)
		frame->linear = frame->start[LAYER_PAYLOAD] + r->split[1];
	else if (frame->length > 3600)
		frame->linear = 3600;
	if (r->piece)
		frame->piece = 16 * r->piece;
}

/* With right lengths and checksums; `payload` bytes of which `data` are said to be data. */
static void packet_put(struct scenario *scenario, uint32_t data, uint32_t payload)
{
	static uint8_t byte[LARGEST_PAYLOAD];
	const struct input *r = &scenario->r;
	bool to_client = scenario->world->path.way == WAY_CLIENT;
	struct frame *frame = scenario->frame;
	struct datagram d = {
		.envelope = scenario->world->in,
		.source = scenario->leg.source,
		.dest = scenario->leg.dest,
		.tos = r->tos,
		.ttl = r->ttl + 64,
		.id = get_two(r->id),
		.frag = r->frag & 0xc0 ? (r->frag & 0xc0) << 8 : 0x4000,
		.label = (uint32_t)(r->label[0] & 15) << 16 | get_two(r->label + 1),
		.data = byte,
		.data_length = payload,
	};

	data_make(scenario, byte, payload);
	frame_build(frame, &d);
	if (!to_client) {
		frame_put(frame, AT_CHANNEL_NUMBER, 2, scenario->number);
		frame_put(frame, AT_CHANNEL_LENGTH, 2, data);
	} else if ((r->decoy & 1) && payload >= 4) {
		frame_put(frame, AT_CHANNEL_NUMBER, 2, scenario->number);
		frame_put(frame, AT_CHANNEL_LENGTH, 2, payload - 4);
	}
	memset(frame->byte + frame->length, 0x5a, 256);
	frame->length += r->trailer & 0x80 ? r->trailer & 0x7f : 0;
}

void build_packet(struct scenario *scenario)
{
	const struct input *r = &scenario->r;
	struct frame *frame = scenario->frame;
	bool v6 = scenario->world->path.in == 6;
	uint32_t data = data_length(r);
	uint32_t payload = data;

	if (scenario->world->path.way != WAY_CLIENT)
		payload += 4 + excess_length(r, data);
	if (payload > LARGEST_PAYLOAD)
		payload = LARGEST_PAYLOAD;
	packet_put(scenario, data, payload);
	put_buffers(scenario);
	troubles(scenario, v6, trouble_headers);
	patches(scenario, false);
	if (!v6)
		ip_sum_put(frame);
	steer(scenario, payload);
	put_udp_sum(scenario);
	troubles(scenario, v6, trouble_frame);
	patches(scenario, true);
	if (!scenario->world->frags || frame->linear > frame->length)
		frame->linear = frame->length;
}
