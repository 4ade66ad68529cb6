/** The version of VEP, as `package.json` has it: what it calls itself to clients, servers and in documents. */
export const VERSION = '0.1.0';
