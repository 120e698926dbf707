#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel-hang.sh OBJECTS: the stock driver of RGA, suspended under a job, never lets go of the process.
name="stock: driver-rga-suspend hangs in close, without the series"
said=$("$1/tests/kernel/kernel-fences" --kernel stock driver-rga-suspend)
case $said in
*"not ok stock: driver-rga-suspend: its process cannot be killed"*) echo "ok $name" ;;
*) echo "not ok $name: $said" ;;
esac
