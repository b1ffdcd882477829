/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/capability.h"
#include "host/nftables.h"
#include "host/notes.h"
#include "host/rules.h"
#include "host/survey.h"
#include "host/tc.h"
#include "route/ipsec.h"
#include "word.h"

#define TOPIC "host"

/* Names the interfaces, and the devices below their VLANs. */
static void name_devices(const struct check_interfaces *interfaces)
{
	uint32_t devices[2 * ABI_ATTACHMENTS] = { 0 };
	unsigned int count = 0;

	for (unsigned int i = 0; i < interfaces->count; i++) {
		const struct check_interface *interface = &interfaces->interface[i];
		uint32_t below = interface->device[0] ? if_nametoindex(interface->device) : 0;

		if (interface->ifindex)
			devices[count++] = interface->ifindex;
		if (below && below != interface->ifindex)
			devices[count++] = below;
	}
	tc_devices(devices, count);
}

/* As the server does at its start. */
static void take_notes(struct status_host *host)
{
	static struct notes notes;

	rules_note(&notes);
	nftables_note(&notes);
	tc_note(&notes);
	host->notes = notes.count;
	memcpy(host->note, notes.note, sizeof(host->note));
}

static void take_survey(const struct check_interfaces *interfaces, struct check_host *host)
{
	struct survey survey;
	char missing[64];

	/* What may not be read counts as present, and would be shown as if it was. */
	host->survey_denied = capability_missing(missing, sizeof(missing));
	if (host->survey_denied)
		return;
	name_devices(interfaces);
	survey_take(&survey);
	take_notes(&host->of);
	host->of.flags = survey.flags;
	snprintf(host->of.line, sizeof(host->of.line), "%s", survey.text);
}

void check_host_read(const struct status *status, const struct check_interfaces *interfaces, struct check_host *host)
{
	memset(host, 0, sizeof(*host));
	host->ipsec_error = ipsec_ask(&host->ipsec);
	if (status)
		host->of = status->host;
	else
		take_survey(interfaces, host);
}

static void judge_ipsec(const struct check_host *host, struct check_report *report)
{
	if (host->ipsec_error == -EPERM)
		check_report_add(report, CHECK_NOTE, "ipsec", NULL,
				 "whether this host has IPsec policies was not seen: run this as root");
	else if (host->ipsec_error && host->ipsec_error != -EPROTONOSUPPORT)
		check_report_add(report, CHECK_NOTE, "ipsec", NULL, "whether this host has IPsec policies was not seen: %s",
				 strerror(-host->ipsec_error));
	else if (host->ipsec)
		check_report_add(report, CHECK_STOP, "ipsec", "ip xfrm policy",
				 "this host has IPsec policies, which XDP would bypass: nothing is relayed in the kernel until "
				 "they are gone; the command lists them");
	else
		check_report_add(report, CHECK_OK, "ipsec", NULL, "this host has no IPsec policies");
}

/* Each thing that was found is a clause of the line, and becomes a row. */
static void judge_found(const struct check_host *host, struct check_report *report)
{
	char line[STATUS_LINE + 1] = "";
	char *rest = line, *next;

	memcpy(line, host->of.line, STATUS_LINE);
	while (rest) {
		next = strstr(rest, "; ");
		if (next)
			*next = '\0';
		if (*rest)
			check_report_add(report, CHECK_NOTE, TOPIC, NULL, "%s", rest);
		rest = next ? next + 2 : NULL;
	}
	check_report_add(report, CHECK_NOTE, TOPIC, NULL,
			 "this host %s: a flow is relayed in the kernel only after the server was seen to relay a packet of it",
			 word_host(host->of.flags).text);
}

static void judge_notes(const struct status_host *host, struct check_report *report)
{
	for (unsigned int i = 0; i < host->notes && i < STATUS_NOTES; i++)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL, "%.*s", STATUS_NOTE, host->note[i].text);
	if (host->notes > STATUS_NOTES)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL, "%u more of this kind; turnserver's log names all of them",
				 host->notes - STATUS_NOTES);
}

void check_host_judge(const struct check_host *host, struct check_report *report)
{
	judge_ipsec(host, report);
	if (host->survey_denied)
		check_report_add(report, CHECK_NOTE, TOPIC, NULL,
				 "what on this host may refuse or change packets was not seen: run this as root");
	else if (host->of.flags & (STATUS_EXAMINED_V4 | STATUS_EXAMINED_V6))
		judge_found(host, report);
	else
		check_report_add(report, CHECK_OK, TOPIC, NULL, "this host is free: it has no firewall, NAT, cgroup program or strict reverse path filter");
	judge_notes(&host->of, report);
}
