import type { CALL_FORMS, CallName } from './call-forms.ts';

/** An address in the calling process: an offset from the start of an area. */
export interface ProcessAddress {
  /** The name of an area, or `abs`, whose start is address 0. */
  readonly area: string;
  /** In bytes. */
  readonly offset: bigint;
}

/** A capability of VFIO_DEVICE_GET_REGION_INFO. */
export type CapabilityForm =
  | { readonly sparse: readonly (readonly [offset: bigint, size: bigint])[] }
  | { readonly 'msix-mappable': number }
  | { readonly other: number };

interface FieldValues {
  readonly number: bigint;
  readonly integer: number;
  readonly boolean: boolean;
  readonly place: ProcessAddress;
  readonly name: string;
  readonly ranges: readonly (readonly [bigint, bigint])[];
  readonly capabilities: readonly CapabilityForm[];
}

/** The value of any field. */
export type FieldValue = FieldValues[keyof FieldValues];

type Values<Fields> = { readonly [Name in keyof Fields]: FieldValues[Fields[Name] & keyof FieldValues] };

/** One call of a session. The fields are those of `CALL_FORMS`. */
export type HostCall = {
  [Name in CallName]: {
    readonly call: Name;
    /** The `argsz` field of the structure; by default the size of the structure. */
    readonly argsz?: number | undefined;
  } & Values<(typeof CALL_FORMS)[Name]['passed']>;
}[CallName];

/** The call with the name `Name`. */
export type CallNamed<Name extends CallName> = Extract<HostCall, { call: Name }>;

/** The answer to a call, by a kernel or by the model. */
export interface AnsweredCall {
  /** What the system call returned: -1 after an error, and 0 instead of a descriptor or an address. */
  readonly ret: number;
  /** 0 unless `ret` is -1. */
  readonly errno: number;
  /** The fields that the kernel returns, by their names in `CALL_FORMS`. */
  readonly returned: Readonly<Record<string, FieldValue>>;
}

/** The answer to a call, or in `unanswered` the reason why the target has none. */
export type CallAnswer = AnsweredCall | { readonly unanswered: string };

/** Whether the target answered the call. */
export const isAnswered = (answer: CallAnswer): answer is AnsweredCall => 'ret' in answer;
