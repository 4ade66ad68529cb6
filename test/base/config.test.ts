import { parseConfig } from '../../src/base/config-file.js';
import { Problem } from '../../src/base/errors.js';

function faultsOf(text: string, environment = {}): string[] {
  try {
    parseConfig(text, environment);
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.faults.map((fault) => `${fault.code} ${fault.place?.path ?? fault.place?.line ?? ''}`);
  }
}

describe('parseConfig', () => {
  it('fills an empty file with defaults: loopback, port 8787, one simulated site', () => {
    const config = parseConfig('', {});
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 8787 });
    expect(config.sites.map((site) => [site.name, site.type])).toEqual([['sim', 'simulator']]);
    expect(config.templates.os).toHaveLength(2);
  });

  it('lets the environment override the file', () => {
    const config = parseConfig('server: {port: 1}', {
      VEP_PORT: '0',
      VEP_HOST: '::1',
      VEP_DATA_DIR: '/tmp/x',
      VEP_LOG_LEVEL: 'debug',
    });
    expect(config.server).toMatchObject({ host: '::1', port: 0 });
    expect(config.data.directory).toBe('/tmp/x');
    expect(config.log.level).toBe('debug');
  });

  it('K34 VEP_GUEST_URL stands for the guestUrl of every site without one', () => {
    const sites = 'sites: [{name: a, type: simulator, guestUrl: "https://a.example"}, {name: b, type: simulator}]';
    const config = parseConfig(sites, { VEP_GUEST_URL: 'https://vep.example' });
    expect(config.sites.map(({ guestUrl }) => guestUrl)).toEqual(['https://a.example', 'https://vep.example']);
    expect(faultsOf('', { VEP_GUEST_URL: 'vep.example' })).toEqual(['config.invalid ']);
    expect(faultsOf('sites: [{name: a, type: simulator, guestUrl: "http://"}]')).toHaveLength(1);
  });

  it.each([
    ['server: {port: 70000}', ['config.invalid server.port']],
    ['server: {prot: 1}\nlog: {level: loud}', ['config.unknown-key server.prot', 'config.invalid log.level']],
    ['sites: []', ['config.invalid sites']],
    ['sites: [{name: a, type: simulator}, {name: a, type: simulator}]', ['config.site-twice sites']],
    ['server: {port: [}', expect.arrayContaining([expect.stringMatching(/^config\.syntax \d/)])],
  ])('names every wrong key of %j', (text, expected) => {
    expect(faultsOf(text)).toEqual(expected);
  });

  it('refuses a port from the environment that is no number, naming the key', () => {
    expect(faultsOf('', { VEP_PORT: 'http' })).toEqual(['config.invalid server.port']);
  });
});
