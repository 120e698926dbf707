#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh OBJECTS KERNEL: the fence cases in one boot, then what the kernel has to say.
# The faults that the suite injects hit each unit's first jobs: those cases run first.
obj=$1 kernel=$2
cases=$obj/tests/kernel/kernel-fences
trace=/sys/kernel/debug/tracing
ok() { echo "ok $kernel: $1"; }
not_ok() { echo "not ok $kernel: $1: $2"; }
messages() { dmesg | sed 's/^\[[^]]*\] //'; }

if [ "$kernel" = debug ]; then
	echo clear >/sys/kernel/debug/kmemleak
	# all complaints about DMA, not just the first
	echo 1 >/sys/kernel/debug/dma-api/all_errors
	echo 0 >/sys/kernel/debug/failslab/verbose
	echo 16384 >$trace/buffer_size_kb
	for event in init signaled; do echo 1 >$trace/events/dma_fence/dma_fence_$event/enable; done
fi

"$cases" --kernel "$kernel" 'driver-*-error' 'driver-*-lost' 'driver-*-lost-*'
"$cases" --kernel "$kernel" '[!dlu]*' 'life-*' 'display-*' 'driver-*-job' 'driver-*-imported' \
	'driver-*-two-contexts' 'driver-*-reader' 'driver-*-flip' 'driver-*-stop-*' 'driver-chain-*' 'driver-suspend-*'
# on stock it hangs: kernel-hang.sh
[ "$kernel" = stock ] || "$cases" --kernel "$kernel" driver-rga-suspend
"$cases" --kernel "$kernel" 'lost-*' '*unb*'

# all processes are gone, and with them every buffer
left=$(sed -n '$s/^Total \([0-9]*\) objects.*/\1/p' /sys/kernel/debug/dma_buf/bufinfo)
[ "$left" = 0 ] && ok "no dma-buf is left" || not_ok "no dma-buf is left" "${left:-no} objects in bufinfo"

# WARN, BUG, lockdep, a sleep where none may be, DMA debugging, a hung task: all say one of these
bad=$(messages | grep -E 'WARNING:|BUG:|INFO: task|possible .*deadlock|DMA-API: .*(error|device driver)|Call Trace|unbalanced' |
	head -n 3 | tr '\n' ' ')
if [ -z "$bad" ]; then
	ok "no complaint in the kernel's log"
else
	messages | grep -vE '^(vrk|random)' | tail -n 200 >&2
	not_ok "no complaint in the kernel's log" "$bad"
fi
[ "$kernel" = debug ] || exit 0

grep -q 'debug_locks: *1' /proc/lockdep_stats && ok "lockdep has found nothing" ||
	not_ok "lockdep has found nothing" "it reported, and is off"

# each of videobuf2's fences, by the drivers' names: initialised once, signalled once
for event in init signaled; do echo 0 >$trace/events/dma_fence/dma_fence_$event/enable; done
ours='videobuf2|rkvdec|hantro-vpu|rockchip-rga'
sed -nE "s/.* dma_fence_(init|signaled): driver=($ours) .*(context=[0-9]+ seqno=[0-9]+).*/\1 \3/p" $trace/trace >/tmp/fences-$$
lost=$(sed -n 's/^overrun: *//p' $trace/per_cpu/cpu0/stats)
awk -v lost="$lost" '
	{ n[$1]++; count[$1, $2 " " $3]++; all[$2 " " $3] }
	END {
		for (f in all) {
			if (count["init", f] != 1) odd = odd " " f " initialised " count["init", f] + 0 " times;"
			if (count["signaled", f] != 1) odd = odd " " f " signalled " count["signaled", f] + 0 " times;"
		}
		if (lost + 0) odd = odd " the trace lost " lost " events"
		if (!n["init"]) odd = " no fence was seen"
		if (odd) print "not ok debug: every fence is signalled exactly once:" substr(odd, 1, 300)
		else { print "# debug: " n["init"] " fences"; print "ok debug: every fence is signalled exactly once" }
	}' /tmp/fences-$$
rm -f /tmp/fences-$$

# what is younger than 5 s is no leak yet
echo scan >/sys/kernel/debug/kmemleak
sleep 6
echo scan >/sys/kernel/debug/kmemleak
cat /sys/kernel/debug/kmemleak >/tmp/leaks-$$
leaks=$(grep -c '^unreferenced' /tmp/leaks-$$)
cat /tmp/leaks-$$ >&2
[ "$leaks" = 0 ] && ok "kmemleak has found nothing" || not_ok "kmemleak has found nothing" "$leaks objects"
rm -f /tmp/leaks-$$
