/**
 * The monitoring extension: sensors, collectors and the tags of metrics, aggregators and publishers (OCCI monitoring draft,
 * `spec/occi.md` §9), at its conformance profile 2: they exist, and users may make mixins that depend on the tags.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../src/base/json.js';
import { packageRoot } from '../../src/base/package-root.js';
import type { Extension } from '../../src/extension/extension.js';
import { CollectorHandler } from './collector.js';
import { SensorHandler } from './sensor.js';

export function createMonitoring(): Extension {
  const categories = join(packageRoot, 'extensions/monitoring/categories.json');
  return {
    name: 'monitoring',
    categories: [JSON.parse(readFileSync(categories, 'utf8')) as JsonValue],
    entitySchemas: [],
    migrations: [],
    handlers: [new SensorHandler(), new CollectorHandler()],
    operations: [],
    bodyReaders: [],
    renderings: [],
    routes: [],
    tasks: [],
  };
}
