/* SPDX-License-Identifier: BSD-3-Clause */
/* Words for the numbers in the tables. Programs rely on them, so they stay as they are. Pure. */
#ifndef OFFLOAD_XDP_UTILS_WORD_H
#define OFFLOAD_XDP_UTILS_WORD_H

#include "unit.h"
#include "verdict.h"

/** The mode that an interface has (enum status_mode): "native", "generic" or "none". */
const char *word_mode(unsigned int mode);

/** What does not work of native mode (enum status_fault): "never-runs", "no-room", "not-sent", "drops-redirects" or "none". */
const char *word_fault(unsigned int fault);

/** The mode that xdp-mode asks for (enum option_mode): "auto", "native" or "generic". */
const char *word_mode_wanted(unsigned int mode);

/** What a host does with packets (enum status_host_flag): "free", "examines IPv4", "examines IPv4 and IPv6, translates IPv4". */
struct text word_host(unsigned int flags);

/** A verdict: VERDICT_TO_PEER is "to-peer". */
struct text word_verdict(enum verdict verdict);

/** What a verdict means, for people. */
const char *word_verdict_meaning(enum verdict verdict);

#endif
