import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<NodeJS.ProcessEnv>();

/** Calls `act`: each QEMU that the call starts, also later and in a call of its own, gets these variables, too. */
export const inQemuEnvironment = <T>(variables: NodeJS.ProcessEnv, act: () => T): T =>
  storage.run(variables, act);

/** The variables for a QEMU that is started now. */
export const qemuEnvironment = (): NodeJS.ProcessEnv => storage.getStore() ?? {};
