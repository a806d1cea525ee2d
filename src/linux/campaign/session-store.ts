import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidInput, readRegularFile, writeAtomically } from '../../input/index.ts';
import type { HostSession } from '../session/host-session.ts';
import { readSessions } from '../session/read-sessions.ts';
import { passedToJson, sessionToJson } from '../session/session-json.ts';
import type { StoredSession } from './host-campaign.ts';
import type { HostObservation } from './host-finding.ts';
import type { CampaignHost } from './campaign-host.ts';

/** The ending of a file that holds sessions. Campaigns of scenarios pass over such files. */
const ENDING = '.ndjson';
/** The longest name of a file, without its digest and ending. */
const LONGEST_NAME = 100;

/** A folder of findings on real kernels: one file for each, with one session and the kernel's answers in one line. */
export class SessionStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * The stored sessions of a host's architecture, page size and IOMMU, without their answers, sorted by file. The host's
   * kernel may be another than the one that answered them.
   *
   * @throws InvalidInput with the problems of every file that holds no session
   */
  sessionsOf({ kernel, iommu }: CampaignHost): readonly StoredSession[] {
    const read = this.#files().map((name) => {
      const file = join(this.directory, name);
      return { file, sessions: readSessions(readRegularFile(file)) };
    });
    const problems = read.flatMap(({ file, sessions }) =>
      sessions.flatMap(({ session }) =>
        session instanceof InvalidInput ? session.within(file).problems : [],
      ),
    );
    if (problems.length > 0) throw new InvalidInput(problems);
    return read.flatMap(({ file, sessions }) =>
      sessions
        .map(({ session }) => session as HostSession)
        .filter(
          ({ arch, pageSize, iommu: own }) =>
            arch === kernel.architecture && pageSize === kernel.pageSize && own === iommu,
        )
        .map((session) => ({ file, session: askedOf(session, kernel.release) })),
    );
  }

  /**
   * Stores the session of an observation as `RULE--CAUSE-DIGEST.ndjson`, in one line with the kernel's answers.
   *
   * @returns the path of the file
   * @throws InvalidInput when the file cannot be written
   */
  save({ rule, cause, session, kernel, console }: HostObservation): string {
    const { arch, iommu, steps } = session;
    const questions = JSON.stringify([
      session.kernel,
      arch,
      iommu,
      steps.map(({ call }) => [call.call, passedToJson(call)]),
    ]);
    const digest = createHash('sha256').update(questions).digest('hex').slice(0, 8);
    const name = `${rule}--${cause}`.slice(0, LONGEST_NAME);
    const file = join(this.directory, `${name}-${digest}${ENDING}`);
    const line = sessionToJson({ ...session, id: `${rule}/${cause}` }, kernel);
    writeAtomically(file, `${JSON.stringify({ ...line, ...(console.length > 0 ? { console } : {}) })}\n`);
    return file;
  }

  #files(): readonly string[] {
    try {
      return readdirSync(this.directory)
        .filter((name) => name.endsWith(ENDING))
        .toSorted();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [];
      throw new InvalidInput([
        { path: this.directory, message: `this is not a folder of sessions (${code})` },
      ]);
    }
  }
}

/** A recorded session as a question to a kernel. */
const askedOf = (session: HostSession, kernel: string): HostSession => ({
  ...session,
  kernel,
  steps: session.steps.map(({ call }) => ({ call, recorded: undefined })),
});
