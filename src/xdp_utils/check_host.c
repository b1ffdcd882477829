/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_host.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "route/ipsec.h"

static void judge_ipsec(struct check_report *report)
{
	bool any = false;
	int error = ipsec_ask(&any);

	if (error == -EPERM)
		check_report_add(report, CHECK_NOTE, "ipsec", NULL,
				 "whether this host has IPsec policies was not seen: run this as root");
	else if (error && error != -EPROTONOSUPPORT)
		check_report_add(report, CHECK_NOTE, "ipsec", NULL, "whether this host has IPsec policies was not seen: %s",
				 strerror(-error));
	else if (any)
		check_report_add(report, CHECK_STOP, "ipsec", "ip xfrm policy",
				 "this host has IPsec policies, which XDP would bypass: nothing is relayed in the kernel until "
				 "they are gone; the command lists them");
	else
		check_report_add(report, CHECK_OK, "ipsec", NULL, "this host has no IPsec policies");
}

void check_host_judge(struct check_report *report)
{
	judge_ipsec(report);
}
