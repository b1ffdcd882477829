/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/option.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum option_id {
	ID_OFFLOAD,
	ID_INTERFACE,
	ID_MODE,
	ID_CHANNELS,
	ID_REQUIRED,
};

#define STRING(x) #x
#define NUMBER(x) STRING(x)

const struct option_description option_descriptions[] = {
	[ID_OFFLOAD] = { "xdp-offload", optional_argument,
			 "Relay TURN channel data of UDP clients in the kernel (XDP)." },
	[ID_INTERFACE] = { "xdp-interface", required_argument,
			   "<device> An interface that carries the program. The option may be repeated.\n"
			   "\t\t\t\t\tDefault: the interfaces that have the listening and relay addresses,\n"
			   "\t\t\t\t\tnow or later, and those that routes lead out by if they can do native mode." },
	[ID_MODE] = { "xdp-mode", required_argument,
		      "<auto|native|generic> Where the program runs: in the network driver (native)\n"
		      "\t\t\t\t\tor behind it in the network stack (generic). Default: auto, which takes\n"
		      "\t\t\t\t\tfor each interface the first of the two that works." },
	[ID_CHANNELS] = { "xdp-max-channels", required_argument,
			  "<number> How many channels the kernel's tables can hold, 1 to " NUMBER(
				  OPTION_CHANNELS_MAX) ".\n"
						       "\t\t\t\t\tDefault: " NUMBER(
							       OPTION_CHANNELS_DEFAULT) ". Further channels are relayed in userspace." },
	[ID_REQUIRED] = { "xdp-required", optional_argument,
			  "Do not start the server if the offload cannot start, if an interface does not\n"
			  "\t\t\t\t\tcarry the program, or if an address of the server is on no interface\n"
			  "\t\t\t\t\tthat packets come in by." },
};
const size_t option_count = sizeof(option_descriptions) / sizeof(option_descriptions[0]);

static const char *const mode_names[] = {
	[OPTION_MODE_AUTO] = "auto",
	[OPTION_MODE_NATIVE] = "native",
	[OPTION_MODE_GENERIC] = "generic",
};
#define MODES (sizeof(mode_names) / sizeof(mode_names[0]))

const char *option_mode_name(enum option_mode mode)
{
	return mode_names[mode];
}

void option_clear(struct options *options)
{
	memset(options, 0, sizeof(*options));
	for (int source = 0; source < OPTION_SOURCES; source++) {
		struct option_layer *layer = &options->layer[source];

		layer->enabled = layer->required = layer->mode = -1;
		layer->channels = -1;
	}
}

static int refuse(struct options *options, size_t id, const char *value, const char *allowed)
{
	/* In turnserver.conf a comment behind a value is a part of the value, as for coturn's own options. */
	bool comment = value && strchr(value, '#');

	if (!options->error[0])
		snprintf(options->error, sizeof(options->error), "%s: '%.60s' is not %s%s",
			 option_descriptions[id].name, value ? value : "", allowed,
			 comment ? "; a comment needs a line of its own" : "");
	return -EINVAL;
}

int option_parse_switch(const char *value, int *on)
{
	if (!value || !*value || strchr("123456789yYtT", *value) || !strcasecmp(value, "on"))
		*on = 1;
	else if (strchr("0nNfF", *value) || !strcasecmp(value, "off"))
		*on = 0;
	else
		return -EINVAL;
	return 0;
}

static int parse_mode(const char *value, int *mode)
{
	for (size_t i = 0; value && i < MODES; i++) {
		if (!strcmp(value, mode_names[i])) {
			*mode = (int)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_channels(const char *value, long *channels)
{
	char *end;
	long number;

	if (!value || !isdigit((unsigned char)*value))
		return -EINVAL;
	/* A number that is too large for a long becomes the largest long, which is not allowed either. */
	number = strtol(value, &end, 10);
	/* coturn takes no notice of what follows a number. A comment is all that may follow here. */
	end += strspn(end, " \t");
	if ((*end && *end != '#') || number < 1 || number > OPTION_CHANNELS_MAX)
		return -EINVAL;
	*channels = number;
	return 0;
}

static int add_interface(struct option_layer *layer, const char *name)
{
	size_t length = name ? strlen(name) : 0;

	if (!length || length >= IFNAMSIZ || strpbrk(name, "/, \t"))
		return -EINVAL;
	for (unsigned int i = 0; i < layer->interfaces; i++) {
		if (!strcmp(layer->interface[i], name))
			return 0;
	}
	if (layer->interfaces == ABI_ATTACHMENTS)
		return -ENOSPC;
	memcpy(layer->interface[layer->interfaces++], name, length + 1);
	return 0;
}

static int set_interface(struct options *options, struct option_layer *layer, const char *value)
{
	switch (add_interface(layer, value)) {
	case 0:
		return 0;
	case -ENOSPC:
		return refuse(options, ID_INTERFACE, value,
			      "among the first " NUMBER(ABI_ATTACHMENTS) " interfaces; no more can carry the program");
	}
	/* What looks like a list may also be a name and a comment. */
	if (value && strpbrk(value, ", \t") && !strchr(value, '#'))
		return refuse(options, ID_INTERFACE, value,
			      "the name of one interface; repeat the option, once for each interface");
	return refuse(options, ID_INTERFACE, value, "a name of an interface (1 to 15 characters)");
}

int option_set(struct options *options, enum option_source source, size_t id, const char *value)
{
	struct option_layer *layer = &options->layer[source];

	switch (id) {
	case ID_OFFLOAD:
		if (option_parse_switch(value, &layer->enabled))
			return refuse(options, id, value, "one of yes, no, on, off, true, false, 1, 0");
		return 0;
	case ID_REQUIRED:
		if (!option_parse_switch(value, &layer->required))
			return 0;
		layer->required = 1; /* if it was meant to be on, the server must not start without the offload */
		return refuse(options, id, value, "one of yes, no, on, off, true, false, 1, 0");
	case ID_MODE:
		if (parse_mode(value, &layer->mode))
			return refuse(options, id, value, "one of auto, native, generic");
		return 0;
	case ID_CHANNELS:
		if (parse_channels(value, &layer->channels))
			return refuse(options, id, value,
				      "a number from 1 to " NUMBER(OPTION_CHANNELS_MAX));
		return 0;
	case ID_INTERFACE:
		return set_interface(options, layer, value);
	default:
		return -EINVAL;
	}
}

int option_read_line(struct options *options, const char *line)
{
	char text[1025];
	char *name, *value, *end;

	snprintf(text, sizeof(text), "%s", line);
	name = text + strspn(text, " \t");
	end = name + strlen(name);
	while (end > name && isspace((unsigned char)end[-1]))
		*--end = '\0';
	value = name + strcspn(name, " \t=");
	if (*value) {
		*value++ = '\0';
		value += strspn(value, " \t=");
	}
	if (*value == '"') {
		value++;
		if (end > value && end[-1] == '"')
			end[-1] = '\0';
	}

	for (size_t id = 0; id < option_count; id++) {
		if (!strcmp(name, option_descriptions[id].name)) {
			option_set(options, OPTION_FILE, id, value);
			return 0;
		}
	}
	return -ENOENT;
}

/* The value of a field: the command line's, else the file's, else `unset`. */
#define VALUE_OF(options, field, unset)                                                   \
	((options)->layer[OPTION_ARGV].field >= 0 ? (options)->layer[OPTION_ARGV].field : \
	 (options)->layer[OPTION_FILE].field >= 0 ? (options)->layer[OPTION_FILE].field : \
						    (unset))

void option_resolve(const struct options *options, struct settings *settings)
{
	const struct option_layer *layer = &options->layer[OPTION_ARGV];

	if (!layer->interfaces)
		layer = &options->layer[OPTION_FILE];
	memset(settings, 0, sizeof(*settings));
	settings->enabled = VALUE_OF(options, enabled, 0);
	settings->required = VALUE_OF(options, required, 0);
	settings->mode = VALUE_OF(options, mode, OPTION_MODE_AUTO);
	settings->channels = VALUE_OF(options, channels, OPTION_CHANNELS_DEFAULT);
	settings->interfaces = layer->interfaces;
	memcpy(settings->interface, layer->interface, sizeof(settings->interface));
}

const char *option_without_effect(const struct options *options)
{
	struct settings settings;

	option_resolve(options, &settings);
	/* Whoever has written xdp-offload=no knows that it is off. */
	if (VALUE_OF(options, enabled, -1) >= 0 || settings.required)
		return NULL;
	if (settings.interfaces)
		return option_descriptions[ID_INTERFACE].name;
	if (VALUE_OF(options, mode, -1) >= 0)
		return option_descriptions[ID_MODE].name;
	if (VALUE_OF(options, channels, -1) >= 0)
		return option_descriptions[ID_CHANNELS].name;
	return NULL;
}
