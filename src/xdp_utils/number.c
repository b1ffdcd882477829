/* SPDX-License-Identifier: BSD-3-Clause */
#include "number.h"

#include <errno.h>
#include <stdlib.h>

int number_parse(const char *text, int base, unsigned long least, unsigned long most, unsigned long *number)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || *end || value < least || value > most)
		return -EINVAL;
	*number = value;
	return 0;
}
