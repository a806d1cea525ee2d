import { errnoName } from './errno.ts';

/** The texts of Linux error numbers, as the C library prints them in English. */
export const ERROR_TEXTS: ReadonlyMap<number, string> = new Map([
  [1, 'Operation not permitted'],
  [2, 'No such file or directory'],
  [5, 'Input/output error'],
  [6, 'No such device or address'],
  [7, 'Argument list too long'],
  [9, 'Bad file descriptor'],
  [12, 'Cannot allocate memory'],
  [13, 'Permission denied'],
  [14, 'Bad address'],
  [16, 'Device or resource busy'],
  [17, 'File exists'],
  [19, 'No such device'],
  [22, 'Invalid argument'],
  [25, 'Inappropriate ioctl for device'],
  [28, 'No space left on device'],
  [75, 'Value too large for defined data type'],
  [90, 'Message too long'],
  [95, 'Operation not supported'],
  [98, 'Address already in use'],
]);

/** The text of an error number, `Invalid argument` for 22; its name or its digits if barproof knows no text. */
export const strerror = (errno: number): string => ERROR_TEXTS.get(errno) ?? errnoName(errno);
