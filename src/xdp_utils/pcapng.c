/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcapng.h"

#include <string.h>

/* The types of blocks. */
#define SECTION_HEADER 0x0a0d0d0au
#define INTERFACE_DESCRIPTION 1u
#define INTERFACE_STATISTICS 5u
#define ENHANCED_PACKET 6u

/* Tells a reader the byte order of the file, which is the writer's. */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINK_ETHERNET 1u
/* The times of packets are powers of ten of a second: 10^-9. */
#define NANOSECONDS 9

/* Codes of options; those above 1 have another meaning in each type of block. */
enum option {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	SECTION_APPLICATION = 4,
	INTERFACE_NAME = 2,
	INTERFACE_RESOLUTION = 9,
	PACKET_FLAGS = 2,
	PACKET_ID = 5,
	PACKET_QUEUE = 6,
	PACKET_VERDICT = 7,
	STATISTICS_OS_DROPPED = 7,
};

/* The type of a verdict that is the action of an XDP program. */
#define VERDICT_XDP 2

/* The options of a block, which are gathered before it is written, since its length comes first. */
struct options {
	uint8_t bytes[PCAPNG_TEXT + 128];
	uint32_t length;
};

static uint32_t padded(uint32_t length)
{
	return (length + 3) & ~3u;
}

static void add_option(struct options *options, enum option code, const void *value, size_t length)
{
	uint16_t head[2] = { (uint16_t)code, (uint16_t)length };
	uint32_t size = sizeof(head) + padded((uint32_t)length);

	if (options->length + size > sizeof(options->bytes))
		return;
	memset(options->bytes + options->length, 0, size);
	memcpy(options->bytes + options->length, head, sizeof(head));
	if (length)
		memcpy(options->bytes + options->length + sizeof(head), value, length);
	options->length += size;
}

/* A longer text is cut before a whole character of UTF-8. */
static void add_text(struct options *options, enum option code, const char *text)
{
	size_t length = strnlen(text, PCAPNG_TEXT + 1);

	if (length > PCAPNG_TEXT) {
		length = PCAPNG_TEXT;
		while (length && ((uint8_t)text[length] & 0xc0) == 0x80)
			length--;
	}
	add_option(options, code, text, length);
}

/*
 * A block is its type, its length, its own fields, the frame, the options, and its length
 * once more, by which a file can be read backwards.
 */
static void write_block(FILE *out, uint32_t type, const void *fields, uint32_t size, const void *frame,
			uint32_t kept, struct options *options)
{
	static const uint8_t zeros[4];
	uint32_t head[2] = { type };

	add_option(options, OPTION_END, NULL, 0);
	head[1] = (uint32_t)sizeof(head) + size + padded(kept) + options->length + (uint32_t)sizeof(head[1]);
	fwrite(head, sizeof(head), 1, out);
	fwrite(fields, size, 1, out);
	if (kept)
		fwrite(frame, kept, 1, out);
	fwrite(zeros, padded(kept) - kept, 1, out);
	fwrite(options->bytes, options->length, 1, out);
	fwrite(&head[1], sizeof(head[1]), 1, out);
}

void pcapng_begin(FILE *out, const char *application)
{
	struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t length[2]; /* of the section: all bits set: it is not known */
	} fields = { BYTE_ORDER_MAGIC, 1, 0, { UINT32_MAX, UINT32_MAX } };
	struct options options = { .length = 0 };

	add_text(&options, SECTION_APPLICATION, application);
	write_block(out, SECTION_HEADER, &fields, sizeof(fields), NULL, 0, &options);
}

void pcapng_interface(FILE *out, const char *name, uint32_t snap)
{
	struct {
		uint16_t link, reserved;
		uint32_t snap;
	} fields = { LINK_ETHERNET, 0, snap };
	struct options options = { .length = 0 };
	uint8_t resolution = NANOSECONDS;

	add_text(&options, INTERFACE_NAME, name);
	add_option(&options, INTERFACE_RESOLUTION, &resolution, sizeof(resolution));
	write_block(out, INTERFACE_DESCRIPTION, &fields, sizeof(fields), NULL, 0, &options);
}

void pcapng_packet(FILE *out, const struct pcapng_packet *packet)
{
	const uint32_t fields[5] = { packet->interface, (uint32_t)(packet->time >> 32), (uint32_t)packet->time,
				     packet->kept, packet->length };
	struct options options = { .length = 0 };
	uint32_t flags = packet->direction;
	uint8_t verdict[1 + sizeof(packet->action)] = { VERDICT_XDP };

	memcpy(verdict + 1, &packet->action, sizeof(packet->action));
	add_text(&options, OPTION_COMMENT, packet->comment);
	add_option(&options, PACKET_FLAGS, &flags, sizeof(flags));
	add_option(&options, PACKET_ID, &packet->id, sizeof(packet->id));
	add_option(&options, PACKET_QUEUE, &packet->queue, sizeof(packet->queue));
	add_option(&options, PACKET_VERDICT, verdict, sizeof(verdict));
	write_block(out, ENHANCED_PACKET, fields, sizeof(fields), packet->bytes, packet->kept, &options);
}

void pcapng_lost(FILE *out, uint32_t interface, uint64_t time, uint64_t lost)
{
	const uint32_t fields[3] = { interface, (uint32_t)(time >> 32), (uint32_t)time };
	struct options options = { .length = 0 };

	add_option(&options, STATISTICS_OS_DROPPED, &lost, sizeof(lost));
	write_block(out, INTERFACE_STATISTICS, fields, sizeof(fields), NULL, 0, &options);
}
