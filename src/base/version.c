/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/version.h"

const char version_offload[] = OFFLOAD_VERSION;
const char version_coturn[] = COTURN_VERSION;
