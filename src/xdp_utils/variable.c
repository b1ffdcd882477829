/* SPDX-License-Identifier: BSD-3-Clause */
#include "variable.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map.h"

/* Where the compiler has put a variable is in the BTF of the map. */
static int find_variable(const struct btf *btf, const char *section, const char *name, uint32_t *offset,
			 uint32_t *size)
{
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)id);
	const struct btf_var_secinfo *variable;

	if (!type)
		return -ENOENT;
	variable = btf_var_secinfos(type);
	for (unsigned int i = 0; i < btf_vlen(type); i++, variable++) {
		const struct btf_type *one = btf__type_by_id(btf, variable->type);

		if (one && !strcmp(btf__name_by_offset(btf, one->name_off), name)) {
			*offset = variable->offset;
			*size = variable->size;
			return 0;
		}
	}
	return -ENOENT;
}

int variable_locate(const struct bpf_map_info *info, const char *section, const char *name, size_t size,
		    uint32_t *offset)
{
	struct btf *btf = btf__load_from_kernel_by_id(info->btf_id);
	uint32_t found = 0, at = 0;
	int error = btf ? find_variable(btf, section, name, &at, &found) : -errno;

	btf__free(btf);
	if (error)
		return error;
	if (found != size || at + found > info->value_size)
		return -ENOENT;
	*offset = at;
	return 0;
}

int variable_read(uint32_t map, const char *section, const char *name, void *value, size_t size)
{
	struct bpf_map_info info;
	uint32_t offset;
	int fd = map_open(map, BPF_F_RDONLY), error;
	char *all = NULL;

	if (fd < 0)
		return fd;
	error = map_info_of(fd, &info);
	if (!error)
		error = variable_locate(&info, section, name, size, &offset);
	if (!error) {
		all = malloc(info.value_size);
		error = all ? 0 : -ENOMEM;
	}
	if (!error)
		error = map_read_first(fd, all);
	if (!error)
		memcpy(value, all + offset, size);
	free(all);
	close(fd);
	return error;
}
