import { afterAll, describe, expect, it } from 'vitest';
import { hostSessions } from '../generators/index.ts';
import { installedKernels, type InstalledKernel } from '../src/linux/boot/installed-kernels.ts';
import { iommusOf, usualIommu } from '../src/linux/campaign/campaign-host.ts';
import { compareWithModel } from '../src/linux/campaign/host-campaign.ts';
import { LinuxHost } from '../src/linux/kernel/linux-host.ts';
import { CONTAINERS, type ContainerKind } from '../src/linux/session/call-forms.ts';
import { decodeSession } from '../src/linux/session/decode-session.ts';
import { hostCampaignFigures, hostFindingBlock } from '../src/report/host-campaign-text.ts';
import { whyNoLinux } from './testing/why-no-linux.ts';

/** Sessions on each host; about 19 calls each. `BARPROOF_LINUX_SESSIONS` sets another number: 1100 are 21,000 calls. */
const SESSIONS = Number(process.env['BARPROOF_LINUX_SESSIONS'] ?? 40);
/** The seed of the sessions. `BARPROOF_SEED` sets another one. */
const SEED = Number(process.env['BARPROOF_SEED'] ?? 20261130);
/** The one host to ask, such as `amd64-7 amd-v1`; by default every kernel with its usual IOMMU. */
const ONLY = process.env['BARPROOF_LINUX_HOST'];
/** The one container to use, such as `iommufd`; by default every container of the host. */
const CONTAINER = process.env['BARPROOF_LINUX_CONTAINER'];
/** In milliseconds. A boot under TCG takes 11 to 30 s on idle cores, and a session a third of a second. */
const TIMEOUT = 600_000 + SESSIONS * 2_000;

interface Host {
  readonly name: string;
  /** `undefined` if no kernel is installed. */
  readonly kernel?: InstalledKernel;
  readonly iommu: string;
}

/** The hosts that can be booted here. */
const installed = installedKernels().flatMap((kernel) =>
  iommusOf(kernel).map((iommu) => ({ name: `${kernel.name} ${iommu}`, kernel, iommu })),
);

const wanted: readonly Host[] = installed.filter(({ name, kernel, iommu }) =>
  ONLY === undefined ? iommu === usualIommu(kernel) : name === ONLY,
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
      const generated = { kernel: release, arch: architecture, pageSize, iommu, iommufd };
      const containers = CONTAINER === undefined ? undefined : [containerNamed(CONTAINER)];
      // The campaign of `barproof check --target linux`. What differs shrinks on the kernel.
      const result = await compareWithModel({
        ...{ kernel: host, runs: SESSIONS, seed: SEED },
        sessions: hostSessions(generated, containers).map(decodeSession),
      });
      const noCommands = { again: undefined, onModel: undefined };
      expect(
        result.findings.map((finding, index) => hostFindingBlock(finding, index + 1, noCommands)),
      ).toEqual([]);
      const { compared } = hostCampaignFigures(result);
      process.stdout.write(`${name} ${iommu}: ${compared} calls compared, no difference\n`);
      expect([result.sessions, result.failure, [...result.notRun]]).toEqual([SESSIONS, undefined, []]);
      expect(compared).toBeGreaterThan(SESSIONS * 5);
      // Every layout of a device was plugged into the machine that was booted first. On a busy machine a long campaign may
      // miss a deadline; then the kernel is booted again and the session repeated.
      expect(host.boots).toBeLessThanOrEqual(1 + Math.floor(SESSIONS / 400));
    },
  );
});
