/** Rules about the envelope, its files and the package round them (DSP0243 §5, §7). */

import { ID, REFERENCE, type Rule } from './rule.js';

export const PACKAGE_RULES = {
  schema: {
    title: 'the descriptor is valid by the schema of its edition',
    section: '§4',
    remedy: 'write it as the schema of OVF 1.1 has it',
  },
  'O-001': {
    title: 'one root Envelope in a supported namespace',
    section: '§7.1',
    remedy: 'make ovf:Envelope in the namespace of OVF 1.x the root element',
  },
  'O-002': {
    title: 'exactly one content',
    section: '§7.2',
    remedy: 'put exactly one VirtualSystem or VirtualSystemCollection into the Envelope',
  },
  'O-003': {
    title: 'sections stand only where they may, as often as they may',
    section: '§7.3',
    remedy: 'move the section to where it belongs and write it once',
  },
  'O-004': {
    title: 'every VirtualSystem has a VirtualHardwareSection',
    section: '§8',
    remedy: 'describe the hardware of the system in a VirtualHardwareSection',
  },
  'O-005': {
    title: 'ids of systems and collections are unique and not empty',
    section: '§7.2',
    remedy: ID,
  },
  'O-006': {
    title: 'a collection is not empty',
    section: '§7.2',
    remedy: 'put systems into the collection or leave it out',
  },
  'O-007': {
    title: 'collections are nested at most 16 deep',
    section: '§7.2',
    remedy: 'nest collections less deeply',
  },
  'O-008': {
    title: 'the conformance level of the package is told',
    section: '§5.2',
    remedy: 'nothing: mark extensions ovf:required="false" to reach level 2',
  },
  'O-009': {
    title: 'an unknown element that is required is refused',
    section: '§7.3',
    remedy: 'remove the element, or mark it ovf:required="false" if the appliance runs without it',
  },
  'O-010': {
    title: 'an unknown element that is optional is listed as ignored',
    section: '§7.3',
    remedy: 'nothing: the author marked it as optional',
  },
  'O-011': {
    title: 'ids of files are unique',
    section: '§7.1',
    remedy: ID,
  },
  'O-012': {
    title: 'no two File elements name the same file',
    section: '§7.1',
    remedy: 'refer to each file once and let the disks share its id',
  },
  'O-013': {
    title: 'what refers to a file names one that is declared',
    section: '§7.1',
    remedy: REFERENCE,
  },
  'O-014': {
    title: 'an ovf:/file host resource names a file',
    section: '§8.3',
    remedy: REFERENCE,
  },
  'O-015': {
    title: 'an href is a path inside the package or an http(s) URL',
    section: '§7.1',
    remedy: 'use a relative path inside the package, or an http(s) URL',
  },
  'O-016': {
    title: 'http(s) hrefs lead to public hosts only, also after redirects',
    section: '§7.1',
    remedy: 'use a public host',
  },
  'O-017': {
    title: 'a file has the size that is given',
    section: '§7.1',
    remedy: 'give the size the file really has, or leave it out',
  },
  'O-018': {
    title: 'the compression is known',
    section: '§7.1',
    remedy: 'use gzip, or no compression',
  },
  'O-019': {
    title: 'chunks agree with size and chunkSize',
    section: '§7.1',
    remedy: 'give a chunkSize greater than 0, and pack every chunk, numbered from .000000000 on',
  },
  'O-020': {
    title: 'a package holds no files that nobody refers to',
    section: '§5.1',
    remedy: 'declare the file in the References or leave it out of the package',
  },
  'O-021': {
    title: 'the descriptor comes first in an OVA',
    section: '§5.3',
    remedy: 'pack the descriptor as the first member',
  },
  'O-022': {
    title: 'a package has one descriptor',
    section: '§5.1',
    remedy: 'pack exactly one file with the extension .ovf',
  },
  'O-023': {
    title: 'members of an OVA are plain files under relative names, each once',
    section: '§5.3',
    remedy: 'pack plain files only, each once, under relative names',
  },
  'O-024': {
    title: 'packages and decompressed files stay within limits',
    section: '§5.3',
    remedy: 'send a smaller package, or refer to the images by URL',
  },
  'O-025': {
    title: 'the manifest can be read',
    section: '§5.1',
    remedy: 'write lines of the form "SHA256(file)= hexadecimal digest"',
  },
  'O-026': {
    title: 'digests match the manifest',
    section: '§5.1',
    remedy: 'send the files the manifest was made for, or make it anew',
  },
  'O-027': {
    title: 'the manifest lists every local file',
    section: '§5.1',
    remedy: 'list every local file of the package in the manifest',
  },
  'O-028': {
    title: 'the manifest lists no other files',
    section: '§5.1',
    remedy: 'list only files of the package in the manifest',
  },
  'O-029': {
    title: 'digests are better than SHA-1',
    section: '§5.1',
    remedy: 'make the manifest with SHA256',
  },
  'O-030': {
    title: 'the certificate signs the manifest, and the provider trusts the signer',
    section: '§5.1',
    remedy: 'sign the manifest anew with a certificate that the provider trusts',
  },
  'O-031': {
    title: 'a certificate comes with a manifest',
    section: '§5.1',
    remedy: 'add the manifest that the certificate signs',
  },
} as const satisfies Record<string, Rule>;
