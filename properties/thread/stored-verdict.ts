import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fingerprint, InvariantId } from '../../src/invariants/index.ts';
import { decodeScenario, type Scenario } from '../../src/scenario/index.ts';
import type { CauseStatus, Difference, Effect, InvariantStatus } from '../../src/validate/index.ts';

/** The folder of the thread's patches, with their verdicts. */
export const PATCHES = fileURLToPath(new URL('../../regressions/patches', import.meta.url));

/** One side of a stored case. */
export interface StoredSide {
  readonly outcome: string;
  readonly error: string | null;
  readonly violation: { readonly message: string; readonly step: number } | null;
  readonly memoryMap: readonly string[];
}

/** The smallest case that shows a cause. */
export interface StoredCounterexample {
  readonly difference: Difference;
  readonly base: StoredSide;
  readonly patched: StoredSide;
  readonly scenario: unknown;
}

/** A cause of an invariant, and the number of cases that show it on either side. */
export interface StoredCause {
  readonly cause: string;
  readonly status: CauseStatus;
  /** File and function in the VMM. */
  readonly site: string;
  readonly cases: Readonly<Record<Difference, number>>;
  readonly counterexample?: StoredCounterexample;
}

/** An invariant that some case breaks. */
export interface StoredInvariant {
  readonly invariant: InvariantId;
  readonly severity: 'error' | 'warning';
  readonly status: InvariantStatus;
  readonly site: string;
  readonly causes: readonly StoredCause[];
}

/** A real device whose cost on a host the patch changes. */
export interface StoredDevice {
  readonly device: string;
  readonly host: string;
  readonly base: Readonly<Record<string, string | number>>;
  readonly patched: Readonly<Record<string, string | number>>;
}

/** The output of `barproof validate --json` for a patch, as far as the tests and the page need it. */
export interface StoredVerdict {
  readonly base: { readonly id: string; readonly title: string };
  readonly patched: { readonly id: string; readonly title: string };
  readonly seed: string;
  readonly runs: number;
  readonly cases: number;
  readonly breaks: boolean;
  /** The three lines at the beginning of the verdict. */
  readonly summary: readonly string[];
  /** The differences between the sides, one for each smallest scenario. */
  readonly findings: readonly {
    readonly invariant: InvariantId;
    readonly cause: string;
    readonly effect: Effect;
    readonly severity: 'error' | 'warning';
    readonly also: readonly Fingerprint[];
  }[];
  readonly invariants: readonly StoredInvariant[];
  readonly devices: readonly StoredDevice[];
}

/** The path of the verdict on the patch `name`. */
export const verdictFile = (name: string): string => join(PATCHES, `${name}.verdict.json`);

/** Reads the verdict on the patch `name`. */
export const loadVerdict = (name: string): StoredVerdict =>
  JSON.parse(readFileSync(verdictFile(name), 'utf8')) as StoredVerdict;

/** The counterexamples of a verdict, each with the invariant and cause that it shows. */
export const casesOf = ({ invariants }: StoredVerdict) =>
  invariants.flatMap(({ invariant, causes }) =>
    causes.flatMap(({ cause, counterexample }) =>
      counterexample === undefined
        ? []
        : [
            {
              fingerprint: { invariant, cause },
              ...counterexample,
              scenario: decodeScenario(counterexample.scenario),
            },
          ],
    ),
  ) satisfies readonly { fingerprint: Fingerprint; scenario: Scenario }[];
