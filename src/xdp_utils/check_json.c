/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_json.h"

#include "word.h"

/* A string, or null where it is empty. */
static void write_known(struct json *json, const char *key, const char *value)
{
	if (value[0])
		json_string(json, key, value);
	else
		json_null(json, key);
}

static void write_number(struct json *json, const char *key, uint64_t value)
{
	if (value)
		json_number(json, key, value);
	else
		json_null(json, key);
}

static void write_interface(struct json *json, const struct check_interface *interface)
{
	json_open(json, NULL, '{');
	json_string(json, "name", interface->name);
	json_number(json, "ifindex", interface->ifindex);
	json_string(json, "mode", word_mode(interface->mode));
	write_known(json, "device", interface->device);
	write_known(json, "driver", interface->driver);
	json_number(json, "mtu", interface->mtu);
	write_number(json, "queues", interface->queues);
	write_number(json, "queues_max", interface->queues_max);
	json_bool(json, "up", interface->up);
	write_known(json, "why_not_native", interface->why_native);
	write_known(json, "why_not_generic", interface->why_generic);
	write_number(json, "program_id", interface->program.id);
	write_known(json, "program_name", interface->program.name);
	write_number(json, "program_pid", interface->program.pid_seen ? interface->program.pid : 0);
	json_close(json, '{');
}

static void write_row(struct json *json, const struct check_row *row)
{
	json_open(json, NULL, '{');
	json_string(json, "level", check_report_level_name(row->level));
	json_string(json, "topic", row->topic);
	json_string(json, "text", row->text);
	write_known(json, "command", row->command);
	json_close(json, '{');
}

void check_json_write(struct json *json, const struct check_target *target, const struct check_interfaces *interfaces,
		      const struct check_report *report)
{
	json_open(json, NULL, '{');
	write_number(json, "pid", target->pid);
	json_bool(json, "offload_runs", target->running);
	write_known(json, "file", target->config.file);
	write_known(json, "unit", target->unit.name);
	json_string(json, "worst", check_report_level_name(check_report_worst(report)));
	json_open(json, "rows", '[');
	for (unsigned int i = 0; i < report->count; i++)
		write_row(json, &report->row[i]);
	json_close(json, '[');
	json_open(json, "interfaces", '[');
	for (unsigned int i = 0; i < interfaces->count; i++)
		write_interface(json, &interfaces->interface[i]);
	json_close(json, '[');
	json_close(json, '{');
}
