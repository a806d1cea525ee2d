/** A target that cannot be used on this machine; the message says what is missing and how to get it. */
export class TargetUnavailable extends Error {}
