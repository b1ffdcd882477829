/* SPDX-License-Identifier: BSD-3-Clause */
#include "table/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pid_namespace.h"

static struct status *status;

void status_open(struct status *shared)
{
	status = shared;
}

void status_close(void)
{
	status = NULL;
}

void status_begin(unsigned int channels, unsigned int mode)
{
	if (!status)
		return;
	status->pid = (uint32_t)getpid();
	status->pid_namespace = pid_namespace_own();
	status->channels = channels;
	status->mode = (uint8_t)mode;
	__atomic_store_n(&status->started, clock_boot_ns(), __ATOMIC_RELEASE);
}

/* Begins or ends a change: inspectors do not use what they read of the interfaces and the host while `seq` is odd. */
static void advance_seq(void)
{
	__atomic_add_fetch(&status->seq, 1, __ATOMIC_SEQ_CST);
}

void status_interface_put(unsigned int slot, const struct status_interface *interface)
{
	if (!status || slot >= ABI_ATTACHMENTS)
		return;
	if (slot < status->interfaces && !memcmp(&status->interface[slot], interface, sizeof(*interface)))
		return;
	advance_seq();
	status->interface[slot] = *interface;
	if (status->interfaces <= slot)
		status->interfaces = slot + 1;
	advance_seq();
}

void status_host_put(const struct status_host *host)
{
	if (!status || !memcmp(&status->host, host, sizeof(*host)))
		return;
	advance_seq();
	status->host = *host;
	advance_seq();
}

void status_interfaces_end(unsigned int count)
{
	if (!status || status->interfaces <= count)
		return;
	advance_seq();
	status->interfaces = count;
	advance_seq();
}

void status_stray_put(uint32_t ifindex)
{
	if (status)
		__atomic_store_n(&status->stray, ifindex, __ATOMIC_RELAXED);
}

void status_waiting_put(const char *waiting)
{
	if (!status || !strcmp(status->waiting, waiting))
		return;
	advance_seq();
	snprintf(status->waiting, sizeof(status->waiting), "%s", waiting);
	advance_seq();
}

void status_blocked_put(bool blocked)
{
	if (status)
		__atomic_store_n(&status->blocked, blocked, __ATOMIC_RELAXED);
}

void status_monitor_put(uint64_t deadline)
{
	if (status)
		__atomic_store_n(&status->monitor_deadline, deadline, __ATOMIC_RELAXED);
}

static void count(__u64 *counter, uint64_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

void status_count_total(uint64_t bytes_in, uint64_t bytes_out)
{
	if (!status)
		return;
	count(&status->bytes_in, bytes_in);
	count(&status->bytes_out, bytes_out);
}

void status_count_userspace(uint64_t packets)
{
	if (status)
		count(&status->userspace, packets);
}

void status_count_overrun(void)
{
	if (status)
		count(&status->overruns, 1);
}

void status_count_refusal(unsigned int refusal)
{
	if (status && refusal < STATUS_REFUSALS)
		count(&status->refused[refusal], 1);
}

void status_count_failure(int error)
{
	if (status)
		count(error == -ENOSPC ? &status->full : &status->failed, 1);
}
