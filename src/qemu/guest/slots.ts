/** The first slot for devices; those below belong to the machines. */
export const FIRST_SLOT = 2;
/** Slot of the bridge on the root bus; no machine has anything of its own there. */
export const BRIDGE_SLOT = 0x1e;
/** The last slot for devices. */
export const LAST_SLOT = BRIDGE_SLOT - 1;
