import { describe, expect, it } from 'vitest';
import { hostSessions } from '../../../generators/index.ts';
import { InvalidInput } from '../../input/index.ts';
import { TargetUnavailable } from '../../trace/index.ts';
import type { AnsweredSession, HostTarget } from '../host-target.ts';
import { decodeSession } from '../session/decode-session.ts';
import { isAnswered } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';
import { compareWithModel, type HostCampaignEvent, type HostCampaignOptions } from './host-campaign.ts';
import { FakeKernel } from './testing/fake-kernel.ts';

const sessions = hostSessions({
  ...{ kernel: '6.12', arch: 'x86_64', pageSize: 0x1000n, iommu: 'intel-aw48' },
}).map(decodeSession);

const campaign = (kernel: HostTarget, more: Partial<HostCampaignOptions> = {}) =>
  compareWithModel({ kernel, sessions, seed: 1, runs: 60, ...more });

/** A kernel that takes an overlap for an invalid argument. */
const wrongOverlap = (): FakeKernel =>
  new FakeKernel((answer, { call }) =>
    call === 'map' && isAnswered(answer) && answer.errno === 17 ? { ...answer, errno: 22 } : answer,
  );

/** Answers like the model, but does something else in certain sessions. */
const kernelThat = (
  answer: (session: HostSession, like: AnsweredSession) => AnsweredSession,
): HostTarget => ({
  name: 'the fake kernel',
  answer: async (session) => answer(session, await new FakeKernel().answer(session)),
  close: () => Promise.resolve(),
});

const hasCall = ({ steps }: HostSession, name: string): boolean =>
  steps.some(({ call }) => call.call === name);

/** A kernel that stops at the first call `info` of a session. */
const stopsAtInfo = kernelThat((session, like) => {
  const stoppedAt = session.steps.findIndex(({ call }) => call.call === 'info');
  if (stoppedAt < 0) return like;
  const answers = like.answers.map((answer, index) =>
    index < stoppedAt ? answer : { unanswered: 'the kernel stopped: Kernel panic - not syncing' },
  );
  return { session, answers, stoppedAt, console: ['[ 1.0] Kernel panic - not syncing'] };
});

describe('a campaign on a kernel', () => {
  it('finds nothing on a kernel that answers as the model', async () => {
    const result = await campaign(new FakeKernel());
    expect(result).toMatchObject({ sessions: 60, findings: [], failure: undefined });
    expect(result.comparison.sessions).toBe(60);
    expect(result.comparison.classes).toEqual([]);
  });

  it('shrinks a kernel with another error for an overlap to two simple maps', async () => {
    const { findings } = await campaign(wrongOverlap());
    const causes = findings.map(({ rule, cause }) => `${rule}/${cause}`);
    expect(causes.toSorted()).toEqual([
      'model-answers/type1-map-kernel-einval-model-eexist',
      'model-answers/type1v2-map-kernel-einval-model-eexist',
    ]);
    const [finding] = findings;
    expect(finding).toMatchObject({ isStable: true, index: 1 });
    expect(finding!.message).toMatch(/ map: the kernel answers EINVAL, the model EEXIST$/);
    const [first, second] = finding!.session.steps.map(({ call }) => call);
    expect(finding!.session.steps).toHaveLength(2);
    for (const call of [first, second])
      expect(call).toMatchObject({
        call: 'map',
        iova: 0n,
        size: 0x1000n,
        vaddr: { area: 'ram', offset: 0n },
      });
    // The answers of the kernel are stored with the session.
    expect(finding!.session.steps[1]!.recorded).toMatchObject({ ret: -1, errno: 22 });
    expect(finding!.session.device).toMatchObject({ msix: undefined, bars: [{}] });
  });

  it('finds a returned field with another value', async () => {
    const kernel = new FakeKernel((answer) =>
      isAnswered(answer) && answer.returned['avail'] !== undefined
        ? { ...answer, returned: { avail: 1 } }
        : answer,
    );
    const { findings } = await campaign(kernel);
    expect(findings.map(({ cause }) => cause)).toContain('type1v2-info-other-avail');
    expect(findings[0]!.session.steps).toHaveLength(1);
  });

  it('counts every session that shows a finding, and tells of the first', async () => {
    const events: HostCampaignEvent[] = [];
    const { findings } = await campaign(wrongOverlap(), { listener: (event) => events.push(event) });
    expect(findings.map(({ sessions: count }) => count).every((count) => count > 1)).toBe(true);
    const sighted = events.flatMap((event) => (event.type === 'sighted' ? [event.session] : []));
    expect(findings.map(({ first }) => first)).toEqual(sighted);
    expect(events.filter(({ type }) => type === 'progress')).toHaveLength(60);
    expect(events.findIndex(({ type }) => type === 'finding')).toBeGreaterThan(60);
  });

  it('asks the same sessions for the same seed, and others for another', async () => {
    const asked = async (seed: number): Promise<readonly HostSession[]> => {
      const kernel = new FakeKernel();
      await campaign(kernel, { seed, runs: 5 });
      return kernel.asked;
    };
    expect(await asked(7)).toEqual(await asked(7));
    expect(await asked(7)).not.toEqual(await asked(8));
  });

  it('shrinks a session that stops the kernel to the call that does, in few boots', async () => {
    let asked = 0;
    const kernel = {
      ...stopsAtInfo,
      answer: (session: HostSession) => (asked++, stopsAtInfo.answer(session)),
    };
    const { findings } = await campaign(kernel);
    expect(findings.map(({ rule, cause }) => `${rule}/${cause}`).toSorted()).toEqual([
      'kernel-survives/type1-info-stops',
      'kernel-survives/type1v2-info-stops',
    ]);
    for (const finding of findings) {
      expect(finding.message).toMatch(/ info: the kernel stopped: Kernel panic - not syncing$/);
      expect(finding.console).toEqual(['[ 1.0] Kernel panic - not syncing']);
      expect(finding.session.steps[finding.index]!.call.call).toBe('info');
      expect(finding.session.steps.length).toBeLessThan(12);
      expect(finding.tried).toBeLessThanOrEqual(10);
    }
    expect(asked).toBeLessThanOrEqual(60 + 20);
  });

  it('names a kernel that stops when it closes what the session opened', async () => {
    const kernel = kernelThat((session, like) =>
      hasCall(session, 'info') ? { ...like, stoppedAt: session.steps.length, console: ['Oops'] } : like,
    );
    const { findings } = await campaign(kernel);
    expect(findings.map(({ cause }) => cause).toSorted()).toEqual(['type1-end-stops', 'type1v2-end-stops']);
  });

  it('reports a difference that does not show again as unstable', async () => {
    let wrong = true;
    const kernel = new FakeKernel((answer, { call }) => {
      if (call !== 'memslot' || !wrong) return answer;
      wrong = false;
      return { ret: -1, errno: 5, returned: {} };
    });
    const { findings } = await campaign(kernel);
    expect(findings).toMatchObject([{ isStable: false, sessions: 1, tried: 1 }]);
    expect(findings[0]!.session.steps.length).toBeGreaterThan(9);
  });

  it('asks stored sessions first, and neither shrinks nor stores them again', async () => {
    const session = decodeSession({
      container: 'type1v2',
      calls: [0, 0].map(() => ({ call: 'map', iova: '0x0', size: '0x2000', vaddr: 'ram+0x0', flags: 3 })),
    });
    const saved: string[] = [];
    const { findings } = await campaign(wrongOverlap(), {
      stored: [{ file: 'linux/mine.ndjson', session }],
      save: ({ cause }) => (saved.push(cause), 'linux/new.ndjson'),
    });
    expect(findings.map(({ file, first }) => [file, first === undefined])).toEqual([
      ['linux/mine.ndjson', true],
      ['linux/new.ndjson', false],
    ]);
    expect(saved).toEqual(['type1-map-kernel-einval-model-eexist']);
  });

  it('counts sessions that the kernel refuses, and calls that it is not sent, by the reason', async () => {
    const kernel = kernelThat((session, like) => {
      if (session.container === 'kvm') throw new InvalidInput([{ path: '', message: 'no /dev/kvm' }]);
      return { session, answers: like.answers.with(0, { unanswered: 'not sent: harmful' }) };
    });
    const { notRun, unanswered, sessions: asked } = await campaign(kernel);
    expect([...notRun.keys()]).toEqual(['no /dev/kvm']);
    expect(asked).toBe(60);
    expect(unanswered.get('not sent: harmful')).toBe(60 - notRun.get('no /dev/kvm')!);
  });

  describe('that ends early', () => {
    it('gives up an answer that hangs when it is interrupted, and keeps what it has', async () => {
      const controller = new AbortController();
      const wrong = wrongOverlap();
      const kernel: HostTarget = {
        ...{ name: wrong.name, close: () => wrong.close() },
        answer: (session) => {
          if (wrong.asked.length < 30) return wrong.answer(session);
          setTimeout(() => controller.abort());
          return new Promise(() => undefined);
        },
      };
      const result = await campaign(kernel, { signal: controller.signal });
      expect(result.sessions).toBe(30);
      expect(result.failure).toBeUndefined();
      // There was no time to shrink.
      expect(result.findings.map(({ isStable, tried }) => [isStable, tried])).toContainEqual([true, 1]);
      expect(wrong.asked).toHaveLength(30);
    });

    it('keeps what it has if the kernel no longer begins a session', async () => {
      const wrong = wrongOverlap();
      let asked = 0;
      const kernel = kernelThat((session, like) => {
        if (++asked <= 30) return like;
        const answers = like.answers.map(() => ({
          unanswered: 'the kernel stopped before the first call: boom',
        }));
        return { session, answers, console: ['one', 'two', 'Kernel panic', 'end'] };
      });
      const both: HostTarget = {
        ...kernel,
        answer: (session) => (asked < 30 ? (asked++, wrong.answer(session)) : kernel.answer(session)),
      };
      const { findings, failure, sessions: done } = await campaign(both);
      expect(done).toBe(30);
      expect(findings.length).toBeGreaterThan(0);
      expect(failure?.message).toBe(
        'the kernel stopped before the first call: boom. Its console ends with "two", "Kernel panic", "end"',
      );
      // Once more, and then no more.
      expect(asked).toBe(32);
    });

    it('goes on if the kernel begins the session when it is repeated', async () => {
      let asked = 0;
      const kernel = kernelThat((session, like) =>
        ++asked === 7
          ? {
              session,
              answers: like.answers.map(() => ({ unanswered: 'the kernel stopped before' })),
              console: [],
            }
          : like,
      );
      await expect(campaign(kernel)).resolves.toMatchObject({
        sessions: 60,
        failure: undefined,
        findings: [],
      });
    });

    it('throws TargetUnavailable if there is no kernel at all', async () => {
      const kernel: HostTarget = {
        ...{ name: 'none', close: () => Promise.resolve() },
        answer: () => Promise.reject(new TargetUnavailable('no QEMU')),
      };
      await expect(campaign(kernel)).rejects.toThrow('no QEMU');
    });
  });
});

describe('a shrunk session', () => {
  it('has one call, with the smallest values that show the mutant', async () => {
    // Wrong only for sizes from 3 pages on, at an IOVA with the bit 0x2000.
    const kernel = new FakeKernel((answer, call) =>
      call.call === 'map' && call.size >= 0x3000n && (call.iova & 0x2000n) !== 0n && isAnswered(answer)
        ? { ret: -1, errno: 5, returned: {} }
        : answer,
    );
    const { findings } = await campaign(kernel, { runs: 100 });
    const ok = findings.find(({ cause }) => cause === 'type1v2-map-kernel-eio-model-ok');
    const { call } = ok!.session.steps[0]!;
    expect(ok!.session.steps).toHaveLength(1);
    expect(call).toMatchObject({ iova: 0x2000n });
    expect([0x3000n, 0x4000n]).toContain((call as { size: bigint }).size);
  });
});
