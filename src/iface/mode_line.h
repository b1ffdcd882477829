/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log and the status say of an interface: its mode, and why it is not the better one. One thread. */
#ifndef OFFLOAD_IFACE_MODE_LINE_H
#define OFFLOAD_IFACE_MODE_LINE_H

#include "iface/attachment.h"
#include "iface/mode.h"

/** Writes a line or a clause of MODE_LINE bytes. */
void mode_line_write(char *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The word for a mode; ATTACHMENT_NONE stands for any. */
const char *mode_line_state(enum attachment_state state);

/** Makes interface->line say how the program is carried for it, with the state and the MTU that it has now. */
void mode_line_carried(const struct mode_plan *plan, struct interface *interface, const struct links *links,
		       const struct link *link);

/** Makes interface->line say that it does not carry the program: interface->why, and why it is not generic either. */
void mode_line_left_out(const struct mode_plan *plan, struct interface *interface, const char *why_not_generic);

#endif
