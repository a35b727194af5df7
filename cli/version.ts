/** Of this program, as it names itself to people and in what it writes. */
export const VERSION = '0.1.0';
