import {
  COMMON_INVARIANTS,
  INVARIANTS,
  findInvariant,
  ownInvariants,
  type Invariant,
  type InvariantId,
} from '../invariants/index.ts';
import { InvalidInput } from '../input/index.ts';
import type { SearchTarget } from '../trace/index.ts';
import { check, type CheckOptions } from './check.ts';
import type { CampaignSummary } from './events.ts';
import type { StoredRegression } from './regression-store.ts';

/** A check of one target, as the user asks for it. */
export interface CheckTargetOptions extends Omit<
  CheckOptions,
  'plan' | 'run' | 'invariants' | 'regressions' | 'known'
> {
  /** The caller opens and closes it. */
  readonly target: SearchTarget;
  /** Id of the revision that is checked. */
  readonly revision: string;
  /** Any text; the same text gives the same cases. */
  readonly seed: string;
  /** Number of generated cases. */
  readonly runs: number;
  /** The only invariant to check; every one that can be checked on the target when left out. */
  readonly invariant?: InvariantId | undefined;
  /** Cases of any revision and target; those that the target cannot run are left out. */
  readonly stored: readonly StoredRegression[];
  /** Cases of which those marked `known` on the revision are not reported as findings. */
  readonly accepted: readonly StoredRegression[];
  /** The command line that repeats the check. */
  readonly command: string;
}

/**
 * Checks a target: replays the stored cases that it can run, searches, and shrinks and stores what it finds.
 *
 * @throws InvalidInput when `invariant` cannot be checked on the target.
 */
export async function checkTarget(options: CheckTargetOptions): Promise<CampaignSummary> {
  const { target, revision, seed, runs, invariant, stored, accepted, command, ...rest } = options;
  const invariants = checkableInvariants(target, invariant);
  const regressions: StoredRegression[] = [];
  for (const one of stored) if (await target.canRun(one.regression.scenario)) regressions.push(one);
  return check({
    ...rest,
    plan: {
      target: target.name,
      revision,
      seed,
      runs,
      invariants: invariants.map(({ id }) => id),
      notes: target.notes,
      command,
    },
    run: (scenario) => target.run(scenario),
    invariants,
    regressions,
    known: accepted.filter(
      ({ regression }) => regression.status === 'known' && regression.failsOn.includes(revision),
    ),
  });
}

/**
 * The invariants to check on a target: all that can be, or the requested one.
 *
 * @throws InvalidInput when the requested one cannot be checked on the target.
 */
export function checkableInvariants(
  { name, comparesWithModel, notes }: Pick<SearchTarget, 'name' | 'comparesWithModel' | 'notes'>,
  requested: InvariantId | undefined,
): readonly Invariant[] {
  const checkable = [...(comparesWithModel ? INVARIANTS : COMMON_INVARIANTS), ...ownInvariants()];
  if (requested === undefined) return checkable;
  const invariant = findInvariant(requested);
  if (checkable.includes(invariant)) return [invariant];
  const message =
    name === 'model'
      ? `${requested} can be checked only on a real VMM, with check or fuzz --target qemu`
      : `${requested} cannot be checked on ${name}: ${notes.join('; ')}`;
  throw new InvalidInput([{ path: '--invariant', message }]);
}
