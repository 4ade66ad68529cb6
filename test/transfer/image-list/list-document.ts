/** An image list as an endorser writes it, for tests to change. */

const image = (
  identifier: string,
  title: string,
  members: Readonly<Record<string, string>> = {},
): { 'hv:image': Record<string, string> } => ({
  'hv:image': {
    'dc:identifier': identifier,
    'dc:title': title,
    'dc:description': '',
    'hv:uri': `https://images.example.org/${identifier}.img`,
    'hv:version': '1',
    'hv:format': 'qcow2',
    'hv:size': '1000',
    'sl:checksum:sha512': 'ab'.repeat(64),
    'dc:date:expires': '2099-12-31T22:00:00Z',
    ...members,
  },
});

export const LIST = {
  'hv:imagelist': {
    'dc:identifier': 'list-1',
    'dc:title': 'Images of vo.test',
    'dc:date:created': '2026-11-01T00:00:00Z',
    'dc:date:expires': '2099-12-31T22:00:00Z',
    'ad:vo': 'vo.test',
    'hv:version': '2.10',
    'hv:images': [image('one', 'Debian 12 für alle'), image('two', 'Ubuntu')],
  },
};

/** The list with other members, in JSON. */
export function listDocument(members: object = {}): string {
  return JSON.stringify({ 'hv:imagelist': { ...LIST['hv:imagelist'], ...members } });
}

export { image as listedImage };
