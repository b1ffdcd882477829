// SPDX-License-Identifier: BSD-3-Clause
#include "sink.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "sink.skel.h"

/* BPF_TCX_INGRESS of Linux 6.6, which older headers lack. */
#define TCX_INGRESS ((enum bpf_attach_type)46)

struct sink {
	struct sink_bpf *skel;
	struct bpf_link *link;
	int filter; /* the link's descriptor, or 0 */
	struct sink_count *rows; /* room for one per CPU */
	int cpus;
};

/* By a link, so that it goes with the process, as the XDP program does. */
static int filter_attach(struct sink *sink, int ifindex)
{
	int fd = bpf_link_create(bpf_program__fd(sink->skel->progs.sink_skb), ifindex, TCX_INGRESS, NULL);

	if (fd < 0)
		return fd;
	sink->filter = fd;
	return 0;
}

static int program_attach(struct sink *sink, int ifindex)
{
	sink->link = bpf_program__attach_xdp(sink->skel->progs.sink, ifindex);
	return sink->link ? 0 : -errno;
}

int sink_open(const char *ifname, const struct sockaddr_in *first, unsigned int ports,
	      unsigned int length, int skbs, struct sink **out)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	int ifindex = (int)if_nametoindex(ifname), error = -ENOMEM;
	struct sink_bpf *skel;

	if (!sink)
		goto fail;
	sink->cpus = libbpf_num_possible_cpus();
	sink->rows = calloc(sink->cpus, sizeof(*sink->rows));
	skel = sink->skel = sink_bpf__open();
	if (!sink->rows || !skel)
		goto fail;
	skel->rodata->address = first->sin_addr.s_addr;
	skel->rodata->first_port = ntohs(first->sin_port);
	skel->rodata->ports = ports;
	skel->rodata->length = length;
	error = sink_bpf__load(skel);
	if (!error)
		error = skbs ? filter_attach(sink, ifindex) : program_attach(sink, ifindex);
	if (error)
		goto fail;
	*out = sink;
	return 0;
fail:
	sink_close(sink);
	return error;
}

int sink_read(const struct sink *sink, struct sink_count *count)
{
	__u32 key = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(sink->skel->maps.counts), &key, sink->rows))
		return -errno;
	*count = (struct sink_count){};
	for (int i = 0; i < sink->cpus; i++) {
		count->packets += sink->rows[i].packets;
		count->sum_full += sink->rows[i].sum_full;
		count->sum_partial += sink->rows[i].sum_partial;
		count->sum_wrong += sink->rows[i].sum_wrong;
		count->wrong += sink->rows[i].wrong;
	}
	return 0;
}

void sink_close(struct sink *sink)
{
	if (!sink)
		return;
	if (sink->filter)
		close(sink->filter);
	bpf_link__destroy(sink->link);
	sink_bpf__destroy(sink->skel);
	free(sink->rows);
	free(sink);
}
