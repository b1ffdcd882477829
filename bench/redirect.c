// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attaches the bare redirect between two interfaces of this network namespace,
 * says "ready", and keeps it until stdin closes.
 *
 * usage: redirect IFNAME SOURCE-MAC DESTINATION-MAC IFNAME SOURCE-MAC DESTINATION-MAC
 */
#include <errno.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "redirect.skel.h"

static int fail(const char *what)
{
	fprintf(stderr, "redirect: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct redirect_bpf *skel;
	__u32 ifindex[2];
	char buffer[16];

	if (argc != 7) {
		fputs("usage: redirect IFNAME SOURCE-MAC DESTINATION-MAC IFNAME SOURCE-MAC DESTINATION-MAC\n",
		      stderr);
		return 2;
	}
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	skel = redirect_bpf__open();
	if (!skel)
		return fail("open");
	for (int i = 0; i < 2; i++) {
		char **word = argv + 1 + 3 * i;
		unsigned char mac[2 * ETH_ALEN];

		ifindex[i] = if_nametoindex(word[0]);
		if (!ifindex[i] || !ether_aton_r(word[1], (struct ether_addr *)(mac + ETH_ALEN)) ||
		    !ether_aton_r(word[2], (struct ether_addr *)mac))
			return fail(word[0]);
		memcpy(skel->rodata->addresses[i], mac, sizeof(mac));
	}
	skel->rodata->first_ifindex = ifindex[0];
	if (redirect_bpf__load(skel))
		return fail("load");
	for (__u32 i = 0; i < 2; i++) {
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.devices), &i, &ifindex[i], 0))
			return fail("device");
		if (!bpf_program__attach_xdp(skel->progs.redirect, (int)ifindex[i]))
			return fail("attach");
	}
	puts("ready");
	fflush(stdout);
	while (read(0, buffer, sizeof(buffer)) > 0)
		;
	return 0;
}
