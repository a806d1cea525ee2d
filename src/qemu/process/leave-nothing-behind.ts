/**
 * Functions that kill QEMU processes and remove directories when this process ends early. Their owners call the same
 * functions themselves when all goes well. Nothing runs after SIGKILL.
 */
const undoings = new Set<() => void>();

/** How many milliseconds other listeners have: more than runs have after an interrupt (src/campaign/interruptible.ts). */
const OTHERS_MS = 5_000;

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Calls `undo` when this process ends: by itself, by an uncaught exception, or by SIGINT, SIGTERM or SIGHUP.
 *
 * @param undo must be synchronous.
 * @returns a function that cancels the call.
 */
export function undoAtExit(undo: () => void): () => void {
  if (undoings.size === 0) listen();
  undoings.add(undo);
  return () => {
    if (undoings.delete(undo) && undoings.size === 0) stopListening();
  };
}

function undoAll(these: Iterable<() => void> = [...undoings]): void {
  for (const undo of these) {
    if (!undoings.delete(undo)) continue;
    try {
      undo();
    } catch {
      // The other functions must still run, and no caller is left for the error.
    }
  }
  if (undoings.size === 0) stopListening();
}

/**
 * Without other listeners, the signal ends the process as it would without barproof. Other listeners get some time to
 * end what runs: a QEMU that is killed in the middle of a scenario would look like one that died. What starts after the
 * signal belongs to a program that goes on, and stays.
 */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) {
    setTimeout(undoAll, OTHERS_MS, [...undoings]).unref();
    return;
  }
  undoAll();
  process.kill(process.pid, signal);
}

const onExit = (): void => undoAll();

function listen(): void {
  process.on('exit', onExit);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function stopListening(): void {
  process.off('exit', onExit);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
