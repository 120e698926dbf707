// SPDX-License-Identifier: GPL-2.0
#include "vpu2.h"

bool vpu2_mpeg2_run(struct vpu2_run *run)
{
	vpu2_complain(run, "MPEG-2 is not modelled");
	return false;
}
