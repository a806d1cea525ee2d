import type { Size } from '../../address/index.ts';
import type { Outcome } from '../../trace/index.ts';
import type { DeviceOnHost } from './device-spec.ts';
import { KERNELS, QEMUS, spanText, type ReleaseSpan } from './releases.ts';
import { tryDevice, type BarFate, type DeviceTrial } from './try-device.ts';

/** What becomes of a device's bytes on a host, with the kernels and QEMUs with which it is the same. */
export interface TrappingRow {
  readonly hostPageSize: Size;
  readonly kernels: string;
  readonly qemus: string;
  readonly outcome: Outcome;
  readonly error: string | undefined;
  readonly trapped: Size;
  readonly direct: Size;
  /** Whether `trapped` is the least and `direct` the most that is possible, because the text does not show the table. */
  readonly isBound: boolean;
  readonly bars: readonly BarFate[];
}

interface Group {
  readonly qemus: ReleaseSpan[];
  readonly trial: DeviceTrial;
  readonly key: string;
}

/** Runs the device on the host with every kernel and QEMU that makes a difference. */
export function trappingOn({ device, host }: DeviceOnHost): readonly TrappingRow[] {
  const iommu = host.iommu.types[0]!;
  const byKernel = KERNELS.map((kernel) => ({
    kernels: [kernel],
    groups: groupQemus((revision) =>
      tryDevice(device, { host, kernel: kernel.model, iommu, revision, relocation: 'off' }),
    ),
  }));
  const merged: { kernels: ReleaseSpan[]; groups: readonly Group[] }[] = [];
  for (const entry of byKernel) {
    const last = merged.at(-1);
    if (last !== undefined && sameGroups(last.groups, entry.groups)) last.kernels.push(...entry.kernels);
    else merged.push(entry);
  }
  return merged.flatMap(({ kernels, groups }) =>
    groups.map(({ qemus, trial }) => ({
      hostPageSize: host.hostPageSize,
      kernels: spanText(kernels, KERNELS),
      qemus: spanText(qemus, QEMUS),
      outcome: trial.outcome,
      error: trial.error,
      trapped: trial.trapped,
      direct: trial.direct,
      isBound: false,
      bars: trial.bars,
    })),
  );
}

/** Neighbouring releases of QEMU with the same result, oldest first. */
function groupQemus(run: (revision: string) => DeviceTrial): readonly Group[] {
  const groups: Group[] = [];
  for (const qemu of QEMUS) {
    const trial = run(qemu.model);
    const key = keyOf(trial);
    const last = groups.at(-1);
    if (last?.key === key) last.qemus.push(qemu);
    else groups.push({ qemus: [qemu], trial, key });
  }
  return groups;
}

/** The messages of releases may differ; that a device is refused is the same. */
const keyOf = ({ outcome, error, bars }: DeviceTrial): string =>
  outcome === 'ok'
    ? bars
        .map(
          ({ index, trapped }) => `${index}:${trapped.map(({ start, end }) => `${start}-${end}`).join(',')}`,
        )
        .join(' ')
    : `${outcome} ${error ?? ''}`;

const sameGroups = (a: readonly Group[], b: readonly Group[]): boolean =>
  a.length === b.length &&
  a.every(({ key, qemus }, at) => key === b[at]!.key && qemus.length === b[at]!.qemus.length);
