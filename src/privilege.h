/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * coturn gives up root after its start (proc-user). The thread that looks after
 * next hops has to ask the kernel to confirm neighbours as long as it runs,
 * which takes CAP_NET_ADMIN: it keeps this one capability, and only it does.
 */
#ifndef OFFLOAD_PRIVILEGE_H
#define OFFLOAD_PRIVILEGE_H

#include <stdbool.h>

/**
 * Lets the calling thread keep, when the process changes its user, CAP_NET_ADMIN
 * and what that change itself takes.
 */
void privilege_keep(void);

/**
 * Makes CAP_NET_ADMIN the one capability of the calling thread, in effect.
 * 0, or -EPERM if the thread never had it.
 */
int privilege_net_admin(void);

/** Whether the calling thread may do what loading the program takes. */
bool privilege_can_load(void);

#endif
