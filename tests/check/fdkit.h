/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts this process's descriptors: what tests of leaks compare. */
#ifndef FD_KIT_H
#define FD_KIT_H

#include <glib.h>

guint count_fds (void);

#endif
