/** How often a finding showed when its scenario was run again. */
export interface Stability {
  readonly shown: number;
  readonly of: number;
}

/** How often a finding is looked for before it is believed. */
export const REPETITIONS = 10;

/**
 * Runs something again and again and counts how often it shows what it showed once.
 *
 * @param shows runs the scenario once and tells whether the finding is there; on a real QEMU best in a
 *   process of its own each time.
 */
export async function repeat(shows: () => Promise<boolean>, times = REPETITIONS): Promise<Stability> {
  let shown = 0;
  for (let turn = 0; turn < times; turn++) if (await shows()) shown++;
  return { shown, of: times };
}

/** `stable 10/10`, or `flaky 7/10`. */
export const stabilityText = ({ shown, of }: Stability): string =>
  `${shown === of ? 'stable' : 'flaky'} ${shown}/${of}`;
