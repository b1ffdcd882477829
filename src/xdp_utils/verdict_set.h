/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of verdicts, as users write them. Pure. */
#ifndef OFFLOAD_XDP_UTILS_VERDICT_SET_H
#define OFFLOAD_XDP_UTILS_VERDICT_SET_H

#include <stdint.h>

/** The verdicts of packets that belong to a channel: a bit for each, also for those of a later release. */
uint32_t verdict_set_of_channels(void);

/**
 * Adds to *set the verdicts that `text` names, separated by commas: a verdict's word, such as
 * too-big; relayed; up (packets of channels that go up to the server); or all. 0, or
 * -EINVAL, which leaves *set as it was.
 */
int verdict_set_add(const char *text, uint32_t *set);

#endif
