/** The kinds of site whose documents a plan can be translated to. */

export const TRANSLATION_FORMATS = ['opennebula', 'heat', 'libvirt', 'occi'] as const;

export type TranslationFormat = (typeof TRANSLATION_FORMATS)[number];
