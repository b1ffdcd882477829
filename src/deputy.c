/* SPDX-License-Identifier: BSD-3-Clause */
#include "deputy.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>

#include "privilege.h"
#include "thread.h"

static struct {
	bool present;
	pthread_t thread;
	pthread_mutex_t callers; /* one has its turn */
	sem_t asked, done;
	int (*act)(const void *); /* NULL: the thread is to end */
	const void *what;
	int result;
} deputy = { .callers = PTHREAD_MUTEX_INITIALIZER };

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) && errno == EINTR)
		;
}

static void *run(void *unused)
{
	(void)unused;
	for (;;) {
		wait_for(&deputy.asked);
		if (!deputy.act)
			return NULL;
		deputy.result = deputy.act(deputy.what);
		sem_post(&deputy.done);
	}
}

int deputy_do(int (*act)(const void *), const void *what)
{
	int result;

	pthread_mutex_lock(&deputy.callers);
	deputy.act = act;
	deputy.what = what;
	sem_post(&deputy.asked);
	wait_for(&deputy.done);
	result = deputy.result;
	pthread_mutex_unlock(&deputy.callers);
	return result;
}

struct question {
	bool (*allowed)(void);
};

/* As the threads of a server are that has given up root. */
static int ask_without(const void *what)
{
	const struct question *question = what;
	int error = privilege_without_bpf(true);
	bool allowed = question->allowed();

	privilege_without_bpf(false);
	return error || allowed ? 0 : -EPERM;
}

static int keep(const void *what)
{
	(void)what;
	privilege_keep(PRIVILEGE_BPF);
	return 0;
}

static int reduce(const void *what)
{
	(void)what;
	return privilege_reduce(PRIVILEGE_BPF);
}

int deputy_start(bool (*allowed)(void))
{
	const struct question question = { allowed };
	int error;

	sem_init(&deputy.asked, 0, 0);
	sem_init(&deputy.done, 0, 0);
	error = thread_start(&deputy.thread, run);
	if (error)
		return error;
	deputy.present = true;
	if (deputy_do(ask_without, &question))
		deputy_do(keep, NULL);
	else
		deputy_stop();
	return 0;
}

void deputy_stop(void)
{
	if (!deputy.present)
		return;
	deputy.act = NULL;
	sem_post(&deputy.asked);
	pthread_join(deputy.thread, NULL);
	deputy.present = false;
}

bool deputy_present(void)
{
	return deputy.present;
}

int deputy_privileges_dropped(void)
{
	return deputy.present ? deputy_do(reduce, NULL) : 0;
}
