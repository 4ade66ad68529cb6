/** @throws Error naming what leaked where */
export default function end(): Promise<void>;
