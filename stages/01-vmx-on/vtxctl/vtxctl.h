/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the launcher know of each other. */
#ifndef VTXCTL_H
#define VTXCTL_H

#include "vtx.h"

/* Exit statuses that are our own; see --help. */
enum vtxctl_status {
	STATUS_OK = 0,
	STATUS_USAGE = 2,
	STATUS_NO_VTX = 126,
};

/* caps.c: the capability report, in words, on stdout. */
void caps_report(const struct vtx_caps *caps);

#endif /* VTXCTL_H */
