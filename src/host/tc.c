/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "netlink/request.h"

/* enum bpf_attach_type since Linux 6.6, which older headers do not have. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS ((enum bpf_attach_type)47)
#define PROGRAMS 64

#define TRIES 5

/* A device, and on which way its queueing disciplines let it have filters. */
struct device {
	uint32_t ifindex;
	bool ingress, egress; /* it may have filters on the way in, on the way out */
};

static struct {
	struct device device[TC_DEVICES];
	unsigned int count;
	struct notes notes; /* of the last tc_look */
} tc;

static struct device *find_device(int ifindex)
{
	for (unsigned int i = 0; i < tc.count; i++) {
		if (tc.device[i].ifindex == (uint32_t)ifindex)
			return &tc.device[i];
	}
	return NULL;
}

void tc_devices(const uint32_t *ifindexes, unsigned int count)
{
	tc.count = 0;
	for (unsigned int i = 0; i < count && tc.count < TC_DEVICES; i++) {
		if (!find_device((int)ifindexes[i]))
			tc.device[tc.count++] = (struct device){ .ifindex = ifindexes[i] };
	}
}

/* The name that people know a device by; `name` is where it may be written. */
static const char *name_of(const struct device *device, char name[IF_NAMESIZE])
{
	return if_indextoname(device->ifindex, name) ? name : "a device that is gone";
}

static void note(const struct device *device, const char *what)
{
	char text[192], name[IF_NAMESIZE];

	snprintf(text, sizeof(text), "%s on the way out of %s", what, name_of(device, name));
	notes_add_passed_by(&tc.notes, text);
}

/* ---- queueing disciplines ---- */

/* The value of an option of 4 or 8 bytes; `missing` if it is not there. */
static uint64_t option(const struct nlattr *options, uint16_t type, uint64_t missing)
{
	const struct nlattr *attribute;

	if (!options)
		return missing;
	mnl_attr_for_each_nested(attribute, options) {
		if (mnl_attr_get_type(attribute) != type)
			continue;
		if (mnl_attr_get_payload_len(attribute) >= 8)
			return mnl_attr_get_u64(attribute);
		return mnl_attr_get_payload_len(attribute) >= 4 ? mnl_attr_get_u32(attribute) : missing;
	}
	return missing;
}

/*
 * Those that only order packets that wait, or drop what would wait too long: a packet that
 * does not wait loses nothing by not passing them. All others are named, also those that are not known here.
 */
static bool is_harmless(const char *kind, const struct nlattr *options)
{
	static const char *const kinds[] = { "noqueue", "noop", "pfifo_fast", "pfifo", "bfifo", "pfifo_head_drop", "mq", "multiq",
					     "prio", "sfq", "codel", "fq_codel", "pie", "fq_pie", "clsact", "ingress" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(kind, kinds[i]))
			return true;
	}
	if (!strcmp(kind, "fq"))
		return option(options, TCA_FQ_FLOW_MAX_RATE, UINT32_MAX) == UINT32_MAX;
	return !strcmp(kind, "cake") && !option(options, TCA_CAKE_BASE_RATE64, 0);
}

static int parse_qdisc(const struct nlmsghdr *message, void *unused)
{
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);
	struct device *device = find_device(header->tcm_ifindex);
	const struct nlattr *attribute, *options = NULL;
	const char *kind = "";
	char what[64];

	(void)unused;
	if (!device)
		return MNL_CB_OK;
	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			kind = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
			options = attribute;
	}
	device->egress = device->egress || !strcmp(kind, "clsact");
	device->ingress = device->ingress || !strcmp(kind, "clsact") || !strcmp(kind, "ingress");
	if (!is_harmless(kind, options)) {
		snprintf(what, sizeof(what), "the queueing discipline %s", kind);
		note(device, what);
	}
	return MNL_CB_OK;
}

/* ---- filters ---- */

struct filters {
	const struct device *device;
	bool egress;
	struct survey *survey;
	unsigned int count;
};

static int parse_filter(const struct nlmsghdr *message, void *result)
{
	const struct tcmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *options = NULL;
	struct filters *filters = result;
	const char *kind = "", *name = "";
	char what[128];

	mnl_attr_for_each(attribute, message, sizeof(*header)) {
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			kind = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
			options = attribute;
	}
	/* The kernel sends one more message for each priority, without options: it is no filter. */
	if (!options)
		return MNL_CB_OK;
	if (!filters->egress) {
		uint64_t program = strcmp(kind, "bpf") ? 0 : option(options, TCA_BPF_ID, 0);

		survey_mix(filters->survey, header, sizeof(*header));
		survey_mix(filters->survey, &program, sizeof(program));
		filters->count++;
		return MNL_CB_OK;
	}
	if (!strcmp(kind, "bpf")) {
		mnl_attr_for_each_nested(attribute, options) {
			if (mnl_attr_get_type(attribute) == TCA_BPF_NAME)
				name = mnl_attr_get_str(attribute);
		}
	}
	snprintf(what, sizeof(what), "the tc filter %s%s%.64s (priority %u)", kind, *name ? " " : "", name,
		 TC_H_MAJ(header->tcm_info) >> 16);
	note(filters->device, what);
	return MNL_CB_OK;
}

/* ---- questions ---- */

static int ask(uint16_t type, uint32_t ifindex, uint32_t parent, mnl_cb_t parse, void *result)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_DUMP;
	header->tcm_ifindex = (int)ifindex;
	header->tcm_parent = parent;
	return request_ask_own(NETLINK_ROUTE, request, parse, result);
}

/* The filters of a device, in one direction. 0 or -errno. */
static int look_at_filters(struct filters *filters)
{
	uint32_t parent = TC_H_MAKE(TC_H_CLSACT, filters->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	uint64_t signature = filters->survey->signature;
	int error = -EINTR;

	for (int i = 0; i < TRIES && error == -EINTR; i++) {
		filters->survey->signature = signature;
		filters->count = 0;
		error = ask(RTM_GETTFILTER, filters->device->ifindex, parent, parse_filter, filters);
	}
	/* The discipline is gone, with its filters. */
	return error == -EINVAL || error == -ENOENT || error == -ENODEV ? 0 : error;
}

/* The programs of a device that tcx runs. 0 or -errno. */
static int look_at_programs(struct filters *filters)
{
	__u32 ids[PROGRAMS] = { 0 }, count = PROGRAMS;
	int error = bpf_prog_query((int)filters->device->ifindex, filters->egress ? TCX_EGRESS : TCX_INGRESS, 0, NULL, ids,
				   &count) ?
			    -errno :
			    0;

	/* A kernel without tcx, and a device that is gone. */
	if (error == -EINVAL || error == -ENODEV || error == -ENOENT)
		return 0;
	if (error && error != -ENOSPC)
		return error;
	if (count > PROGRAMS)
		count = PROGRAMS;
	if (!filters->egress) {
		survey_mix(filters->survey, ids, count * sizeof(ids[0]));
		filters->count += count;
		return 0;
	}
	for (__u32 i = 0; i < count; i++) {
		char what[64];

		snprintf(what, sizeof(what), "the tc program with id %u (tcx)", ids[i]);
		note(filters->device, what);
	}
	return 0;
}

static int look_at(struct survey *survey, const struct device *device, bool egress)
{
	struct filters filters = { .device = device, .egress = egress, .survey = survey };
	char name[IF_NAMESIZE];
	int error = (egress ? device->egress : device->ingress) ? look_at_filters(&filters) : 0;

	if (!error)
		error = look_at_programs(&filters);
	/* They may change addresses as well. */
	if (filters.count)
		survey_found(survey, SURVEY_EXAMINED | SURVEY_NAT, "tc: %u filter%s on the way in of %s", filters.count,
			     filters.count == 1 ? "" : "s", name_of(device, name));
	return error;
}

static int read_qdiscs(void)
{
	int error = -EINTR;

	for (int i = 0; i < TRIES && error == -EINTR; i++)
		error = ask(RTM_GETQDISC, 0, 0, parse_qdisc, NULL);
	/* A kernel without traffic control. */
	return error == -EOPNOTSUPP ? 0 : error;
}

int tc_look(struct survey *survey)
{
	int error = 0;

	memset(&tc.notes, 0, sizeof(tc.notes));
	for (unsigned int i = 0; i < tc.count; i++)
		tc.device[i].ingress = tc.device[i].egress = false;
	if (tc.count)
		error = read_qdiscs();
	for (unsigned int i = 0; i < tc.count && !error; i++) {
		error = look_at(survey, &tc.device[i], false);
		if (!error)
			error = look_at(survey, &tc.device[i], true);
	}
	return error;
}

void tc_note(struct notes *notes)
{
	for (unsigned int i = 0; i < tc.notes.count && i < NOTES_ROOM; i++)
		notes_add(notes, "%s", tc.notes.note[i].text);
}
