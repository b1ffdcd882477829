/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_options.h"

#include <stddef.h>
#include <stdio.h>

#define TOPIC "options"

static void judge_switch(const struct check_config *config, const struct settings *settings, bool running,
			 struct check_report *report)
{
	const char *name = option_without_effect(&config->options);
	char command[160];

	if (config->options.error[0])
		check_report_add(report, CHECK_STOP, TOPIC, NULL, "%s", config->options.error);
	if (config->bad_switch[0])
		check_report_add(report, CHECK_STOP, TOPIC, NULL,
				 "%s is not one of yes, no, on, off, true, false, 1, 0: turnserver does not start",
				 config->bad_switch);
	if (settings->enabled || running)
		return;
	/* The tool has read it, so there is no quotation mark in most paths; where there is one, no command is better. */
	snprintf(command, sizeof(command), "echo xdp-offload >>%.120s", config->file);
	if (settings->required)
		check_report_add(report, CHECK_STOP, TOPIC, command,
				 "xdp-required is set, but xdp-offload is not: turnserver does not start");
	else
		check_report_add(report, CHECK_NOTE, TOPIC, config->file[0] ? command : NULL,
				 "the offload is off: xdp-offload is not set%s%s%s; all other rows say what would be if it was",
				 name ? ", and without it " : "", name ? name : "", name ? " has no effect" : "");
}

/* What keeps all channels in userspace. */
static void judge_channels(const struct check_config *config, struct check_report *report)
{
	const struct {
		bool set;
		const char *name, *reason;
	} options[] = {
		{ config->no_udp, "no-udp", "no client can use UDP, and only channels of UDP clients are relayed in the kernel" },
		{ config->no_udp_relay, "no-udp-relay", "there are no UDP relays, and only these are relayed in the kernel" },
		{ config->stun_only, "stun-only", "there are no channels at all" },
		{ config->listening_device[0] != 0, "listening-device",
		  "the sockets of clients are bound to a device, and the kernel relays no channels of such sockets; use "
		  "listening-ip" },
		{ config->relay_device[0] != 0, "relay-device",
		  "the sockets of relays are bound to a device, and the kernel relays no channels of such sockets; use "
		  "relay-ip" },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].set)
			check_report_add(report, CHECK_STOP, TOPIC, NULL, "%s is set: %s", options[i].name, options[i].reason);
	}
}

void check_options_judge(const struct check_config *config, const struct settings *settings, bool running,
			 struct check_report *report)
{
	unsigned int before = report->count;

	judge_switch(config, settings, running, report);
	judge_channels(config, report);
	if (report->count == before)
		check_report_add(report, CHECK_OK, TOPIC, NULL,
				 "the offload is on (xdp-mode %s, xdp-max-channels %u%s), and no option keeps channels from it",
				 option_mode_name(settings->mode), settings->channels,
				 settings->required ? ", xdp-required" : "");
}
