import { AsyncLocalStorage } from 'node:async_hooks';

/** Watches which QEMUs a call uses: QEMUs that the call starts, and waiting ones that it takes. */
export interface QemuWatch {
  /** The environment variables for a QEMU that is started now. */
  start(): NodeJS.ProcessEnv;
  /** Told when a QEMU that was started with these variables is taken for further work. */
  take(variables: NodeJS.ProcessEnv): void;
}

const watches = new AsyncLocalStorage<QemuWatch>();

/** Calls `act` and watches the QEMUs that this call uses, also where several calls overlap. */
export const watchingQemu = <T>(watch: QemuWatch, act: () => T): T => watches.run(watch, act);

/** The watch of the call that runs now. */
export const currentWatch = (): QemuWatch | undefined => watches.getStore();
