/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface/driver_check.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/kernel.h"
#include "iface/gro.h"

void driver_check_read(const struct links *links, const struct link *device, bool frags, struct driver_facts *facts)
{
	/* The other end may be in another network namespace. */
	const struct link *other = device->veth ? links_find(links, device->lower) : NULL;

	memset(facts, 0, sizeof(*facts));
	snprintf(facts->device, sizeof(facts->device), "%s", device->name);
	device_driver(device->name, facts->driver);
	device_channels(device->name, &facts->channels);
	facts->mtu = other ? other->mtu : device->mtu;
	facts->lro = gro_feature_is_on(device->name, "rx-lro");
	facts->told = !device_xdp_features(device->ifindex, &facts->features);
	facts->frags = frags && facts->features & XDP_FEATURE_RX_SG;
}

/* A reason that begins with the driver's name. */
static int fail(const struct driver_facts *facts, const char *text, char *why, size_t size)
{
	snprintf(why, size, "the driver (%s) %s", facts->driver, text);
	return -EOPNOTSUPP;
}

/* A veth has XDP only while it has as many channels to receive as its other end has to send (veth_set_xdp_features). */
static int check_veth(const struct driver_facts *facts, bool trusted, char *why, size_t size)
{
	if (facts->told && !(facts->features & XDP_FEATURE_BASIC))
		snprintf(why, size,
			 "the veth has fewer queues to receive than its other end has to send; ethtool -L %s rx N changes that",
			 facts->device);
	else if (!facts->told && !trusted)
		snprintf(why, size,
			 "this kernel (before 6.3) does not say whether the other end of a veth takes what an XDP program "
			 "sends; if it has GRO on, use xdp-mode=native");
	else if (facts->told && !(facts->features & XDP_FEATURE_NDO_XMIT))
		snprintf(why, size,
			 "the veth's other end has neither GRO nor an XDP program, and so drops what an XDP program "
			 "sends; switch GRO on there: ethtool -K NAME gro on");
	else
		return 0;
	return -EOPNOTSUPP;
}

/* Of some drivers the source says more than the kernel does before a program is attached, or at all. */
static int check_sends(const struct driver_facts *facts, bool trusted, bool alone, char *why, size_t size)
{
	enum driver_sends known = driver_sends(facts->driver, kernel_version());

	if (known == DRIVER_SENDS_BACK && !alone)
		return fail(facts, "does not send what is redirected to it, and there are several interfaces", why, size);
	if (!facts->told && known == DRIVER_SENDS_UNKNOWN && !trusted)
		return fail(facts,
			    "is not among those that are known to send what an XDP program relays, and this kernel (before 6.3) "
			    "does not say; xdp-mode=native tries it",
			    why, size);
	return 0;
}

int driver_check(const struct driver_facts *facts, bool trusted, bool alone, char *why, size_t size)
{
	char command[DRIVER_COMMAND], text[256];

	if (!strcmp(facts->driver, "veth"))
		return check_veth(facts, trusted, why, size);
	if (facts->told ? !(facts->features & XDP_FEATURE_BASIC) : driver_has_no_xdp(facts->driver))
		return fail(facts, "has no XDP", why, size);
	if (facts->told && !(facts->features & XDP_FEATURE_REDIRECT) && !alone)
		return fail(facts, "does not redirect, and there are several interfaces", why, size);
	if (!trusted && driver_is_avoided(facts->driver, why, size))
		return -EOPNOTSUPP;
	if (driver_loses_frames(facts)) {
		driver_refuses(facts, text, sizeof(text), command);
		snprintf(why, size, "%s, and would lose larger frames; this changes it: %s", text, command);
		return -EOPNOTSUPP;
	}
	return check_sends(facts, trusted, alone, why, size);
}

bool driver_check_wants_frags(const struct link *device)
{
	bool large = device->mtu > ETH_DATA_LEN;
	uint64_t features;

	if (!device->ethernet)
		return false;
	if (device_xdp_features(device->ifindex, &features))
		return large;
	return features & XDP_FEATURE_RX_SG && (large || !device->veth);
}

bool driver_check_redirects(const struct link *device)
{
	char driver[DEVICE_DRIVER_SIZE];
	uint64_t features;

	if (!device_xdp_features(device->ifindex, &features))
		return features & XDP_FEATURE_REDIRECT && features & XDP_FEATURE_NDO_XMIT;
	device_driver(device->name, driver);
	return driver_sends(driver, kernel_version()) != DRIVER_SENDS_BACK;
}

bool driver_check_unknown(const struct link *device)
{
	char driver[DEVICE_DRIVER_SIZE];

	if (device_tells_features())
		return false;
	device_driver(device->name, driver);
	/* What a veth's other end does depends on how that is configured. */
	return driver_sends(driver, kernel_version()) == DRIVER_SENDS_UNKNOWN || !strcmp(driver, "veth");
}
