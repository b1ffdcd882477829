/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef OFFLOAD_THREAD_H
#define OFFLOAD_THREAD_H

#include <pthread.h>

/** Starts a thread that gets no signals, which are for coturn's threads. 0 or -errno. */
int thread_start(pthread_t *thread, void *(*run)(void *));

#endif
