/* SPDX-License-Identifier: BSD-3-Clause */
#include "row.h"

#include <arpa/inet.h>
#include <string.h>

#include "harness.h"

#define DONT_FRAGMENT 0x4000
/* Words of addresses with their carries, both ways, so that a lost one is seen. */
#define V4(a, b, c, d, p) {4, {a, b, c, d}, p}
#define V6(subnet, high, low, p) \
	{6, {0x20, 0x01, 0x0d, 0xb8, 0, subnet, 0xff, 0xfe, high, 0xfd, 0, 0, 0xfc, 0, 0, low}, p}

static const struct transport_address parties[PARTIES][2] = {
	[CLIENT] = {V4(198, 51, 100, 10, 50000), V6(1, 0x12, 10, 50006)},
	[SERVER] = {V4(192, 0, 2, 1, 3478), V6(2, 0xee, 1, 3486)},
	[RELAY] = {V4(192, 0, 2, 2, 49152), V6(2, 0x34, 2, 49158)},
	[PEER] = {V4(203, 0, 113, 20, 9000), V6(3, 0xf7, 20, 9006)},
	[OTHER_RELAY] = {V4(192, 0, 2, 3, 60000), V6(2, 0x56, 3, 60006)},
	[OTHER_SERVER] = {V4(192, 0, 2, 4, 5349), V6(2, 0x78, 4, 5356)},
	[OTHER_CLIENT] = {V4(198, 51, 100, 77, 40000), V6(1, 0x9a, 77, 40006)},
};

const uint8_t model_port_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
const uint8_t model_vlan_mac[6] = {0x02, 0, 0, 0, 0, 0x05};
const uint8_t model_station_mac[WAYS][6] = {
	{0x02, 0, 0, 0, 0, 0x0e}, {0x02, 0, 0, 0, 0, 0x0c}, {0x02, 0, 0, 0, 0, 0x0f},
};

const struct transport_address *model_party(enum party party, int family)
{
	return &parties[party][family == 6];
}

static struct leg leg(enum party source, enum party dest, int family)
{
	return (struct leg){*model_party(source, family), *model_party(dest, family)};
}

struct leg row_leg_in(const struct path *path)
{
	return path->way == WAY_CLIENT ? leg(PEER, RELAY, path->in) : leg(CLIENT, SERVER, path->in);
}

struct leg row_leg_out(const struct path *path)
{
	if (path->way == WAY_PEER)
		return leg(RELAY, PEER, path->out);
	if (path->way == WAY_CLIENT)
		return leg(SERVER, CLIENT, path->out);
	return leg(OTHER_SERVER, OTHER_CLIENT, path->out);
}

struct flow_entry row_flow(const struct path *path, bool second)
{
	struct leg in = second ? leg(RELAY, OTHER_RELAY, path->middle) : row_leg_in(path);
	bool ends = second || path->way != WAY_OTHER;
	struct leg out = ends ? row_leg_out(path) : leg(RELAY, OTHER_RELAY, path->middle);
	uint16_t number_out = second ? MODEL_OTHER_CHANNEL : path->way == WAY_CLIENT ? MODEL_CHANNEL : 0;
	struct flow_entry entry;

	flow_make(&entry, &in, number_out ? 0 : MODEL_CHANNEL, &out, number_out);
	entry.gate = gate_of(MODEL_EPOCH, GATE_PLACES);
	entry.flow.hop = second;
	entry.note.session = 1 + second;
	entry.flow.owner = 7 + second;
	if (entry.flow.flags & FLOW_V6)
		entry.flow.label |= htonl(0xabcde);
	return entry;
}

/* ---- the packet of a row ---- */

static struct datagram datagram_in(const struct row *row, const struct world *world, const uint8_t *data)
{
	struct leg leg = row_leg_in(&world->path);

	return (struct datagram){
		.envelope = world->in,
		.source = leg.source,
		.dest = leg.dest,
		.tos = row->tos,
		.ttl = row->ttl ? row->ttl : 64,
		.id = 0x1234,
		.frag = DONT_FRAGMENT,
		.label = MODEL_LABEL,
		.channel = row->way == WAY_CLIENT ? 0 : MODEL_CHANNEL,
		.data = data,
		.data_length = row->data,
		.excess = row->excess,
	};
}

/* xorshift; the same bytes in every run. */
static void data_random(uint8_t *data, int length, uint32_t seed)
{
	uint32_t state = 0x9e3779b9u + (uint32_t)length + seed * 0x10001u;

	for (int i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		data[i] = state >> 24;
	}
}

static void data_fill(uint8_t *data, const struct row *row)
{
	data_random(data, row->data, row->seed);
	if (row->fill == FILL_ZEROS) {
		memset(data, 0, row->data);
	} else if (row->fill == FILL_ONES) {
		memset(data, 0xff, row->data);
	} else if (row->fill == FILL_LIKE_CHANNEL) {
		data[0] = MODEL_CHANNEL >> 8;
		data[1] = MODEL_CHANNEL & 0xff;
		data[2] = (row->data - 4) >> 8;
		data[3] = (row->data - 4) & 0xff;
	}
	if (row->first)
		data[0] = row->first;
}

static bool patched(const struct row *row, uint16_t at)
{
	for (int i = 0; i < ROW_PATCHES; i++)
		if (row->patch[i].width && row->patch[i].at == at)
			return true;
	return false;
}

static void patches_apply(struct frame *frame, const struct row *row)
{
	for (int i = 0; i < ROW_PATCHES; i++)
		frame_put(frame, row->patch[i].at, row->patch[i].width, row->patch[i].value);
	if (!patched(row, AT_IP4_SUM))
		frame_ip_checksum(frame);
}

/* A wrong checksum: off by this, which stays in the sum on the way. */
#define MODEL_ERROR 0x0123

static void checksum_spoil(struct frame *frame)
{
	frame_put(frame, AT_UDP_SUM, 2, sum_add(frame_get16(frame, AT_UDP_SUM), MODEL_ERROR));
}

static void checksum_put(struct frame *frame, const struct row *row)
{
	if (patched(row, AT_UDP_SUM))
		return;
	frame_udp_checksum(frame);
	if (row->checksum == SUM_ZERO)
		frame_put(frame, AT_UDP_SUM, 2, 0);
	else if (row->checksum == SUM_PARTIAL)
		frame_put(frame, AT_UDP_SUM, 2, frame_pseudo_sum(frame));
	else if (row->checksum == SUM_BAD)
		checksum_spoil(frame);
}

static void slack_put(struct frame *frame, int slack)
{
	int at = frame->family == 6 ? AT_IP6_LENGTH : AT_IP4_LENGTH;

	frame_grow(frame, slack, 0x5a);
	frame_put(frame, at, 2, frame_get16(frame, at) + slack);
	frame_ip_checksum(frame);
}

/* By the model: what leaves with the word 0 leaves with the rest of the sum. */
static void steer_out(struct frame *in, const struct row *row, const struct world *world, int at)
{
	uint16_t check;

	frame_put(in, at, 2, 0);
	checksum_put(in, row);
	check = model_check_out(world, in);
	if (!check)
		fail_msg("%s: not relayed, so that no checksum leaves", row->name);
	frame_put(in, at, 2, check);
}

static void steer(struct frame *in, const struct row *row, const struct world *world)
{
	int at = row->way == WAY_CLIENT ? AT_PAYLOAD : AT_PAYLOAD + 4;

	if (row->fill == FILL_SUM_IN_ZERO)
		frame_steer(in, at, 0xffff);
	else if (row->fill == FILL_LIKE_PARTIAL)
		frame_steer(in, at, frame_pseudo_sum(in));
	else if (row->fill == FILL_SUM_OUT_ZERO)
		steer_out(in, row, world, at);
}

void row_packet(const struct row *row, const struct world *world, struct frame *in)
{
	static uint8_t data[FRAME_MAX];
	struct datagram d = datagram_in(row, world, data);

	data_fill(data, row);
	frame_build(in, &d);
	patches_apply(in, row);
	steer(in, row, world);
	checksum_put(in, row);
	if (row->slack)
		slack_put(in, row->slack);
	if (row->inserted) {
		frame_insert(in, row->insert, row->inserted);
		frame_ip_checksum(in);
	}
	frame_grow(in, row->trailer, 0x5a);
	if (in->length < (uint32_t)row->minimum)
		frame_grow(in, row->minimum - (int)in->length, 0);
	in->length -= row->cut;
	in->linear = row->linear;
}
