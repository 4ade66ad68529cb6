/** `vep exit-codes`: what the exit codes mean. */

import { EXIT_CODES } from '../exit-codes.js';
import type { Session } from '../session.js';
import { table } from '../ui/table.js';

export async function exitCodes(session: Session): Promise<void> {
  session.answer(Object.fromEntries(EXIT_CODES), () =>
    table(
      ['CODE', 'MEANING'],
      EXIT_CODES.map(([code, meaning]) => [String(code), meaning]),
      session.style,
    ),
  );
}
