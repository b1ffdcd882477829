/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/drops.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drops.skel.h"

static struct {
	struct drops_bpf *skeleton;                 /* NULL: nothing is known */
	struct drops_count (*count)[DROPS_DEVICES]; /* by CPU; shared with the programs */
	size_t size;
	unsigned int cpus;
} drops;

static int share_counts(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;

	drops.size = (drops.cpus * sizeof(*drops.count) + page - 1) / page * page;
	memory = mmap(NULL, drops.size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(drops.skeleton->maps.counts), 0);
	if (memory == MAP_FAILED)
		return -errno;
	drops.count = memory;
	return 0;
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
	if (drops.count)
		munmap(drops.count, drops.size);
	drops_bpf__destroy(drops.skeleton);
	memset(&drops, 0, sizeof(drops));
}

bool drops_are_known(void)
{
	return drops.skeleton != NULL;
}

unsigned int drops_cpus(void)
{
	return drops.cpus;
}

/* The place of a device, or -ENOENT. */
static int find(uint32_t ifindex)
{
	for (uint32_t probe = 0; probe < DROPS_PROBES; probe++) {
		uint32_t place = drops_place(ifindex, probe);

		if (drops.skeleton->bss->watched[place] == ifindex)
			return (int)place;
	}
	return -ENOENT;
}

/* The place of a device that is watched from now on, or -ENOSPC. */
static int add(uint32_t ifindex)
{
	int place;

	for (uint32_t probe = 0; probe < DROPS_PROBES; probe++) {
		place = (int)drops_place(ifindex, probe);
		if (drops.skeleton->bss->watched[place])
			continue;
		for (unsigned int cpu = 0; cpu < drops.cpus; cpu++)
			memset(&drops.count[cpu][place], 0, sizeof(**drops.count));
		__atomic_store_n(&drops.skeleton->bss->watched[place], ifindex, __ATOMIC_RELEASE);
		return place;
	}
	return -ENOSPC;
}

struct drops_count drops_read(uint32_t ifindex, unsigned int cpu)
{
	struct drops_count count = { 0 };
	const struct drops_count *shared;
	int place;

	if (!drops.skeleton || !ifindex || cpu >= drops.cpus)
		return count;
	place = find(ifindex);
	if (place < 0)
		place = add(ifindex);
	if (place < 0)
		return count;
	shared = &drops.count[cpu][place];
	count.sent = __atomic_load_n(&shared->sent, __ATOMIC_RELAXED);
	count.dropped = __atomic_load_n(&shared->dropped, __ATOMIC_RELAXED);
	count.failed = __atomic_load_n(&shared->failed, __ATOMIC_RELAXED);
	count.refused = __atomic_load_n(&shared->refused, __ATOMIC_RELAXED);
	return count;
}

struct drops_count drops_sum(uint32_t ifindex)
{
	struct drops_count sum = { 0 };

	for (unsigned int cpu = 0; cpu < drops.cpus; cpu++) {
		struct drops_count count = drops_read(ifindex, cpu);

		sum.sent += count.sent;
		sum.dropped += count.dropped;
		sum.failed += count.failed;
		sum.refused += count.refused;
	}
	return sum;
}

void drops_forget(uint32_t ifindex)
{
	int place = drops.skeleton && ifindex ? find(ifindex) : -ENOENT;

	if (place >= 0)
		__atomic_store_n(&drops.skeleton->bss->watched[place], 0, __ATOMIC_RELEASE);
}
