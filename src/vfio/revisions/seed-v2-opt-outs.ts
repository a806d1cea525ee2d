import { offset } from '../../address/index.ts';
import type { OptOutContext } from '../device-rules.ts';
import type { Revision } from '../revision.ts';
import { disableTableIfMachineOptsOut, seedV2 } from './seed-v2.ts';

type Proposal = Pick<Revision, 'id' | 'title' | 'source'>;

const optingOutBy = (proposal: Proposal, msixExposure: Revision['device']['msixExposure']): Revision => ({
  ...seedV2,
  ...proposal,
  device: { ...seedV2.device, msixExposure },
});

/** Offsets that the author tried, far beyond the end of his card's 64 KiB BAR. */
const BEYOND_TABLE = offset(0xff_0000n);
const BEYOND_PBA = offset(0xff_f000n);
/** A BIR that names no BAR; 6 is the index of the ROM. */
const RESERVED_BIR = 7;

/** A machine property that turns MSI-X emulation off: the seed patch itself. */
export const machineProperty: Revision = {
  ...seedV2,
  id: 'seed-v2+machine-property',
  title: 'Opt-out by a machine property that vfio-pci reads: the seed patch as it is',
  source: 'seed thread, the patch',
};

/** A property of the device that the machine sets by default and a user can set too. */
export const deviceProperty = optingOutBy(
  {
    id: 'seed-v2+device-property',
    title: 'Opt-out by a device property that the machine sets',
    source: 'seed thread, D. Gibson, 19 December 2017',
  },
  ({ machineOptsOut, deviceOptsOut }: OptOutContext) =>
    (deviceOptsOut ?? machineOptsOut) ? { kind: 'table-disabled' } : { kind: 'emulated' },
);

/** `needs_msix_emulation` in the machine class, which no user can set. */
export const machineClassMethod = optingOutBy(
  {
    id: 'seed-v2+machine-class-method',
    title: 'Opt-out by a method of the machine class',
    source: 'seed thread, D. Gibson, December 2017',
  },
  disableTableIfMachineOptsOut,
);

/** msix_init makes no regions; the capability still names their places, where no table is. */
export const skipInMsixInit = optingOutBy(
  {
    id: 'seed-v2+skip-in-msix-init',
    title: 'Opt-out inside msix_init: no regions are made',
    source: 'seed thread, D. Gibson and A. Williamson, December 2017',
  },
  ({ machineOptsOut }) => (machineOptsOut ? { kind: 'not-added' } : { kind: 'emulated' }),
);

/** The capability names offsets beyond the end of the BAR. A Linux guest worked with it. */
export const tableBeyondBar = optingOutBy(
  {
    id: 'seed-v2+table-beyond-bar',
    title: 'Opt-out by table and PBA offsets beyond the end of the BAR',
    source: 'seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017',
  },
  ({ machineOptsOut, layout }) =>
    machineOptsOut
      ? {
          kind: 'capability-rewritten',
          layout: { ...layout, tableOffset: BEYOND_TABLE, pbaOffset: BEYOND_PBA },
        }
      : { kind: 'emulated' },
);

/** The capability names a reserved BIR. The guest crashed. */
export const reservedBir = optingOutBy(
  {
    id: 'seed-v2+reserved-bir',
    title: 'Opt-out by a reserved BIR in the capability',
    source: 'seed thread, A. Williamson; tried by A. Kardashevskiy, 20 December 2017',
  },
  ({ machineOptsOut, layout }) =>
    machineOptsOut
      ? {
          kind: 'capability-rewritten',
          layout: { ...layout, tableBar: RESERVED_BIR, pbaBar: RESERVED_BIR },
        }
      : { kind: 'emulated' },
);
