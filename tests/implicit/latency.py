#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Throughput and latency of a chain decoder -> converter, from the silicon's job log.

    latency.py JOBS.csv [--order FILE] [--reorder N] [--skip N] [--streams N]

The log has lines unit,context,job,start_ns,end_ns,status. A context of rkvdec is a stream. Its n-th
output frame is made by the n-th conversion of the RGA context that belongs to it; without --order
that is the n-th decode job's.

A frame's latency counts from the start of the decode job that lets it out to the end of its
conversion. Without reordering that is its own decode job. With --order (one presentation time a
line, in decode order) and --reorder N (num_reorder_frames) a frame may leave when more than N
frames wait to be output: so the job is that of the frame whose arrival makes it so. The last N
frames, which the end of the stream lets out, have no such job and no latency.

Throughput is that of the conversions, from the end of the first to the end of the last one.
--skip N leaves the first N frames out of both: pipelines start.
"""
import argparse
import csv
import sys


def read_jobs(lines):
    """The log's good jobs: {(unit, context): [(start, end), ...]}, in order."""
    jobs = {}
    for row in csv.DictReader(lines):
        if row['status'] != 'ok':
            raise ValueError('job %(job)s of %(unit)s ended with "%(status)s"' % row)
        key = row['unit'], int(row['context'])
        jobs.setdefault(key, []).append((int(row['start_ns']), int(row['end_ns'])))
    return jobs


def triggers(times, reorder):
    """For each output frame: the number of the decode job whose picture lets it out, or None for
    those that the end of the stream lets out, all at once."""
    waiting, result = [], []
    for n, time in enumerate(times):
        waiting.append(time)
        while len(waiting) > reorder:
            waiting.remove(min(waiting))
            result.append(n)
    return result + [None] * len(waiting)


def pair_contexts(jobs):
    """[(decode jobs, conversions)], a pair for each stream.

    Which RGA context belongs to which stream is not in the log: the stream that began first has
    the context that began first. Contexts that staged frames (rgaconvert moves each picture into a
    smaller buffer first) do not count as conversions: of two that alternate, the later is meant.
    """
    decode = [jobs[k] for k in sorted(jobs, key=lambda k: jobs[k][0]) if k[0] == 'rkvdec']
    convert = [jobs[k] for k in sorted(jobs, key=lambda k: jobs[k][0]) if k[0] == 'rga']
    if len(convert) == 2 * len(decode):
        convert = convert[1::2]
    if len(convert) != len(decode):
        raise ValueError('%d streams, but %d contexts convert' % (len(decode), len(convert)))
    return list(zip(decode, convert))


def measure(jobs, order=None, reorder=0, skip=0):
    """(frames, frames a second, [latency in ns of each frame])"""
    latencies, ends = [], []
    for decode, convert in pair_contexts(jobs):
        if len(decode) != len(convert):
            raise ValueError('%d decoded, %d converted' % (len(decode), len(convert)))
        if order and len(order) != len(decode):
            raise ValueError('%d frames in the order, %d decoded' % (len(order), len(decode)))
        who = triggers(order, reorder) if order else range(len(decode))
        pairs = list(zip(who, convert))[skip:]
        latencies += [c[1] - decode[n][0] for n, c in pairs if n is not None]
        ends += [c[1] for c in convert][skip:]
    ends.sort()
    rate = (len(ends) - 1) * 1e9 / (ends[-1] - ends[0])
    return len(ends), rate, latencies


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('jobs')
    parser.add_argument('--order')
    parser.add_argument('--reorder', type=int, default=0)
    parser.add_argument('--skip', type=int, default=0)
    parser.add_argument('--min-rate', type=float, help='frames a second, or status 1')
    parser.add_argument('--max-latency', type=float, help='ms, or status 1')
    args = parser.parse_args()
    order = [int(line) for line in open(args.order) if line.strip()] if args.order else None
    try:
        with open(args.jobs, newline='') as log:
            frames, rate, latencies = measure(read_jobs(log), order, args.reorder, args.skip)
    except (ValueError, ZeroDivisionError, IndexError) as error:
        print(error)
        return 2
    latencies.sort()
    print('%.1f frames/s, %.2f ms at most, %.2f ms median, %d frames' %
          (rate, latencies[-1] / 1e6, latencies[len(latencies) // 2] / 1e6, frames))
    late = args.max_latency is not None and latencies[-1] > args.max_latency * 1e6
    slow = args.min_rate is not None and rate < args.min_rate
    return 1 if late or slow else 0


if __name__ == '__main__':
    sys.exit(main())
