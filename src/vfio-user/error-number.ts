import { constants } from 'node:os';
import { getSystemErrorName } from 'node:util';

/** The error numbers of Linux that the server itself answers with, as they are in an error reply: positive. */
export const { EINVAL, EMSGSIZE, EOPNOTSUPP } = constants.errno;

/** `EINVAL` for 22 and so on. @param errno a positive error number of this operating system. */
export const errorName = (errno: number): string => getSystemErrorName(-errno);
