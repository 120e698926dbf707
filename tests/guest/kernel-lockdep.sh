#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel-lockdep.sh OBJECTS: vim2m allocates memory between fence and start of the job; lockdep must see it.
knob=/sys/module/vim2m/parameters/alloc_after_fence
name="debug: lockdep finds an allocation after the fence"
if [ ! -w $knob ]; then
	echo "not ok $name: vim2m has no parameter alloc_after_fence"
	exit
fi
"$1/tests/kernel/kernel-fences" --kernel debug life-running >&2
grep -q 'debug_locks: *1' /proc/lockdep_stats || echo "not ok $name: lockdep was off before"
echo 1 >$knob
"$1/tests/kernel/kernel-fences" --kernel debug life-running >&2
if dmesg | grep -q 'possible circular locking\|dma_fence_map' && grep -q 'debug_locks: *0' /proc/lockdep_stats; then
	echo "ok $name"
else
	echo "not ok $name: it is silent"
fi
