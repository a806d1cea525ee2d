import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * barproof's folder among the user's caches. It may not exist.
 *
 * @param environment for `XDG_CACHE_HOME`. A path there that is not absolute is left aside, as the XDG Base Directory
 *   Specification says.
 */
export function userCacheFolder(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment['XDG_CACHE_HOME'];
  const caches = named !== undefined && isAbsolute(named) ? named : join(homedir(), '.cache');
  return join(caches, 'barproof');
}
