/* SPDX-License-Identifier: BSD-3-Clause */
/* Which release this is, of this project and of coturn. The Makefile hands both to version.c. */
#ifndef OFFLOAD_BASE_VERSION_H
#define OFFLOAD_BASE_VERSION_H

/** The version of this project, as the file VERSION has it: "0.9.0". */
extern const char version_offload[];

/** The release of coturn that this was built with: "4.6.1", and a note if upstream.ini does not pin its sources. */
extern const char version_coturn[];

#endif
