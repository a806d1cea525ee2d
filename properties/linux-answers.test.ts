import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { installedKernels } from '../src/linux/boot/installed-kernels.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import { answerOnModel } from '../src/linux/model/model-answers.ts';
import { SessionComparison } from '../src/linux/session/comparison.ts';
import { isAnswered } from '../src/linux/session/host-call.ts';
import type { HostSession } from '../src/linux/session/host-session.ts';
import { answerText, callText } from '../src/report/host-session-text.ts';
import { hostSessions } from './testing/host-sessions.ts';
import { knownDifference } from './testing/known-host-differences.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

const SESSIONS = Number(process.env['BARPROOF_LINUX_SESSIONS'] ?? 40);
const SEED = 20261130;
/** A boot under TCG takes 11 to 20 s on idle cores. */
const TIMEOUT = 600_000;

const kernel = installedKernels().find(({ architecture }) => architecture === 'x86_64');
const reason = whyNoLinux(kernel);

describe(`a real Linux kernel${kernel === undefined ? '' : ` (${kernel.release})`} and the model of the host`, () => {
  const host = new LinuxHost({ kernels: kernel === undefined ? [] : [kernel] });
  afterAll(() => host.close());

  const title = 'answer generated calls alike, except where a fact says otherwise';
  it.skipIf(reason !== undefined)(
    reason === undefined ? title : `${title} (skipped: ${reason})`,
    { timeout: TIMEOUT },
    async () => {
      const generated = hostSessions({
        kernel: kernel!.release,
        arch: 'x86_64',
        pageSize: 0x1000n,
        iommu: 'intel-aw48',
      });
      const unexplained: string[] = [];
      let compared = 0;
      for (const session of fc.sample(generated, { numRuns: SESSIONS, seed: SEED })) {
        const { session: asked, answers } = await host.answer(session);
        const recorded: HostSession = {
          ...asked,
          steps: asked.steps.map(({ call }, index) => {
            const answer = answers[index]!;
            return { call, recorded: isAnswered(answer) ? answer : undefined };
          }),
        };
        const comparison = new SessionComparison();
        comparison.add(recorded, answerOnModel(recorded));
        compared += comparison.agreements.reduce((sum, { agree, differ }) => sum + agree + differ, 0);
        // A later difference of a session may be a consequence of an earlier one.
        const [first] = comparison.classes
          .map(({ example }) => example)
          .toSorted((a, b) => a.index - b.index);
        if (first === undefined || knownDifference(first) !== undefined) continue;
        unexplained.push(
          `${first.session.container} ${callText(first.session, first.index)}: the kernel ${answerText(first.recorded)}, the model ${answerText(first.answer)}`,
        );
      }
      expect(unexplained).toEqual([]);
      expect(compared).toBeGreaterThan(SESSIONS * 5);
      // Every layout of a device was plugged into the machine that was booted first.
      expect(host.boots).toBe(1);
    },
  );
});
