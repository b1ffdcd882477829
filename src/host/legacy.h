/* SPDX-License-Identifier: BSD-3-Clause */
/* What /proc/net says of legacy iptables and of IPVS (ipvsadm(8)). For one thread. */
#ifndef OFFLOAD_HOST_LEGACY_H
#define OFFLOAD_HOST_LEGACY_H

#include "host/survey.h"

/** Adds the tables of legacy iptables and ip6tables to a survey. 0 or -errno. */
int legacy_look_at_tables(struct survey *survey);

/** Adds IPVS to a survey, if it has services that take UDP. 0 or -errno. */
int legacy_look_at_ipvs(struct survey *survey);

/** Closes the files that legacy_look_at_tables keeps open. */
void legacy_forget(void);

#endif
