#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""latency.py on logs that are written here."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import latency  # noqa: E402

HEAD = ['unit,context,job,start_ns,end_ns,status']
MS = 1000000


def log(*jobs):
    return HEAD + ['%s,%d,%d,%d,%d,%s' % (unit, context, n, start * MS, end * MS, 'ok')
                   for n, (unit, context, start, end) in enumerate(jobs, 1)]


class Latency(unittest.TestCase):
    def test_pipelined(self):
        jobs = [('rkvdec', 1, 6 * n, 6 * n + 6) for n in range(10)]
        jobs += [('rga', 1, 6 * n + 6, 6 * n + 12) for n in range(10)]
        frames, rate, took = latency.measure(latency.read_jobs(log(*jobs)))
        self.assertEqual(frames, 10)
        self.assertAlmostEqual(rate, 1000 / 6)
        self.assertEqual(set(took), {12 * MS})

    def test_one_late_frame(self):
        jobs = [('rkvdec', 1, 0, 6), ('rkvdec', 1, 6, 12), ('rga', 1, 6, 12), ('rga', 1, 20, 26)]
        _, _, took = latency.measure(latency.read_jobs(log(*jobs)))
        self.assertEqual(took, [12 * MS, 20 * MS])

    def test_reordering(self):
        # I P B B P, one frame may wait: the I leaves when the P is there
        self.assertEqual(latency.triggers([0, 3, 1, 2, 4], 1), [1, 2, 3, 4, None])
        self.assertEqual(latency.triggers([0, 1, 2], 0), [0, 1, 2])

    def test_two_streams_and_staging(self):
        jobs = [('rkvdec', 1, 0, 6), ('rkvdec', 2, 6, 12), ('rga', 1, 6, 8), ('rga', 2, 8, 10),
                ('rga', 3, 12, 14), ('rga', 4, 14, 20)]
        _, _, took = latency.measure(latency.read_jobs(log(*jobs)))
        self.assertEqual(took, [10 * MS, 14 * MS])

    def test_what_does_not_fit(self):
        jobs = log(('rkvdec', 1, 0, 6), ('rkvdec', 1, 6, 12), ('rga', 1, 6, 12))
        self.assertRaises(ValueError, latency.measure, latency.read_jobs(jobs))
        bad = HEAD + ['rkvdec,1,1,0,6,error']
        self.assertRaises(ValueError, latency.read_jobs, bad)


if __name__ == '__main__':
    unittest.main()
