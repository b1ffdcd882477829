/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/bridge_filter.h"

#include <stdio.h>
#include <unistd.h>

#include "base/small_file.h"

/* Without br_netfilter there is no such setting. */
static bool setting_is_on(const char *path)
{
	char text[16];
	int value;

	if (small_file_read(path, text, sizeof(text)))
		return false;
	return sscanf(text, "%d", &value) != 1 || value;
}

bool bridge_filter_is_on(const struct link *bridge)
{
	return bridge->bridge_filter || setting_is_on("/proc/sys/net/bridge/bridge-nf-call-iptables") ||
	       setting_is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables") ||
	       !access("/sys/module/nf_conntrack_bridge", F_OK);
}
