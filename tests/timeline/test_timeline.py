#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/dmaresv-timeline on recorded logs, and on logs that are damaged."""
import importlib.machinery
import importlib.util
import io
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, '..', '..', 'tools', 'dmaresv-timeline')

sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader('dmaresv_timeline', TOOL)
tl = importlib.util.module_from_spec(importlib.util.spec_from_loader('dmaresv_timeline', loader))
sys.modules['dmaresv_timeline'] = tl
loader.exec_module(tl)


def recorded(name):
    with open(os.path.join(HERE, name), encoding='utf-8') as log:
        return log.read().splitlines(keepends=True)


def recorded_file(name):
    with open(os.path.join(HERE, name), 'rb') as trace:
        return trace.read()


def record(event, ts, **fields):
    text = f'dmaresv, event=(string){event}, ts=(guint64){ts}'
    for key, value in fields.items():
        kind = 'guint64' if isinstance(value, int) else 'string'
        text += f', {key}=({kind}){value}'
    return text + ';\n'


def model(*lines):
    return tl.Model(tl.parse(lines).events)


def run(*args, stdin=''):
    return subprocess.run([sys.executable, TOOL, *args], input=stdin, capture_output=True, text=True, timeout=120)


# one frame: decoded for 6 ms, handed over early, converted for 3 ms, both buffers given back
FRAME = (
    record('reused', 0, inode=1),
    record('job-queued', 10, id=1, unit='rkvdec', inode=1, key=1000, frame=0),
    record('hand-over', 1_000_000, inode=1, state='early', frame=0),
    record('wait-begin', 1_000_000, id=2, cause='acquire', inode=1, driver='rkvdec', timeline='0'),
    record('wait-end', 6_100_000, id=2, cause='acquire', state='signalled', inode=1, waited=5_100_000),
    record('job-done', 6_000_010, id=1, unit='rkvdec', inode=1, error=0),
    record('job-queued', 6_200_000, id=3, unit='rockchip-rga', inode=7, reads='1', key=1000),
    record('job-done', 9_200_000, id=3, unit='rockchip-rga', inode=7, error=0),
    record('release', 9_300_000, inode=1),
    record('reuse-delayed', 9_300_000, inode=1, cause='fence'),
    record('reuse-ready', 12_300_000, inode=1, waited=3_000_000),
    record('reused', 13_000_000, inode=1),
)


class Parsing(unittest.TestCase):
    def test_both_logs_of_a_run_say_the_same(self):
        records, debug = tl.parse(recorded('records.log')), tl.parse(recorded('debug.log'))
        self.assertEqual(len(records.events), 330)
        self.assertEqual(len(debug.events), 330)
        self.assertEqual((records.broken, records.unknown, debug.broken, debug.unknown), (0, 0, 0, 0))

        def times(trace):
            return {e['ts'] for e in trace.events}
        # the file is taken at the same moments; its order may differ between threads
        self.assertGreater(len(times(records) & times(debug)), 300)

    def test_the_file_says_what_the_log_says(self):
        data = recorded_file('run.trace')
        trace = tl.parse_file(data)
        self.assertEqual((len(trace.events), trace.broken, trace.unknown), (330, 0, 0))
        log = {(e['ts'], e['event']): e for e in tl.parse(recorded('records.log')).events}
        same = 0
        for event in trace.events:
            other = log.get((event['ts'], event['event']))
            if other is None:
                continue
            same += 1
            for key, value in other.items():
                if key not in ('fd', 'access', 'sync'):
                    self.assertEqual(event[key], value, (key, event))
        # two threads may write their last ones in another order
        self.assertGreater(same, 300)

    def test_damaged_files(self):
        data, rng = recorded_file('run.trace'), random.Random(2)
        whole = len(tl.parse_file(data).events)
        for length in rng.sample(range(16, len(data)), 60):
            trace = tl.parse_file(data[:length])
            self.assertLess(len(trace.events), whole)
        for _ in range(200):
            damaged = bytearray(data)
            for _ in range(rng.randint(1, 40)):
                damaged[rng.randrange(16, len(damaged))] = rng.randrange(256)
            trace = tl.parse_file(bytes(damaged))
            if trace.events:
                tl.summary(tl.Model(trace.events))

    def test_file_of_the_other_byte_order(self):
        data = struct.pack('>8sII', b'DMARESV', 2, 0x01020304)
        data += struct.pack('>H2BI', 16, 255, 2, 0) + b'unit\0\0\0\0'
        data += struct.pack('>H6B2i5Q', 64, 4, 0, 0, 0, 2, 1, 9, -1, 5, 6, 7, 8, 9) + struct.pack('>Q', 3)
        self.assertEqual([(e['event'], e['unit'], e['reads'], e['key'], e['frame']) for e in tl.parse_file(data).events],
                         [('job-queued', 'unit', [3], 8, 9)])

    def test_file_of_another_version(self):
        for header in (struct.pack('<8sII', b'DMARESV', 3, 0x01020304), struct.pack('<8sII', b'DMARESV', 2, 5)):
            result = subprocess.run([sys.executable, TOOL, '-'], input=header, capture_output=True, timeout=60)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(b'version', result.stderr)

    def test_the_end_of_a_file_whose_process_was_killed(self):
        data = recorded_file('run.trace')
        trace = tl.parse_file(data[:-3])
        self.assertEqual((len(trace.events), trace.broken), (329, 1))

    def test_events_that_the_file_misses(self):
        data = recorded_file('run.trace') + struct.pack('<H2BI', 8, 254, 0, 77)
        self.assertEqual((len(tl.parse_file(data).events), tl.parse_file(data).lost), (330, 77))
        result = subprocess.run([sys.executable, TOOL, '-'], input=data, capture_output=True, timeout=60)
        self.assertIn(b'77 events are missing', result.stdout)

    def test_a_unit_without_a_name(self):
        data = struct.pack('<8sII', b'DMARESV', 2, 0x01020304) + struct.pack('<H6B2i5Q', 56, 4, 0, 0, 0, 2, 0, 9, -1, 5, 6, 7, 8, 9)
        self.assertEqual((tl.parse_file(data).events, tl.parse_file(data).broken), ([], 1))

    def test_records_count_where_both_are_in_one_log(self):
        self.assertEqual(len(tl.parse(recorded('debug.log') + recorded('records.log')).events), 330)

    def test_records_within_the_debug_log(self):
        prefix = '0:00:00.1 1 0x1 TRACE GST_TRACER gstdmaresvtracer.c:1:dmaresv: '
        self.assertEqual(len(tl.parse([prefix + line for line in FRAME]).events), len(FRAME))

    def test_colours(self):
        line = '0:00:00.1 \x1b[331m 1\x1b[00m DEBUG \x1b[00;04m dmaresvfence f.c:1:x:\x1b[00m reused, ts=5, inode=1\n'
        self.assertEqual([e['inode'] for e in tl.parse([line]).events], [1])

    def test_truncated_lines(self):
        for text in FRAME:
            for length in range(len(text)):
                trace = tl.parse([text[:length] + '\n'])
                if length < len(text) - 1:
                    self.assertEqual(trace.events, [], text[:length])
        self.assertEqual(tl.parse([FRAME[0].rstrip('\n')]).events, [])

    def test_unknown_events_and_fields(self):
        trace = tl.parse([record('teleport', 5, inode=3), record('reused', 6, inode=1, colour='blue')])
        self.assertEqual((len(trace.events), trace.unknown), (1, 1))

    def test_impossible_values(self):
        bad = [record('reused', 'x', inode=1), record('reused', 5, inode='99999999999999999999999'),
               record('reused', '-5', inode=1), record('job-queued', 5, id=1, unit='u', inode=1, reads='1:x'),
               record('reused', '\u0665', inode=1)]
        trace = tl.parse(bad)
        self.assertEqual((trace.events, trace.broken), ([], len(bad)))

    def test_lines_of_others(self):
        trace = tl.parse(['hello\n', '', '\n', '0:0:0.1 1 2 INFO dmaresvfence x.c:1:f: waited 0:00:01 in vain for it\n',
                          'dmaresvfence' * 10000 + '\n'])
        self.assertEqual((trace.events, trace.broken), ([], 0))

    def test_noise(self):
        rng = random.Random(1)
        lines = recorded('records.log')
        for _ in range(300):
            line = list(rng.choice(lines))
            for _ in range(rng.randint(1, 12)):
                line[rng.randrange(len(line) - 1)] = chr(rng.choice([0, 9, 32, 34, 40, 44, 48, 58, 59, 60, 61, 255, 0x2028]))
            lines[rng.randrange(len(lines))] = ''.join(line)
        m = tl.Model(tl.parse(lines).events)
        tl.summary(m)
        d = tl.draw(m, [], m.begin, m.end + 1, 10, 40)
        ET.fromstring(tl.as_svg(d, 'x'))

    def test_jobs_of_the_silicon(self):
        rows = tl.parse_jobs(['unit,context,job,start_ns,end_ns,status\n', 'rga,1,1,20,30,ok\n', 'rga,1,2,5,9,ok\n',
                              'rga,1,3,40,0,lost\n', 'rga,x\n', 'rkvdec,1,1,a,b,ok\n', 'rkv\0dec,1,1,1,2,ok\n', '\n'])
        self.assertEqual(rows, {'rga': [(5, 9), (20, 30)], 'rkvdec': [(1, 2)]})


class Meaning(unittest.TestCase):
    def test_the_way_of_a_frame(self):
        m = model(*FRAME)
        decode, convert = m.jobs
        self.assertEqual((decode.first, convert.first, convert.frame, convert.serial), (True, False, 0, decode.serial))
        self.assertEqual(m.hand_overs, {'rkvdec': {'early': 1, 'finished': 0}})
        self.assertEqual(m.delays, {'fence': [3_000_000]})
        self.assertEqual([(w.cause, w.end - w.start, w.who) for w in m.waits], [('acquire', 5_100_000, 'rkvdec/0')])
        self.assertEqual(m.latencies(), [9_200_000 - 10])
        self.assertEqual((m.buffers[1].name, m.buffers[7].name), ('rkvdec 1', 'rockchip-rga 1'))
        self.assertEqual([j for j, ref in m.buffers[1].reads if not ref], [convert])

    def test_summary_of_a_frame(self):
        text = tl.summary_text(tl.summary(model(*FRAME)))
        self.assertRegex(text, r"acquire: a reader, for the writer's fence +1 +0 +5\.10 +5\.10")
        self.assertRegex(text, r'rkvdec +1 +0\n')
        self.assertRegex(text, r"by a reader's fence +1 +3\.00")
        self.assertRegex(text, r'rkvdec +1 +0 +6\.00')

    def test_a_buffer_is_another_frame_later(self):
        m = model(record('job-queued', 1, id=1, unit='rkvdec', inode=1, frame=0), record('job-done', 2, id=1),
                  record('job-queued', 3, id=2, unit='rkvdec', inode=1, frame=1, reads='1'), record('job-done', 4, id=2),
                  record('job-queued', 5, id=3, unit='rockchip-rga', inode=2, reads='1'))
        self.assertEqual([j.frame for j in m.jobs], [0, 1, 1])

    def test_two_decoders_number_alike(self):
        m = model(record('job-queued', 1, id=1, unit='rkvdec', inode=1, frame=0),
                  record('job-queued', 2, id=2, unit='hantro-vpu', inode=2, frame=0),
                  record('job-queued', 3, id=3, unit='rockchip-rga', inode=3, reads='2'))
        self.assertEqual([j.serial for j in m.jobs], [1, 2, 2])

    def test_one_job_at_a_time_runs_on_a_unit(self):
        m = model(record('job-queued', 0, id=1, unit='u', inode=1), record('job-queued', 1, id=2, unit='u', inode=2),
                  record('job-done', 10, id=1), record('job-done', 20, id=2))
        self.assertEqual([(j.start, j.end) for j in m.jobs], [(0, 10), (10, 20)])

    def test_what_is_not_over(self):
        m = model(record('wait-begin', 5, id=9, cause='acquire', inode=1), record('job-queued', 6, id=1, unit='u', inode=1),
                  record('reuse-delayed', 7, inode=3, cause='fence'), record('reused', 105, inode=4))
        self.assertEqual([(w.start, w.end, w.state) for w in m.waits], [(5, 105, 'not over')])
        self.assertEqual((m.jobs[0].done, m.jobs[0].end), (None, 105))
        self.assertEqual(m.delays, {'fence': [98]})

    def test_ends_without_a_beginning(self):
        m = model(record('job-done', 1, id=5, unit='u', inode=1), record('wait-end', 2, id=6, cause='map', waited=500),
                  record('reuse-ready', 3, inode=1, waited=10**19), record('release', 4, inode=9), record('hand-over', 5))
        self.assertEqual(len(m.jobs), 0)
        self.assertTrue(all(w.start >= 0 for w in m.waits))

    def test_failed_jobs_are_counted_and_told(self):
        m = model(record('job-queued', 1, id=1, unit='rkvdec', inode=1, frame=0), record('job-done', 9, id=1, error=1))
        self.assertTrue(m.jobs[0].error)
        self.assertIn('FAILED', tl.job_tip(m.jobs[0], 0))

    def test_real_times_from_the_silicon(self):
        m = tl.Model(tl.parse(recorded('records.log')).events)
        left = m.measure(tl.parse_jobs(recorded('jobs.csv')))
        measured = [j for j in m.jobs if j.measured]
        self.assertGreater(len(measured), 20)
        for job in measured:
            # as the recording's latencies were given: 6 and 3 ms
            self.assertEqual(job.end - job.start, 6_000_000 if job.first else 3_000_000)
            self.assertGreaterEqual(job.start, job.queued - tl.MS // 2)
            self.assertLessEqual(job.end, job.done or m.end)
        taken = [(j.unit, j.start) for j in measured]
        self.assertEqual(len(taken), len(set(taken)), 'a job of the silicon was taken twice')
        self.assertLess(len(left), 10)

    def test_jobs_of_others_are_left(self):
        m = model(*FRAME)
        left = m.measure({'rkvdec': [(100, 6_000_000), (7_000_000, 8_000_000)]})
        self.assertEqual(left, [('rkvdec', (7_000_000, 8_000_000))])

    def test_recorded_early_run(self):
        m = tl.Model(tl.parse_file(recorded_file('early.trace')).events)
        self.assertGreater(m.hand_overs['rkvdec']['early'], 2)
        self.assertTrue(any(kind == 'early' for b in m.buffers.values() for _, kind, _, _ in b.marks))


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ('src', 'href', 'xlink:href')]


class Drawing(unittest.TestCase):
    def draw(self, *args, stdin=''):
        with tempfile.TemporaryDirectory() as folder:
            page, picture = os.path.join(folder, 'a.html'), os.path.join(folder, 'a.svg')
            result = run(*args, '-o', page, '--svg', picture, stdin=stdin)
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(page, encoding='utf-8') as a, open(picture, encoding='utf-8') as b:
                return a.read(), b.read(), result.stdout

    def test_recorded_run(self):
        page, picture, text = self.draw(os.path.join(HERE, 'run.trace'), '--jobs', os.path.join(HERE, 'jobs.csv'))
        root = ET.fromstring(picture)
        bars = [r.get('class', '') for r in root.iter('{http://www.w3.org/2000/svg}rect')]
        for what in ('decode', 'convert', 'read', 'held', 'wait'):
            self.assertIn(what, bars)
        words = ''.join(root.itertext())
        for what in ('rkvdec', 'rockchip-rga', 'ms', 'decoding', 'handed over'):
            self.assertIn(what, words)
        parsed = Page(page)
        self.assertEqual(parsed.links, [], 'the page needs something else')
        self.assertNotRegex(page.replace('http://www.w3.org/2000/svg', ''), r'https?://')
        self.assertIn('table', parsed.tags)
        self.assertIn('rkvdec', text)

    def test_bars_stay_on_the_paper(self):
        _, picture, _ = self.draw(os.path.join(HERE, 'records.log'), '--from', '20', '--to', '50')
        root = ET.fromstring(picture)
        width = float(root.get('width'))
        for rect in root.iter('{http://www.w3.org/2000/svg}rect'):
            if rect.get('x') and rect.get('class') in ('decode', 'convert', 'read', 'held'):
                self.assertGreaterEqual(float(rect.get('x')), 0)
                self.assertLessEqual(float(rect.get('x')) + float(rect.get('width')), width)

    def test_a_long_bar_is_as_long_as_its_job(self):
        _, picture, _ = self.draw('-', '--scale', '10', stdin=''.join(FRAME))
        bars = [float(r.get('width')) for r in ET.fromstring(picture).iter('{http://www.w3.org/2000/svg}rect')
                if r.get('class') == 'decode' and r.get('data-f')]
        self.assertEqual(bars, [60.0, 60.0])

    def test_markup_in_names(self):
        evil = '<script>alert(1)</script>&"'
        lines = [record('job-queued', 1, id=1, unit=evil, inode=1, frame=0), record('job-done', 9_000_000, id=1),
                 record('wait-end', 9_000_000, cause=evil, inode=1, state=evil, driver=evil, waited=8_000_000)]
        page, picture, _ = self.draw('-', '--title', evil, stdin=''.join(lines))
        ET.fromstring(picture)
        self.assertEqual(Page(page).tags.count('script'), 1)
        self.assertNotIn('alert(1)</script', page)

    def test_no_events(self):
        for stdin in ('', 'nothing\n', '\0\xff\n'):
            result = run('-', stdin=stdin)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn('no events', result.stderr)
            self.assertNotIn('Traceback', result.stderr)

    def test_one_event(self):
        _, picture, _ = self.draw('-', stdin=FRAME[0])
        ET.fromstring(picture)

    def test_missing_file(self):
        for args in (['/nonexistent'], [os.path.join(HERE, 'records.log'), '--jobs', '/nonexistent'],
                     [os.path.join(HERE, 'records.log'), '-o', '/nonexistent/x.html']):
            result = run(*args)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn('/nonexistent', result.stderr)
            self.assertNotIn('Traceback', result.stderr)

    def test_bad_arguments(self):
        for args in (['--scale', '0'], ['--scale', 'nan'], ['--from', '5', '--to', '4'], ['--to', 'x']):
            result = run(os.path.join(HERE, 'records.log'), *args)
            self.assertNotEqual(result.returncode, 0, args)
            self.assertNotIn('Traceback', result.stderr)

    def test_hundred_thousand_events(self):
        def lines():
            for n in range(100_000 // len(FRAME)):
                for line in FRAME:
                    line = re.sub(r'ts=\(guint64\)(\d+)', lambda m: f'ts=(guint64){int(m[1]) + n * 13_000_000}', line)
                    yield re.sub(r'\bid=\(guint64\)(\d+)', lambda m: f'id=(guint64){int(m[1]) + n * 10}', line)
        begin = time.process_time()
        page, _, text = self.draw('-', stdin=''.join(lines()))
        self.assertLess(time.process_time() - begin, 30)
        self.assertLess(len(page), 8_000_000)
        self.assertRegex(text, r'rkvdec +8333 +0\n')
        self.assertIn('the tables count all', text)


if __name__ == '__main__':
    out = io.StringIO()
    tests = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=out, verbosity=2).run(tests)
    for line in out.getvalue().splitlines():
        done = re.match(r'(test_\w+) \(.*\) \.\.\. (ok|FAIL|ERROR)$', line)
        if done:
            name = 'timeline: ' + done[1][5:].replace('_', ' ')
            print(f'ok {name}' if done[2] == 'ok' else f'not ok {name}: {done[2]}')
    sys.stderr.write(out.getvalue())
    sys.exit(not result.wasSuccessful())
