import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { installedKernels, type InstalledKernel } from '../src/linux/boot/installed-kernels.ts';
import { EMULATED_IOMMUS } from '../src/linux/emulated-iommus.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import { answerOnModel } from '../src/linux/model/model-answers.ts';
import { CONTAINERS, type ContainerKind } from '../src/linux/session/call-forms.ts';
import { SessionComparison, type Disagreement } from '../src/linux/session/comparison.ts';
import { isAnswered } from '../src/linux/session/host-call.ts';
import type { HostSession } from '../src/linux/session/host-session.ts';
import { answerText, callText, hostText } from '../src/report/host-session-text.ts';
import { hostSessions } from './testing/host-sessions.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/** Sessions on each host; about 19 calls each. `BARPROOF_LINUX_SESSIONS` sets another number: 1100 are 21,000 calls. */
const SESSIONS = Number(process.env['BARPROOF_LINUX_SESSIONS'] ?? 40);
/** The seed of the sessions. `BARPROOF_SEED` sets another one. */
const SEED = Number(process.env['BARPROOF_SEED'] ?? 20261130);
/** The one host to ask, such as `amd64-7 amd-v1`; by default every kernel with its first IOMMU. */
const ONLY = process.env['BARPROOF_LINUX_HOST'];
/** The one container to use, such as `iommufd`; by default every container of the host. */
const CONTAINER = process.env['BARPROOF_LINUX_CONTAINER'];
/** In milliseconds. A boot under TCG takes 11 to 30 s on idle cores, and a session a third of a second. */
const TIMEOUT = 600_000 + SESSIONS * 2_000;

/** The IOMMU behind which each kernel is asked by default. */
const FIRST_IOMMU = { aarch64: 'virtio-granule-4k', ppc64le: 'spapr' } as const;
const firstIommu = ({ architecture, release }: InstalledKernel): string =>
  architecture === 'x86_64'
    ? release.startsWith('6.')
      ? 'intel-aw48'
      : 'amd-v1'
    : FIRST_IOMMU[architecture];

interface Host {
  readonly name: string;
  /** `undefined` if no kernel is installed. */
  readonly kernel?: InstalledKernel;
  readonly iommu: string;
}

/** The hosts that can be booted here. */
const installed = installedKernels().flatMap((kernel) =>
  [...EMULATED_IOMMUS].flatMap(([iommu, { architecture }]) =>
    architecture === kernel.architecture ? [{ name: `${kernel.name} ${iommu}`, kernel, iommu }] : [],
  ),
);

const wanted: readonly Host[] = installed.filter(({ name, kernel, iommu }) =>
  ONLY === undefined ? iommu === firstIommu(kernel) : name === ONLY,
);
if (installed.length > 0 && wanted.length === 0)
  throw new RangeError(
    `BARPROOF_LINUX_HOST is "${ONLY}"; expected one of ${installed.map(({ name }) => name).join(', ')}`,
  );

const hosts = wanted.length > 0 ? wanted : [{ name: ONLY ?? 'any kernel', iommu: '' }];

const containerNamed = (name: string): ContainerKind => {
  const found = CONTAINERS.find((one) => one === name);
  if (found !== undefined) return found;
  throw new RangeError(`BARPROOF_LINUX_CONTAINER is "${name}"; expected one of ${CONTAINERS.join(', ')}`);
};

/** The first call to which the kernel and the model give different answers, in words. */
const differenceText = ({ session, index, recorded, answer }: Disagreement): string =>
  `${hostText(session)}, call ${index}: ${callText(session, index)}: ` +
  `the kernel ${answerText(recorded)}, the model ${answerText(answer)}`;

describe.each<Host>(hosts)('Linux on $name', ({ kernel, iommu }) => {
  const host = new LinuxHost({ kernels: kernel === undefined ? [] : [kernel] });
  afterAll(() => host.close());
  const reason = whyNoLinux(kernel);
  const title = 'and the model of the host answer generated calls alike';

  it.skipIf(reason !== undefined)(
    reason === undefined ? title : `${title} (skipped: ${reason})`,
    { timeout: TIMEOUT },
    async () => {
      const { name, release, architecture, pageSize, iommufd } = kernel!;
      let compared = 0;
      const compare = async (session: HostSession): Promise<void> => {
        const { session: asked, answers, console = [] } = await host.answer(session);
        // A call that stops the kernel is a finding about Linux.
        expect(console, 'the console of a kernel that stopped').toEqual([]);
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
        expect(first && differenceText(first)).toBeUndefined();
      };
      const generated = hostSessions(
        { kernel: release, arch: architecture, pageSize, iommu, iommufd },
        CONTAINER === undefined ? undefined : [containerNamed(CONTAINER)],
      );
      // A session that the two answer differently shrinks on the kernel.
      await fc.assert(fc.asyncProperty(generated, compare), {
        numRuns: SESSIONS,
        seed: SEED,
      });
      process.stdout.write(`${name} ${iommu}: ${compared} calls compared, no difference\n`);
      expect(compared).toBeGreaterThan(SESSIONS * 5);
      // Every layout of a device was plugged into the machine that was booted first. On a busy machine a long campaign may
      // miss a deadline; then the kernel is booted again and the session repeated.
      expect(host.boots).toBeLessThanOrEqual(1 + Math.floor(SESSIONS / 400));
    },
  );
});
