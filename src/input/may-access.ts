import { accessSync } from 'node:fs';

/**
 * Whether this user may use a file or folder in this way. False where it does not exist.
 *
 * @param mode bits of access(2), such as `constants.W_OK`.
 */
export function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
