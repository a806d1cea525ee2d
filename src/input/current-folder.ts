import { isAbsolute } from 'node:path';

/** What a user is told whose shell stands in a folder that is gone. */
export const FOLDER_IS_GONE = 'the current folder has been deleted; change to one that exists, as by cd';

/** Whether a path begins in the current folder, and another program has deleted that folder. */
export const isBelowDeletedFolder = (path: string): boolean => !isAbsolute(path) && isCurrentFolderGone();

function isCurrentFolderGone(): boolean {
  try {
    process.cwd();
    return false;
  } catch {
    return true;
  }
}
