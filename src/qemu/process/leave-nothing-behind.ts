/**
 * Functions that kill QEMU processes and remove directories when this process ends early. Their owners call the same
 * functions themselves when all goes well. Nothing runs after SIGKILL.
 */
const undoings = new Set<() => void>();

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

function undoAll(): void {
  for (const undo of undoings) {
    try {
      undo();
    } catch {
      // The other functions must still run, and no caller is left for the error.
    }
  }
  undoings.clear();
  stopListening();
}

/** Without other listeners, the signal ends the process as it would without barproof. */
function onSignal(signal: NodeJS.Signals): void {
  const others = process.listenerCount(signal) > 1;
  undoAll();
  if (!others) process.kill(process.pid, signal);
}

function listen(): void {
  process.on('exit', undoAll);
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function stopListening(): void {
  process.off('exit', undoAll);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
