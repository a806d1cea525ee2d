import type { Revision } from '../revision.ts';
import { qemu111 } from './qemu-11.1.ts';
import { qemu211 } from './qemu-2.11.ts';
import { qemu212 } from './qemu-2.12.ts';
import { qemu60 } from './qemu-6.0.ts';
import {
  deviceProperty,
  machineClassMethod,
  machineProperty,
  reservedBir,
  skipInMsixInit,
  tableBeyondBar,
} from './seed-v2-opt-outs.ts';
import { noMmioDmaMap, phbMmioAlias } from './seed-v2-p2p.ts';
import { iommuPageSkip, ramDeviceSkip, skipAsPosted, skipCorrected } from './seed-v2-skips.ts';
import { seedV2 } from './seed-v2.ts';

/** Every revision that barproof knows, oldest first. */
export const REVISIONS: readonly Revision[] = [
  qemu211,
  seedV2,
  skipAsPosted,
  skipCorrected,
  iommuPageSkip,
  ramDeviceSkip,
  machineProperty,
  deviceProperty,
  machineClassMethod,
  skipInMsixInit,
  tableBeyondBar,
  reservedBir,
  phbMmioAlias,
  noMmioDmaMap,
  qemu212,
  qemu60,
  qemu111,
];

/** The newest release: the revision that barproof checks unless the user names another. */
export const NEWEST: Revision = qemu111;

const BY_ID = new Map(REVISIONS.map((revision) => [revision.id, revision]));

/** The revision with this id; `undefined` for an id that no revision has. */
export const findRevision = (id: string): Revision | undefined => BY_ID.get(id);
