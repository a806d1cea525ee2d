import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../input/index.ts';
import { answerOnModel } from '../model/model-answers.ts';
import { decodeSession } from './decode-session.ts';
import { readSessions } from './read-sessions.ts';
import { sessionToJson } from './session-json.ts';

const map = { call: 'map', iova: '0x1000', size: '0x1000', vaddr: 'ram+0x2000', flags: 3 };
const problemsOf = (value: unknown): string[] => {
  try {
    decodeSession(value);
    return [];
  } catch (error) {
    return (error as InvalidInput).problems.map(({ path, message }) => `${path}: ${message}`);
  }
};

describe('decodeSession', () => {
  it('fills in an x86_64 host with Linux 6.12 if a session has only container and calls', () => {
    const session = decodeSession({ container: 'type1v2', calls: [map] });
    expect(session).toMatchObject({
      ...{ kernel: '6.12', arch: 'x86_64', pageSize: 0x1000n, iommu: 'intel-aw48' },
      info: {
        pageSizes: 0x40201000n,
        dmaEntryLimit: 65535,
        iovaRanges: [
          [0n, 0xfedfffffn],
          [0xfef00000n, 0xffffffffffffn],
        ],
      },
      steps: [{ call: { call: 'map', vaddr: { area: 'ram', offset: 0x2000n } }, recorded: undefined }],
    });
  });

  it('reads back a session that sessionToJson wrote', () => {
    const session = decodeSession({
      ...{ id: 7, seed: 's/7', container: 'region', kernel: '6.12.1', iommu: 'intel-aw39' },
      info: {
        device: {
          bdf: '0000:00:05.0',
          bars: [
            {
              index: 0,
              size: '0x800',
              type: 'mem64',
              start: '0xfe000800',
              othersInPage: [['0xfe000000', '0xfe0007ff', 'x']],
            },
          ],
          msix: { vectors: 4, table: { bir: 0, offset: '0x100' }, pba: { bir: 0, offset: '0x200' } },
        },
      },
      calls: [{ call: 'region-info', index: 0, argsz: 256 }],
    });
    const answers = answerOnModel(session);
    const written = sessionToJson(session, answers);
    const again = decodeSession(JSON.parse(JSON.stringify(written)));
    expect(again).toEqual({ ...session, steps: [{ ...session.steps[0], recorded: answers[0] }] });
  });

  it('names every problem with its path', () => {
    expect(
      problemsOf({
        container: 'kvm',
        pageSize: '0x3000',
        calls: [map, { call: 'memslot', slot: -1, uaddr: 'rom+0x0' }],
        x: 1,
      }),
    ).toEqual([
      'x: unknown key; allowed are id, seed, kernel, arch, pageSize, iommu, container, info, calls, console',
      'pageSize: expected 0x1000, 0x4000 or 0x10000',
      'calls[0].call: expected one of memslot, decode, found "map"',
      expect.stringContaining('calls[0].iova: unknown key'),
      expect.stringContaining('calls[0].vaddr: unknown key'),
      expect.stringContaining('calls[0].slot'),
      expect.stringContaining('calls[0].gpa'),
      expect.stringContaining('calls[0].uaddr'),
      expect.stringContaining('calls[1].slot: expected an integer from 0 to 4294967295, found -1'),
      expect.stringContaining('calls[1].flags'),
      expect.stringContaining('calls[1].gpa'),
      expect.stringContaining('calls[1].size'),
      expect.stringContaining('calls[1].uaddr: expected a place such as "ram+0x1000"'),
    ]);
  });

  it.each(['4.4', '3.10', '4.7.10'])(
    'refuses kernel %s, whose rules the host model does not have',
    (kernel) => {
      expect(() => decodeSession({ container: 'type1v2', kernel, calls: [] })).toThrow(
        `kernel: expected 4.8 or a later version, found "${kernel}"`,
      );
    },
  );

  it('demands page sizes and IOVA ranges for an unknown IOMMU', () => {
    expect(problemsOf({ container: 'type1v2', iommu: 'mine', calls: [] })).toEqual([
      expect.stringContaining('info.pageSizes'),
      'info.pageSizes: expected at least one page size',
      expect.stringContaining('info.iovaRanges'),
    ]);
  });
});

describe('readSessions', () => {
  const text = JSON.stringify({ container: 'type1v2', calls: [map] });

  it('reads one session a line and names the line that it cannot read', () => {
    const sessions = readSessions(`${text}\n\n{"container":1}\n${text}\n`);
    expect(sessions.map(({ line }) => line)).toEqual([1, 3, 4]);
    expect(sessions.map(({ session }) => session instanceof InvalidInput)).toEqual([false, true, false]);
  });

  it('reads a single session that is spread over several lines', () => {
    const spread = JSON.stringify(JSON.parse(text), undefined, 2);
    expect(readSessions(spread)).toHaveLength(1);
    expect(readSessions(spread)[0]!.session).not.toBeInstanceOf(InvalidInput);
    const lines = text.replace('[{', '[\n{').replace('}]', '}\n]');
    expect(readSessions(lines)).toHaveLength(1);
  });
});
