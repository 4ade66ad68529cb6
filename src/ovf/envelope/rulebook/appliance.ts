/** Rules about configurations, properties, start-up, licences and texts (DSP0243 §9, §10), and what every answer keeps. */

import type { Rule } from './rule.js';

export const APPLIANCE_RULES = {
  'O-057': {
    title: 'ids of configurations are unique, and at most one is the default',
    section: '§9.8',
    remedy: 'give each configuration its own id and mark at most one as default',
  },
  'O-058': {
    title: 'the configuration that is chosen exists',
    section: '§9.8',
    remedy: 'choose a configuration that the descriptor offers',
  },
  'O-059': {
    title: 'class and instance of product sections are unique in one place',
    section: '§9.5',
    remedy: 'give each section a class, or an instance, of its own',
  },
  'O-060': {
    title: 'the type of a property is known',
    section: '§9.5',
    remedy: 'use a type of DSP0243, e.g. string, boolean or uint16',
  },
  'O-061': {
    title: 'the value of a property is legal for its type and qualifiers',
    section: '§9.5',
    remedy: 'correct the value, the type or the qualifiers',
  },
  'O-062': {
    title: 'users give values only to properties that are theirs to set',
    section: '§9.5',
    remedy: 'leave the value out, or mark the property ovf:userConfigurable="true"',
  },
  'O-063': {
    title: '${references} resolve, without circles',
    section: '§9.5',
    remedy: 'refer to a property that can be seen from there, and make no circle',
  },
  'O-064': {
    title: 'keys in the environment are unique',
    section: '§9.5',
    remedy: 'give each property a key, or its section a class or instance, of its own',
  },
  'O-065': {
    title: 'properties have a transport to the guest',
    section: '§9.5',
    remedy: 'write ovf:transport="iso"',
  },
  'O-066': {
    title: 'passwords are shown nowhere',
    section: '§9.5',
    remedy: 'nothing: VEP sees to it',
  },
  'O-067': {
    title: 'the environment document is valid whatever its values',
    section: '§11',
    remedy: 'nothing: VEP sees to it',
  },
  'O-068': {
    title: 'a StartupSection names immediate children, each once',
    section: '§9.7',
    remedy: 'name every immediate child of the collection at most once, and nothing else',
  },
  'O-069': {
    title: 'start and stop actions are known',
    section: '§9.7',
    remedy: 'use powerOn or none to start; powerOff, guestShutdown or none to stop',
  },
  'O-070': {
    title: 'delays and orders are whole numbers in range',
    section: '§9.7',
    remedy: 'give a whole number from 0 to 65535',
  },
  'O-071': {
    title: 'start orders become steps, in reverse for stopping',
    section: '§9.7',
    remedy: 'nothing: VEP sees to it',
  },
  'O-072': {
    title: 'licences are accepted before deployment',
    section: '§9.6',
    remedy: 'accept the licence',
  },
  'O-073': {
    title: 'a msgid is in a bundle, once; else the text of the element counts',
    section: '§10',
    remedy: 'add the message to a Strings bundle, once',
  },
  'O-074': {
    title: 'a bundle says its language',
    section: '§10',
    remedy: 'give the bundle an xml:lang',
  },
  'O-075': {
    title: 'there is no document type declaration',
    section: '§4',
    remedy: 'remove the <!DOCTYPE …> declaration and write out any entities it defines',
  },
  'O-076': {
    title: 'nothing that a document names is fetched while it is read',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-077': {
    title: 'entity bombs are refused before they grow',
    section: '§4',
    remedy: 'write the text out',
  },
  'O-078': {
    title: 'depth, size and number of elements and attributes are limited',
    section: '§4',
    remedy: 'send a smaller document',
  },
  'O-079': {
    title: 'hostile ids are data wherever they go',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-080': {
    title: 'no XInclude, processing instruction or xsi:type has effect',
    section: '§4',
    remedy: 'write the section under its own element name, without xsi:type',
  },
  'O-081': {
    title: 'every document gets an answer',
    section: '§4',
    remedy: 'nothing: VEP sees to it',
  },
  'O-082': {
    title: 'the encoding is UTF-8 or UTF-16, and the declared one',
    section: '§4',
    remedy: 'save the document as UTF-8, or as UTF-16 with a byte order mark',
  },
  'O-083': {
    title: 'counts of processors, memory, disks and adapters are those of the descriptor',
    section: '§8',
    remedy: 'nothing: VEP sees to it',
  },
  'O-084': {
    title: 'what is ignored is told',
    section: '§8',
    remedy: 'nothing, unless the guest needs it',
  },
  'O-085': {
    title: 'the same package gives the same plan',
    section: '§7',
    remedy: 'nothing: VEP sees to it',
  },
  'O-086': {
    title: 'terms of an agreement name items that the descriptor has',
    section: '§7',
    remedy: 'name an ovf:id of the descriptor',
  },
} as const satisfies Record<string, Rule>;
