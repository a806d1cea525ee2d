/**
 * What has to be undone however this process ends: QEMU processes to kill, directories to remove. On an
 * ordinary end their owners see to it themselves; this is for all other ends but SIGKILL.
 */
const undoings = new Set<() => void>();

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Has `undo` called when this process ends: by itself, by an uncaught exception, or by SIGINT, SIGTERM or
 * SIGHUP. It has to be synchronous.
 *
 * @returns takes it off the list again.
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
      // The others still have to be undone, and nobody is left to be told.
    }
  }
  undoings.clear();
  stopListening();
}

/** A signal that nobody else handles ends the process, as it would without us. */
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
