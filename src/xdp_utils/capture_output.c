/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_output.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <string.h>
#include <time.h>

#include "arguments.h"
#include "base/version.h"
#include "pcapng.h"
#include "verdict.h"
#include "word.h"

/*
 * The name of a device of a packet: the kernel has told that of the one that it came in by, which may be a member of
 * a bond; that of another is known if the server has it among its interfaces.
 */
static struct text name_of(const struct capture_output *output, uint32_t ifindex, const struct capture_record *record)
{
	struct text name;

	if (ifindex == record->in_ifindex && record->in_name[0]) {
		snprintf(name.text, sizeof(name.text), "%.*s", CAPTURE_NAME, record->in_name);
		return name;
	}
	snprintf(name.text, sizeof(name.text), "ifindex-%u", ifindex);
	for (unsigned int i = 0; i < ABI_ATTACHMENTS && i < output->status->interfaces; i++) {
		const struct status_interface *interface = &output->status->interface[i];

		if (interface->device_ifindex == ifindex && interface->device[0])
			snprintf(name.text, sizeof(name.text), "%.*s", STATUS_NAME, interface->device);
		else if (interface->ifindex == ifindex && interface->name[0])
			snprintf(name.text, sizeof(name.text), "%.*s", STATUS_NAME, interface->name);
	}
	return name;
}

/* ---- pcapng ---- */

/* The number of a device in the file. It is described there when it is first seen. */
static uint32_t device_number(struct capture_output *output, uint32_t ifindex, const struct capture_record *record)
{
	uint32_t i = 0;

	while (i < output->devices && output->device[i] != ifindex)
		i++;
	if (i < output->devices)
		return i;
	if (i == CAPTURE_DEVICES)
		return CAPTURE_DEVICES - 1;
	output->device[output->devices++] = ifindex;
	pcapng_interface(output->out, name_of(output, ifindex, record).text, output->snap);
	return i;
}

static void write_frames(struct capture_output *output, const struct captured *captured)
{
	const struct capture_record *record = captured->record;
	char comment[PCAPNG_TEXT];
	struct pcapng_packet packet = {
		.interface = device_number(output, record->in_ifindex, record),
		.time = record->entered + (uint64_t)output->offset,
		.bytes = captured->in,
		.kept = record->in_kept,
		.length = record->in_length,
		.direction = PCAPNG_INBOUND,
		.id = output->packets,
		.queue = record->queue,
		.action = record->action,
		.comment = comment,
	};

	captured_describe(captured, comment, sizeof(comment));
	pcapng_packet(output->out, &packet);
	if (!captured->out)
		return;
	packet.interface = device_number(output, record->out_ifindex ? record->out_ifindex : record->in_ifindex, record);
	packet.time = record->left + (uint64_t)output->offset;
	packet.bytes = captured->out;
	packet.kept = record->out_kept;
	packet.length = record->out_length;
	packet.direction = PCAPNG_OUTBOUND;
	pcapng_packet(output->out, &packet);
}

/* ---- a line ---- */

static void write_time(const struct capture_output *output, uint64_t monotonic)
{
	uint64_t time = monotonic + (uint64_t)output->offset;
	time_t seconds = (time_t)(time / 1000000000);
	char text[16] = "";
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		strftime(text, sizeof(text), "%H:%M:%S", &parts);
	fprintf(output->out, "%s.%06u", text, (unsigned int)(time % 1000000000 / 1000));
}

/* One form of a packet: the name of its device, the addresses and the length of the frame. */
static void write_form(FILE *out, struct text device, const uint8_t *frame, uint32_t kept, uint32_t length)
{
	struct transport source, destination;

	fputs(device.text, out);
	if (!captured_addresses(frame, kept, &source, &destination))
		fprintf(out, " %s > %s", unit_transport(&source).text, unit_transport(&destination).text);
	fprintf(out, " %u bytes", length);
}

static void write_line(const struct capture_output *output, const struct captured *captured)
{
	const struct capture_record *record = captured->record;
	uint32_t leaves_by = record->out_ifindex ? record->out_ifindex : record->in_ifindex;
	FILE *out = output->out;

	write_time(output, record->entered);
	fprintf(out, " %s ", captured_verdict(captured).text);
	if (record->channel.number)
		fprintf(out, "0x%04x ", (unsigned int)ntohs(record->channel.number));
	fputs("in ", out);
	write_form(out, name_of(output, record->in_ifindex, record), captured->in, record->in_kept, record->in_length);
	if (captured->out) {
		fputs(", out ", out);
		write_form(out, name_of(output, leaves_by, record), captured->out, record->out_kept, record->out_length);
	} else {
		fprintf(out, ", %s", record->action == XDP_DROP ? "dropped" : "up");
	}
	fputc('\n', out);
}

void capture_output_begin(struct capture_output *output)
{
	char application[64];

	snprintf(application, sizeof(application), PROGRAM " %s", version_offload);
	if (output->pcapng)
		pcapng_begin(output->out, application);
}

void capture_output_packet(struct capture_output *output, const struct captured *captured)
{
	if (output->pcapng)
		write_frames(output, captured);
	else
		write_line(output, captured);
	output->packets++;
}

void capture_output_end(struct capture_output *output, uint64_t time, uint64_t lost)
{
	if (output->pcapng && output->devices)
		pcapng_lost(output->out, 0, time + (uint64_t)output->offset, lost);
}
