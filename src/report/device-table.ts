import { FIGURES, type DeviceCost, type DeviceFigures, type Figure } from '../validate/index.ts';
import { amountChange, countChange } from './amount.ts';

/** How a patch changes one device, on the hosts where the change is the same. */
export interface DeviceRow {
  readonly device: string;
  readonly hosts: readonly string[];
  /** The change of each figure, in the order of `FIGURES`; empty texts where a side stops early. */
  readonly changes: readonly string[];
  /** How the run ends, where the sides differ: `kills the VMM -> works`; otherwise empty. */
  readonly outcome: string;
  readonly effect: DeviceEffect;
}

/** Whether a device gains or loses by a patch, both, or neither. */
export type DeviceEffect = 'gains' | 'loses' | 'gains and loses' | 'as before';

/** The name of each figure in a table. */
export const FIGURE_NAMES: Readonly<Record<Figure, string>> = {
  directMappedBytes: 'direct-mapped',
  trappedBytes: 'trapped',
  p2pMappedBytes: 'P2P',
  memslots: 'memslots',
  maps: 'maps',
};

const ENDS = { ok: 'works', rejected: 'is refused', aborted: 'kills the VMM' } as const;
/** 1 for figures of which more is better, -1 for figures of which less is better. */
const WORTH: Partial<Record<Figure, bigint>> = {
  directMappedBytes: 1n,
  trappedBytes: -1n,
  p2pMappedBytes: 1n,
};

/** A change of a figure as text. */
export const figureChange = (figure: Figure, change: bigint): string =>
  figure === 'memslots' || figure === 'maps' ? countChange(change) : amountChange(change);

/** A row for each device that changes, with all hosts on which the change is the same. */
export function deviceRows(devices: readonly DeviceCost[]): readonly DeviceRow[] {
  const rows = new Map<string, DeviceRow & { hosts: string[] }>();
  for (const cost of devices) {
    const { device, host } = cost;
    const outcome = outcomeOf(cost);
    const effect = effectOf(cost);
    const changes = comparable(cost)
      ? FIGURES.map((figure) => figureChange(figure, changeOf(cost, figure)))
      : FIGURES.map(() => '');
    if (outcome === '' && changes.every((change) => change === '-' || change === '')) continue;
    const key = JSON.stringify([device, changes, outcome]);
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { device, hosts: [host], changes, outcome, effect });
    else row.hosts.push(host);
  }
  return [...rows.values()];
}

/** The number of devices with each effect, by host. */
export function countEffects(
  devices: readonly DeviceCost[],
): ReadonlyMap<string, ReadonlyMap<DeviceEffect, number>> {
  const hosts = new Map<string, Map<DeviceEffect, number>>();
  for (const cost of devices) {
    const effects = hosts.get(cost.host) ?? new Map<DeviceEffect, number>();
    hosts.set(cost.host, effects);
    const effect = effectOf(cost);
    effects.set(effect, (effects.get(effect) ?? 0) + 1);
  }
  return hosts;
}

const changeOf = ({ base, patched }: DeviceCost, figure: Figure): bigint =>
  patched.figures[figure] - base.figures[figure];

const works = ({ outcome }: DeviceFigures): boolean => outcome === 'ok';

/** If a side stops early, its figures are those of a machine without all BARs mapped. */
const comparable = ({ base, patched }: DeviceCost): boolean => works(base) && works(patched);

const outcomeOf = ({ base, patched }: DeviceCost): string =>
  base.outcome === patched.outcome ? '' : `${ENDS[base.outcome]} -> ${ENDS[patched.outcome]}`;

function effectOf(cost: DeviceCost): DeviceEffect {
  const { base, patched } = cost;
  if (!comparable(cost)) {
    if (works(base) === works(patched)) return 'as before';
    return works(patched) ? 'gains' : 'loses';
  }
  const worths = FIGURES.map((figure) => changeOf(cost, figure) * (WORTH[figure] ?? 0n));
  const gains = worths.some((worth) => worth > 0n);
  const loses = worths.some((worth) => worth < 0n);
  if (gains) return loses ? 'gains and loses' : 'gains';
  return loses ? 'loses' : 'as before';
}
