/* SPDX-License-Identifier: BSD-3-Clause */
/* What a check has found, as people read it. Pure. */
#ifndef OFFLOAD_XDP_UTILS_CHECK_TEXT_H
#define OFFLOAD_XDP_UTILS_CHECK_TEXT_H

#include <stdio.h>

#include "check_report.h"

/** Writes the rows as a table that is `columns` wide (60 at least), and a line with their number. */
void check_text_write(FILE *out, const char *heading, const struct check_report *report, unsigned int columns);

#endif
