import { completedSteps, differences } from '../trace/index.ts';
import type { Invariant } from './invariant.ts';

/** A real QEMU and the model of its version behave alike. */
export const modelAgrees: Invariant = {
  id: 'model-agrees',
  clause:
    'a real QEMU shows the same as the model of its version: outcome and error, flat views, DMA requests and ' +
    'mappings, BARs and MSI-X state',
  severity: 'error',
  site:
    'system/memory.c: flat views; hw/vfio/listener.c: requests; hw/vfio/pci.c: devices; ' +
    'or the model is wrong',
  ofRealVmm: true,
  start(trace, examination) {
    const { model, steps } = trace;
    if (model === undefined) return undefined;
    return {
      end() {
        // The outcome counts as one; it is compared even where no step was completed.
        examination.exercised += 1 + Math.min(completedSteps(model).length, completedSteps(trace).length);
        for (const { kind, step, message } of differences(model, trace)) {
          examination.violate(kind, () => message, undefined, step ?? Math.max(steps.length - 1, 0));
        }
      },
    };
  },
};
