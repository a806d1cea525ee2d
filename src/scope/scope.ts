import type { DeviceSpec, IommuTypeName, Scenario } from '../scenario/index.ts';
import { layoutsUpTo } from './layouts.ts';
import { operationsOf, sequencesUpTo, type Sequence } from './sequences.ts';
import { surroundingsWith, type Surroundings } from './surroundings.ts';

/** The bounds of a scope. */
export interface ScopeBounds {
  readonly revision: string;
  /** The kinds of VFIO container that the revision supports; a scope has type1 and iommufd. */
  readonly iommuTypes: readonly IommuTypeName[];
  /** The size of the largest BAR in pages of 16 KiB: 1, 2, 4 or 8. */
  readonly pages: number;
  /** The most operations after the BARs are placed and enabled: 0 to 3. */
  readonly operations: number;
}

/**
 * All scenarios of a small scope: each sequence of operations on each layout in all surroundings. They are numbered, so
 * that several processes can share them. Scenarios of few operations on small layouts come first.
 */
export class ProofScope {
  readonly sequences: readonly Sequence[];
  readonly layouts: readonly DeviceSpec[];
  readonly surroundings: readonly Surroundings[];
  readonly #revision: string;

  constructor({ revision, iommuTypes, pages, operations }: ScopeBounds) {
    this.#revision = revision;
    this.sequences = sequencesUpTo(operations);
    this.layouts = layoutsUpTo(pages);
    this.surroundings = surroundingsWith(iommuTypes);
  }

  /** How many scenarios there are. */
  get size(): number {
    return this.sequences.length * this.layouts.length * this.surroundings.length;
  }

  /** @param number of the scenario, from 0. @throws RangeError for a number of `size` or more. */
  scenario(number: number): Scenario {
    if (!Number.isInteger(number) || number < 0 || number >= this.size) {
      throw new RangeError(`scenario ${number} of ${this.size}`);
    }
    const { sequences, layouts, surroundings } = this;
    const { machine, host, options } = surroundings[number % surroundings.length]!;
    const rest = Math.floor(number / surroundings.length);
    const layout = layouts[rest % layouts.length]!;
    const sequence = sequences[Math.floor(rest / layouts.length)]!;
    return {
      version: 1,
      machine,
      revision: this.#revision,
      host,
      devices: [{ ...layout, options }],
      operations: operationsOf(sequence, layout),
    };
  }
}
