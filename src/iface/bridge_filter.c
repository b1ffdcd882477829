/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/bridge_filter.h"

#include <stdio.h>
#include <unistd.h>

/* Without br_netfilter there is no such setting. */
static bool setting_is_on(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &value) != 1)
		value = 1;
	fclose(file);
	return value;
}

bool bridge_filter_is_on(const struct link *bridge)
{
	return bridge->bridge_filter || setting_is_on("/proc/sys/net/bridge/bridge-nf-call-iptables") ||
	       setting_is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables") ||
	       !access("/sys/module/nf_conntrack_bridge", F_OK);
}
