/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The start of the server. The linker wraps two of coturn's functions: where coturn calls x(), __wrap_x() is
 * called, and __real_x() is coturn's function. Both run on the main thread.
 */
#include "coturn/startup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mainrelay.h"

#include "base/capability.h"
#include "base/log.h"
#include "base/option.h"
#include "base/version.h"
#include "coturn/databases.h"
#include "coturn/options.h"
#include "coturn/release.h"
#include "coturn/share.h"
#include "offload.h"

void __real_setup_server(void);
void __real_run_listener_server(struct listener_server *ls);

void __wrap_setup_server(void);
void __wrap_run_listener_server(struct listener_server *ls);

static bool running;

bool startup_offload_runs(void)
{
	return running;
}

static void log_to_coturn(enum log_level level, const char *line)
{
	static const TURN_LOG_LEVEL levels[] = {
		[LOG_LEVEL_INFO] = TURN_LOG_LEVEL_INFO,
		[LOG_LEVEL_WARNING] = TURN_LOG_LEVEL_WARNING,
		[LOG_LEVEL_ERROR] = TURN_LOG_LEVEL_ERROR,
	};

	TURN_LOG_FUNC(levels[level], "%s\n", line);
}

/* Starts the offload for the addresses that coturn listens on and those that it relays from. */
static int start_for_addresses(const struct settings *settings)
{
	size_t listeners = turn_params.listener.addrs_number, relays = turn_params.relays_number;
	const char **addresses = calloc(listeners + relays + 1, sizeof(*addresses));
	unsigned int count = 0;
	int error;

	if (!addresses) {
		log_line(LOG_LEVEL_ERROR, "the offload cannot start: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; i < listeners; i++)
		addresses[count++] = turn_params.listener.addrs[i];
	for (size_t i = 0; i < relays; i++)
		addresses[count++] = turn_params.relay_addrs[i];
	error = offload_start(settings, addresses, count, release_is_4_6());
	free(addresses);
	return error;
}

/*
 * Whether the options of coturn leave channels that the kernel can relay. If they do not, the log names an option
 * that is the reason.
 */
static bool options_leave_channels(void)
{
	const struct {
		const char *option, *why;
		bool set;
	} options[] = {
		{ "no-udp", "no client uses plain UDP", turn_params.no_udp },
		{ "no-udp-relay", "no relayed transport address is UDP", turn_params.no_udp_relay },
		{ "listening-device", "the clients' sockets are bound to a device", turn_params.listener_ifname[0] },
		{ "relay-device", "the relay sockets are bound to a device", turn_params.relay_ifname[0] },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!options[i].set)
			continue;
		log_line(LOG_LEVEL_ERROR, "%s is set, so no channel can be relayed in the kernel: %s; remove it, or xdp-offload",
			 options[i].option, options[i].why);
		return false;
	}
	return true;
}

static void log_version(const struct settings *settings)
{
	const char *more = "";

	if (!offload_is_built())
		more = ", which this build leaves out (configure --without-xdp)";
	else if (!settings->enabled)
		more = ", which is off: set xdp-offload to use it";
	log_line(LOG_LEVEL_INFO, "this is coturn %s with kernel offload %s%s", version_coturn, version_offload, more);
}

void __wrap_setup_server(void)
{
	const struct options *given = options_given();
	struct settings settings;
	int error = -EINVAL;

	log_to(log_to_coturn);
	option_resolve(given, &settings);
	log_version(&settings);
	databases_log_missing();
	settings.debug = turn_params.verbose == TURN_VERBOSE_EXTRA;
	options_log_without_effect();
	if (given->error[0])
		log_line(LOG_LEVEL_ERROR, "%s", given->error);
	else if (settings.enabled && options_leave_channels())
		error = start_for_addresses(&settings);

	share_start(settings.channels);
	running = !error;
	if (settings.required && !settings.enabled && !given->error[0])
		log_line(LOG_LEVEL_ERROR, "xdp-required is set, but xdp-offload is not: set xdp-offload too");
	if (error && settings.required) {
		log_line(LOG_LEVEL_ERROR,
			 "the offload cannot start, and xdp-required is set: the server does not start; correct "
			 "what the lines above say, or remove xdp-required");
		exit(EXIT_FAILURE);
	}
	if (error && (settings.enabled || given->error[0]))
		log_line(LOG_LEVEL_ERROR,
			 "the offload is off: everything is relayed in userspace; correct what the lines above say, and "
			 "restart the server");
	/* coturn makes its threads next, which need none of what the offload took to start. */
	capability_give_up();
	__real_setup_server();
}

/* coturn calls this after it has taken on the user of its option proc-user. */
void __wrap_run_listener_server(struct listener_server *ls)
{
	if (running)
		offload_privileges_dropped();
	__real_run_listener_server(ls);
}
