import { loadCase } from '../campaign/index.ts';
import { InvalidInput, printable, unknownName } from '../input/index.ts';
import {
  fingerprintText,
  INVARIANT_IDS,
  isInvariantId,
  violationsOf,
  type Fingerprint,
} from '../invariants/index.ts';
import { fittedText } from '../report/index.ts';
import { wayOf, type Scenario } from '../scenario/index.ts';
import { NotRunnable, TargetUnavailable, type Trace } from '../trace/index.ts';
import { ExitCode, type RaiseExitCode } from './exit-code.ts';
import { loadQemu } from './open-target.ts';
import { caseFile } from './shipped-regressions.ts';

/** The options of `barproof bisect-step` as commander reads them. */
export interface BisectStepOptions {
  /** `INVARIANT/CAUSE`. */
  readonly cause: string;
  readonly qemu: string;
}

/**
 * Runs a case on one build of QEMU, and says by the exit code whether the case shows the cause.
 *
 * @throws InvalidInput when the case or the cause is none: the same at every commit.
 */
export async function bisectStep(
  file: string,
  { cause: named, qemu }: BisectStepOptions,
  raise: RaiseExitCode,
): Promise<void> {
  const cause = causeOf(named);
  const { scenario } = loadCase(caseFile(file));
  const { code, words } = await look(scenario, cause, qemu);
  process.stdout.write(fittedText([printable(`${file}: ${words}`)]));
  raise(code);
}

/** What a build shows, as an exit code and in words. */
interface Look {
  readonly code: ExitCode;
  readonly words: string;
}

async function look(scenario: Scenario, cause: string, path: string): Promise<Look> {
  const { QemuTarget, trivialScenario, isQemuMachine } = await loadQemu();
  const { type } = scenario.machine;
  if (!isQemuMachine(type))
    throw new InvalidInput([{ path: 'machine.type', message: `QEMU has no machine "${type}"` }]);
  const target = new QemuTarget({ path });
  try {
    const trivial = await target.run(trivialScenario(type, wayOf(scenario)));
    if (trivial.outcome !== 'ok')
      return cannotTell(`the build does not complete a trivial scenario: ${endOf(trivial)}`);
    return judge(await target.run(scenario), cause);
  } catch (error) {
    if (error instanceof NotRunnable || error instanceof TargetUnavailable) return cannotTell(error.message);
    throw error;
  } finally {
    await target.close();
  }
}

function judge(trace: Trace, cause: string): Look {
  if (violationsOf(trace).some((violation) => fingerprintText(violation) === cause))
    return { code: ExitCode.COUNTEREXAMPLE, words: `shows ${cause} on ${trace.revision}` };
  // A run that ends for another reason may end before it comes to the point.
  if (trace.outcome !== 'ok') return cannotTell(`ends for another reason: ${endOf(trace)}`);
  return { code: ExitCode.HOLDS, words: `does not show ${cause} on ${trace.revision}` };
}

const cannotTell = (why: string): Look => ({ code: ExitCode.SKIP_COMMIT, words: `cannot tell: ${why}` });

const endOf = ({ error, abortSite, outcome }: Trace): string => error ?? abortSite ?? outcome;

/** @throws InvalidInput when the text names no invariant and cause. */
function causeOf(text: string): string {
  const [, invariant, cause] = /^([^/]+)\/(.+)$/.exec(text) ?? [];
  if (invariant === undefined || cause === undefined)
    throw new InvalidInput([
      { path: '--cause', message: 'expected INVARIANT/CAUSE, such as no-abort/dma-map-ram' },
    ]);
  if (!isInvariantId(invariant)) {
    const otherwise = 'barproof list invariants shows all ids';
    throw unknownName({
      path: '--cause',
      kind: 'invariant',
      name: invariant,
      known: [...INVARIANT_IDS],
      otherwise,
    });
  }
  return fingerprintText({ invariant, cause } as Fingerprint);
}
