import { coldPlugged, toJsonLine, type Scenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import { plugsOrUnplugs } from './hot-plugged.ts';

/**
 * The starts that QEMU has refused: it named a device and ended before it carried out any operation. QEMU refuses the
 * same machine, host and devices again, with any operations.
 */
export class FailedStarts {
  readonly #traces = new Map<string, Trace>();

  /** The trace of a scenario whose start is known to fail. */
  find(scenario: Scenario): Trace | undefined {
    const known = this.#traces.get(startOf(scenario));
    return known && { ...known, scenario };
  }

  /** Notes the trace of a scenario, if QEMU refused its start. */
  note(trace: Trace): void {
    const [first] = trace.steps;
    if (trace.outcome === 'rejected' && trace.steps.length === 1 && first?.operation.op === 'start')
      this.#traces.set(startOf(trace.scenario), trace);
  }
}

/** What QEMU's command line depends on. */
const startOf = (scenario: Scenario): string =>
  toJsonLine([scenario.machine, scenario.host, coldPlugged(scenario), plugsOrUnplugs(scenario)]);
