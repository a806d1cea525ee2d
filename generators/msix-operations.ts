import type { DeviceSpec, MsixSpec, Operation } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** Masks or unmasks one vector of a device. */
export const chooseMask = (choose: Choose, { id }: DeviceSpec, { vectors }: MsixSpec): Operation => ({
  op: 'mask-vector',
  device: id,
  vector: choose.integer(0, vectors - 1),
  masked: choose.chance(50),
});

/** Enables MSI-X of a device, or disables MSI-X. */
export const chooseMsixSwitch = (choose: Choose, { id }: DeviceSpec): Operation => ({
  op: choose.chance(60) ? 'enable-msix' : 'disable-msix',
  device: id,
});
