#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# program.sh TOP BUILD OBJECTS NAME: one gst-check program in the guest.
TOP=$1 BUILD=$2 obj=$3
. "$TOP/tests/suites/lib.sh"
export TEMP=/tmp
gst_check "$obj/tests/check/guest_$4"
