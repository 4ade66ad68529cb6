/** Identifiers of the OCCI monitoring draft (`spec/occi.md` §9); `categories.json` defines the categories. */

import type { TypeId } from '../../src/occi/model.js';

const MONITORING = 'http://schemas.ogf.org/occi/monitoring#';

export const SENSOR: TypeId = `${MONITORING}sensor`;
export const COLLECTOR: TypeId = `${MONITORING}collector`;

export const TIMEBASE = 'occi.sensor.timebase';
export const TIMESTART = 'occi.sensor.timestart';
export const TIMESTOP = 'occi.sensor.timestop';
export const ACCURACY = 'occi.sensor.accuracy';
