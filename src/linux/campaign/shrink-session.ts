import type { HostSession } from '../session/host-session.ts';
import { sessionKey, simplerSessions } from './simpler-sessions.ts';

/** The smallest session that was found. */
export interface ShrunkSession<Shown> {
  /** What the session shows; `undefined` where not even the first session shows it again. */
  readonly shown: Shown | undefined;
  /** How many sessions were tried, with the first one. */
  readonly tried: number;
}

/**
 * Looks for a smaller session that shows the same, until no simpler one does.
 *
 * @param start a session without the calls behind the one that matters
 * @param shows what a session shows; `undefined` if it does not show the same
 * @param most how many sessions may be tried
 * @param signal ends the search; the smallest session so far is the result
 */
export async function shrinkSession<Shown>(
  start: HostSession,
  shows: (session: HostSession) => Promise<Shown | undefined>,
  { most, signal }: { readonly most: number; readonly signal?: AbortSignal | undefined },
): Promise<ShrunkSession<Shown>> {
  let shown = await shows(start);
  let tried = 1;
  if (shown === undefined) return { shown, tried };
  const seen = new Set([sessionKey(start)]);
  const step = async (session: HostSession): Promise<HostSession | undefined> => {
    for (const simpler of simplerSessions(session)) {
      const key = sessionKey(simpler);
      if (seen.has(key)) continue;
      if (tried >= most || signal?.aborted) return undefined;
      seen.add(key);
      tried++;
      const found = await shows(simpler);
      if (found === undefined) continue;
      shown = found;
      return simpler;
    }
    return undefined;
  };
  for (let best: HostSession | undefined = start; best !== undefined;) best = await step(best);
  return { shown, tried };
}
