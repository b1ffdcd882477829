/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/drops.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drops.skel.h"

/* In so many calls in a row so many frames must be dropped on a CPU, and none be sent. */
#define LOSING_CALLS 3
#define LOSING_FRAMES 10

/* What was last read of a device on a CPU. */
struct seen {
	uint64_t sent, dropped;
	unsigned int losing; /* calls in a row */
};

static struct {
	struct drops_bpf *skeleton;                 /* NULL: nothing is known */
	struct drops_count (*count)[DROPS_DEVICES]; /* by CPU; shared with the programs */
	size_t size;
	struct seen (*seen)[DROPS_DEVICES]; /* by CPU */
	bool loses[DROPS_DEVICES];
	struct bpf_link *receive; /* NULL: what the stack receives is not counted */
	unsigned int cpus;
} drops;

/* ---- starting and ending ---- */

static int share_counts(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	drops.size = (drops.cpus * sizeof(*drops.count) + page - 1) / page * page;
	memory = mmap(NULL, drops.size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(drops.skeleton->maps.counts), 0);
	if (memory == MAP_FAILED)
		return -errno;
	drops.count = memory;
	drops.seen = calloc(drops.cpus, sizeof(*drops.seen));
	return drops.seen ? 0 : -ENOMEM;
}

int drops_start(void)
{
	int cpus = libbpf_num_possible_cpus(), error;

	if (cpus < 0)
		return cpus;
	drops.cpus = (unsigned int)cpus;
	drops.skeleton = drops_bpf__open();
	if (!drops.skeleton)
		return -errno;
	bpf_program__set_autoattach(drops.skeleton->progs.receive, false);
	error = bpf_map__set_max_entries(drops.skeleton->maps.counts, drops.cpus);
	if (!error)
		error = drops_bpf__load(drops.skeleton);
	if (!error)
		error = share_counts();
	if (!error)
		error = drops_bpf__attach(drops.skeleton);
	if (error)
		drops_stop();
	return error;
}

void drops_stop(void)
{
	bpf_link__destroy(drops.receive);
	if (drops.count)
		munmap(drops.count, drops.size);
	free(drops.seen);
	drops_bpf__destroy(drops.skeleton);
	memset(&drops, 0, sizeof(drops));
}

/* ---- devices ---- */

/* The place of a device, or -ENOENT. */
static int find(uint32_t ifindex)
{
	for (uint32_t probe = 0; drops.skeleton && ifindex && probe < DROPS_PROBES; probe++) {
		uint32_t place = drops_place(ifindex, probe);

		if (drops.skeleton->bss->watched[place] == ifindex)
			return (int)place;
	}
	return -ENOENT;
}

/* The place of a device that is watched from now on, or -ENOSPC. */
static int add(uint32_t ifindex)
{
	for (uint32_t probe = 0; drops.skeleton && ifindex && probe < DROPS_PROBES; probe++) {
		uint32_t place = drops_place(ifindex, probe);

		if (drops.skeleton->bss->watched[place])
			continue;
		for (unsigned int cpu = 0; cpu < drops.cpus; cpu++) {
			memset(&drops.count[cpu][place], 0, sizeof(**drops.count));
			memset(&drops.seen[cpu][place], 0, sizeof(**drops.seen));
		}
		drops.loses[place] = false;
		__atomic_store_n(&drops.skeleton->bss->watched[place], ifindex, __ATOMIC_RELEASE);
		return (int)place;
	}
	return -ENOSPC;
}

void drops_forget(uint32_t ifindex)
{
	int place = find(ifindex);

	if (place >= 0)
		__atomic_store_n(&drops.skeleton->bss->watched[place], 0, __ATOMIC_RELEASE);
}

unsigned int drops_list(uint32_t *ifindexes)
{
	unsigned int count = 0;

	for (int place = 0; drops.skeleton && place < DROPS_DEVICES; place++) {
		if (drops.skeleton->bss->watched[place])
			ifindexes[count++] = drops.skeleton->bss->watched[place];
	}
	return count;
}

/* ---- counts ---- */

static uint64_t load(const __u64 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

struct drops_count drops_read(uint32_t ifindex)
{
	struct drops_count sum = { 0 };
	int place = find(ifindex);

	if (place < 0)
		place = add(ifindex);
	for (unsigned int cpu = 0; place >= 0 && cpu < drops.cpus; cpu++) {
		const struct drops_count *count = &drops.count[cpu][place];

		sum.sent += load(&count->sent);
		sum.dropped += load(&count->dropped);
		sum.failed += load(&count->failed);
		sum.refused += load(&count->refused);
		sum.received += load(&count->received);
	}
	return sum;
}

/* Whether a CPU has only dropped for some time. */
static bool cpu_loses(struct seen *seen, const struct drops_count *count, bool up)
{
	uint64_t sent = load(&count->sent), dropped = load(&count->dropped);

	if (up && sent == seen->sent && dropped - seen->dropped >= LOSING_FRAMES)
		seen->losing++;
	else
		seen->losing = 0;
	seen->sent = sent;
	seen->dropped = dropped;
	return seen->losing >= LOSING_CALLS;
}

void drops_look(uint32_t ifindex, bool up)
{
	int place = find(ifindex);

	for (unsigned int cpu = 0; place >= 0 && cpu < drops.cpus; cpu++) {
		if (cpu_loses(&drops.seen[cpu][place], &drops.count[cpu][place], up))
			drops.loses[place] = true;
	}
}

bool drops_lose_redirects(uint32_t ifindex)
{
	int place = find(ifindex);

	if (place < 0)
		add(ifindex);
	return place >= 0 && drops.loses[place];
}

int drops_count_received(bool wanted)
{
	if (!drops.skeleton)
		return wanted ? -EOPNOTSUPP : 0;
	if (wanted && !drops.receive) {
		drops.receive = bpf_program__attach(drops.skeleton->progs.receive);
		return drops.receive ? 0 : -errno;
	}
	if (!wanted) {
		bpf_link__destroy(drops.receive);
		drops.receive = NULL;
	}
	return 0;
}
