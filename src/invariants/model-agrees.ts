import { differences, wholeSteps } from '../trace/index.ts';
import type { Invariant } from './invariant.ts';

/** A real VMM and the model of its version make the same of every scenario. */
export const modelAgrees: Invariant = {
  id: 'model-agrees',
  clause:
    'a real QEMU makes of every scenario what the model of its version makes of it: outcome and last words, ' +
    'flat views, DMA requests and mappings, BARs and MSI-X',
  severity: 'error',
  site:
    'system/memory.c: flat views; hw/vfio/listener.c: requests; hw/vfio/pci.c: devices; ' +
    'unless it is the model that is wrong',
  ofRealVmm: true,
  check(trace, examination) {
    const { model, steps } = trace;
    if (model === undefined) return;
    // How a run ends is compared even where no step was carried out to its end.
    examination.exercised += 1 + Math.min(wholeSteps(model).length, wholeSteps(trace).length);
    for (const { kind, step, message } of differences(model, trace)) {
      examination.violate(kind, step ?? Math.max(steps.length - 1, 0), () => message);
    }
  },
};
