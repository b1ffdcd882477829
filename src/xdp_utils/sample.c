/* SPDX-License-Identifier: BSD-3-Clause */
#include "sample.h"

#include <errno.h>
#include <math.h>
#include <time.h>

#include "choose.h"

static void pause_for(double seconds)
{
	struct timespec rest = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - floor(seconds)) * 1e9),
	};

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
}

int sample_take(const struct arguments *arguments, struct snapshot *snapshot)
{
	struct snapshot before;
	struct server server;
	int status = choose_server(arguments->pid, &server);

	if (status || arguments->interval <= 0)
		return status ? status : choose_snapshot(&server, snapshot);
	status = choose_snapshot(&server, &before);
	if (status)
		return status;
	pause_for(arguments->interval);
	status = choose_snapshot(&server, snapshot);
	if (!status)
		snapshot_compare(&before, snapshot);
	snapshot_free(&before);
	return status;
}

void sample_arrange(const struct arguments *arguments, struct snapshot *snapshot)
{
	filter_channels(&snapshot->channels, &arguments->filter);
	sort_channels(&snapshot->channels, arguments->sort, arguments->reverse);
}
