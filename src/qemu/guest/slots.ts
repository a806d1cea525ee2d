/** The first slot for devices of a scenario. The machines have devices of their own in the slots below. */
export const FIRST_SLOT = 2;
/** The slot of the hot-plug bridge on the root bus. No machine has a device of its own there. */
export const BRIDGE_SLOT = 0x1e;
/** The last slot for devices of a scenario. */
export const LAST_SLOT = BRIDGE_SLOT - 1;
