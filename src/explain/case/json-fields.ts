/** JSON of a scenario, as a file holds it. */
export type Json = { [key: string]: unknown };

/** Stands for the removal of a field, or of an element of an array. */
export const REMOVED = Symbol('removed');
