/** A translated plan for people and for files: the documents as they are, with their titles as comments between several. */

import type { Translation } from '../../iaas/translation/index.js';
import { visibleDocument } from './display-text.js';

/** On a terminal, control characters of the descriptor are made visible; in a file the documents are exact. */
export function translationText({ documents, mediaType }: Translation, terminal: boolean): string {
  return documents
    .map(({ title, text }) => {
      const shown = terminal ? visibleDocument(text) : text;
      return documents.length === 1 ? shown : `${comment(visibleDocument(title), mediaType)}\n${shown}`;
    })
    .join('\n');
}

function comment(title: string, mediaType: string): string {
  return mediaType === 'application/xml' ? `<!-- ${title.replaceAll('--', '- -')} -->` : `# ${title}`;
}
