/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tool says of itself. */
#ifndef OFFLOAD_XDP_UTILS_HELP_H
#define OFFLOAD_XDP_UTILS_HELP_H

#include <stdio.h>

/** Writes the commands and options. */
void help_write(FILE *out);

/** Writes one line: the project's version, the ABI_VERSION that the tool reads, coturn's release. */
void help_write_version(FILE *out);

#endif
