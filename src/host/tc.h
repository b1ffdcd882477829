/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic control (tc(8)) of the devices that packets come in and leave by: filters and programs
 * behind the XDP program on the way in; queueing disciplines, filters and programs on the way
 * out. For one thread, with CAP_NET_ADMIN, and before Linux 5.19 CAP_BPF.
 */
#ifndef OFFLOAD_HOST_TC_H
#define OFFLOAD_HOST_TC_H

#include "host/notes.h"
#include "host/survey.h"

#define TC_DEVICES 64

/** Names the devices that tc_look and tc_note look at, at most TC_DEVICES of them. */
void tc_devices(const uint32_t *ifindexes, unsigned int count);

/** Adds the filters and programs on the way in to a survey. 0 or -errno. */
int tc_look(struct survey *survey);

/** Adds a note for each thing on the way out that tc_look has seen. */
void tc_note(struct notes *notes);

#endif
