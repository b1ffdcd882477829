/* SPDX-License-Identifier: BSD-3-Clause */
/* Variables of the XDP program. All variables of a section are the one value of a map. */
#ifndef OFFLOAD_XDP_UTILS_VARIABLE_H
#define OFFLOAD_XDP_UTILS_VARIABLE_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>

/**
 * Finds the offset of a variable in the map's value. 0; -ENOENT if the section has no
 * variable of that name and size; or another -errno.
 */
int variable_locate(const struct bpf_map_info *info, const char *section, const char *name, size_t size,
		    uint32_t *offset);

/** Copies a variable out of the map with an id. 0, or -errno as above. */
int variable_read(uint32_t map, const char *section, const char *name, void *value, size_t size);

#endif
