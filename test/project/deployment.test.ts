/**
 * What cannot be built on a developer's machine is at least read: the container image, the composition, the proxy and the
 * package itself.
 */

import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { parseConfig } from '../../src/base/config-file.js';

const read = (path: string): string => readFileSync(path, 'utf8');

interface Service {
  readonly image?: string;
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address: string }>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
}

describe('compose.yaml', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
    readonly volumes: Readonly<Record<string, null>>;
    readonly networks: Readonly<Record<string, unknown>>;
  };
  const services = Object.entries(compose.services);

  it('runs two VEP processes behind a proxy, PostgreSQL and RabbitMQ', () => {
    expect(Object.keys(compose.services).sort()).toEqual(['postgres', 'proxy', 'rabbitmq', 'vep-1', 'vep-2']);
  });

  it.each(services)('%s names a versioned image, networks, volumes and services that exist', (_name, service) => {
    expect(service.image).toMatch(/^[\w/.-]+:(?!latest)[\w.-]+$/);
    const networks = Array.isArray(service.networks) ? service.networks : Object.keys(service.networks);
    for (const network of networks) expect(compose.networks).toHaveProperty(String(network));
    for (const volume of service.volumes ?? []) {
      const source = volume.split(':')[0]!;
      if (source.startsWith('./')) expect(existsSync(source)).toBe(true);
      else expect(compose.volumes).toHaveProperty(source);
    }
    for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services).toHaveProperty(other);
  });

  it('opens no port beyond loopback, and holds no password', () => {
    for (const port of services.flatMap(([, service]) => service.ports ?? [])) expect(port).toMatch(/^127\.0\.0\.1:/);
    for (const [, service] of services) {
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        if (/PASSWORD|DATABASE_URL/.test(name)) expect(value).toContain('${VEP_DB_PASSWORD:?');
      }
    }
  });

  it('waits for health only where there is a health check', () => {
    for (const [, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        if (condition === 'service_healthy' && !other.startsWith('vep-'))
          expect(compose.services[other]?.healthcheck).toBeDefined();
      }
    }
  });

  it('gives the processes a configuration that VEP accepts and that trusts the proxy alone', () => {
    const { server } = parseConfig(read('deploy/vep.yaml'), {});
    const proxy = compose.services['proxy']?.networks as Readonly<Record<string, { readonly ipv4_address: string }>>;
    expect(server.trustedPeers).toEqual([proxy['inside']?.ipv4_address]);
    expect(server.plainBeyondLoopback).toBe(true);
  });
});

describe('deploy/nginx.conf', () => {
  const conf = read('deploy/nginx.conf');

  it('is balanced and ends every directive', () => {
    const lines = conf.split('\n').map((line) => line.replace(/#.*$/, '').trim());
    expect(conf.split('{').length).toBe(conf.split('}').length);
    for (const line of lines.filter((each) => each !== '')) expect(line).toMatch(/[;{}]$/);
  });

  it.each([
    ...['Client-Cert', 'Client-Cert-Chain', 'X-Forwarded-Client-Cert', 'X-SSL-Client-Cert', 'X-SSL-Client-Verify'],
    ...['X-SSL-Client-S-DN', 'X-Remote-User', 'SSL-Client-S-DN', 'GRST-CRED-0', 'GRST-VOMS-FQANS', 'Forwarded'],
  ])('S-041 takes the header %s away, in every location', (header) => {
    expect(conf).toContain(`proxy_set_header ${header} "";`);
    const locations = conf.slice(conf.indexOf('location /'));
    expect(locations).not.toContain('proxy_set_header');
  });

  it('sets the forwarding headers itself', () => {
    expect(conf).toContain('proxy_set_header X-Forwarded-For $remote_addr;');
    expect(conf).toContain('underscores_in_headers off;');
  });
});

describe('Dockerfile', () => {
  const instructions = read('Dockerfile')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));

  it('has two stages on the same versioned base', () => {
    const stages = instructions.filter((line) => line.startsWith('FROM '));
    expect(stages).toEqual(['FROM node:20-bookworm AS build', 'FROM node:20-bookworm-slim']);
  });

  it('uses known instructions, and runs as an ordinary user with a health check', () => {
    const known = /^(FROM|WORKDIR|COPY|RUN|ENV|USER|VOLUME|EXPOSE|HEALTHCHECK|STOPSIGNAL|CMD) /;
    for (const line of instructions) expect(line).toMatch(known);
    expect(last).toContain('USER node');
    expect(last.findIndex((line) => line === 'USER node')).toBeGreaterThan(
      last.findIndex((line) => line.startsWith('RUN ')),
    );
    expect(last.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true);
    expect(last.at(-1)).toBe('CMD ["node", "dist/src/cli/main.js", "serve"]');
  });

  it('copies only what is there and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const line of instructions.filter((each) => each.startsWith('COPY ') && !each.includes('--from='))) {
      for (const source of line.split(' ').slice(1, -1)) {
        expect([source, existsSync(source)]).toEqual([source, true]);
        expect(allowed).toContain(source.split('/')[0]);
      }
    }
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as {
    readonly private: boolean;
    readonly engines: Readonly<Record<string, string>>;
    readonly bin: Readonly<Record<string, string>>;
    readonly scripts: Readonly<Record<string, string>>;
  };

  it('cannot be published by accident and says which Node it needs', () => {
    expect(manifest.private).toBe(true);
    expect(manifest.engines).toEqual({ node: '>=20.19.0' });
  });

  it('prepares with plain Node before start and test, and starts what the command is', () => {
    expect(manifest.scripts['prestart']).toBe('node scripts/prepare.mjs');
    expect(manifest.scripts['pretest']).toBe('node scripts/prepare.mjs');
    expect(manifest.scripts['start']).toBe(`node ${manifest.bin['vep']} serve`);
    expect(read('scripts/prepare.mjs')).not.toMatch(/from '(?!node:)/);
    // npm's banner must not come before the first line of `vep serve`.
    expect(read('.npmrc')).toMatch(/^loglevel=silent$/m);
  });

  it('has a lock file for all platforms, without the address of a registry', () => {
    const lock = JSON.parse(read('package-lock.json')) as {
      readonly packages: Readonly<Record<string, { readonly resolved?: string }>>;
    };
    expect(Object.values(lock.packages).filter((entry) => entry.resolved !== undefined)).toEqual([]);
    for (const name of ['@swc/core-darwin-arm64', '@swc/core-linux-x64-gnu', '@swc/core-win32-x64-msvc']) {
      expect(lock.packages).toHaveProperty([`node_modules/${name}`]);
    }
  });

  it.each(['.ci/run', '.ci/openstack'])('has an executable %s', (command) => {
    accessSync(command, constants.X_OK);
  });
});
