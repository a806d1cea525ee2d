import type { CallAnswer } from '../session/host-call.ts';
import type { HostSession } from '../session/host-session.ts';

/** The rules of a host: the model answers as the kernel does, and the kernel survives every call. */
export const HOST_RULES = ['model-answers', 'kernel-survives'] as const;
export type HostRule = (typeof HOST_RULES)[number];

/** What a session shows: a call that the kernel and the model answer differently, or one that stops the kernel. */
export interface HostObservation {
  readonly rule: HostRule;
  /** Which kind of break it is: `type1v2-map-kernel-eoverflow-model-einval`. Unique within the rule. */
  readonly cause: string;
  /** One sentence. */
  readonly message: string;
  /** The session with the kernel's answers as recorded ones; its `info` is what the kernel reported. */
  readonly session: HostSession;
  /** The number of the call, from 0; the number of calls for the end of the session. */
  readonly index: number;
  /** The answers of the kernel and of the model to each call. */
  readonly kernel: readonly CallAnswer[];
  readonly model: readonly CallAnswer[];
  /** The last lines of the kernel's console, if the kernel stopped. */
  readonly console: readonly string[];
}

/** An observation, shrunk to the smallest session that shows it. */
export interface HostFinding extends HostObservation {
  /** The number of generated sessions that show it. */
  readonly sessions: number;
  /** The number of the first of them, from 1; `undefined` where a stored session shows it first. */
  readonly first: number | undefined;
  /** How many smaller sessions were tried. */
  readonly tried: number;
  /** Whether the session showed it again when it was repeated. */
  readonly isStable: boolean;
  /** The file that holds the session; `undefined` where no file does. */
  readonly file: string | undefined;
}

/** The identity of an observation: two sessions with the same one show the same mistake. */
export const observationName = ({ rule, cause }: Pick<HostObservation, 'rule' | 'cause'>): string =>
  `${rule}/${cause}`;
