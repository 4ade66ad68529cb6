/** The pages in headless Chromium: signing in, reading and writing with and without script, under their own policy. */

import { startTestServer, type TestServer } from '../support/server.js';
import { Chromium, chromium } from './html-chromium.js';

const run = chromium === undefined ? describe.skip : describe;
if (chromium === undefined) console.info('skipped: no Chromium is installed');

run('in a browser', () => {
  let server: TestServer;
  let browser: Chromium;
  beforeAll(async () => {
    server = await startTestServer();
    browser = await Chromium.launch(chromium ?? '', { username: 'user', password: server.tokens.user });
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });
  afterEach(() => expect(browser.complaints.splice(0)).toEqual([]));

  const heading = (): Promise<string> => browser.evaluate(`document.querySelector('h1').innerText`);
  const fill = (name: string, value: string): Promise<void> =>
    browser.evaluate(`document.querySelector('[name="${name}"]').value = ${JSON.stringify(value)}`);
  const press = (form: string, further = ''): Promise<void> =>
    browser.follow(`document.querySelector('form:has([name=form][value="${form}"])${further} button').click()`);

  it('signs in, makes a machine, starts, renames and deletes it', async () => {
    await browser.open(`${server.url}/compute/`);
    expect(await heading()).toBe('Compute');
    await fill('attribute:occi.core.title', 'by mouse');
    await fill('attribute:occi.compute.cores', '2');
    await press('create');
    expect(await heading()).toMatch(/^by mouse/);
    const path = new URL(await browser.evaluate('location.href')).pathname;
    await press('act');
    await server.wait(path, (reply) => reply.json.attributes['occi.compute.state'] === 'active');
    await browser.open(server.url + path);
    expect(await heading()).toMatch(/active$/);
    await fill('attribute:occi.core.title', 'Zürich „ß“ 東京');
    await press('update');
    expect(await heading()).toMatch(/^Zürich „ß“ 東京/);
    await press('remove');
    expect([await heading(), await browser.evaluate(`document.body.innerText.includes('Zürich')`)]).toEqual([
      'Compute',
      false,
    ]);
  });

  it('shows a refused form again, with focus on what is wrong', async () => {
    await browser.open(`${server.url}/network/`);
    await browser.evaluate(`document.querySelector('form:has([value=create])').noValidate = true`);
    await fill('attribute:occi.core.title', 'kept');
    await fill('attribute:occi.network.vlan', '99999');
    await press('create');
    expect(await browser.evaluate(`document.activeElement.getAttribute('role')`)).toBe('alert');
    expect(await browser.evaluate(`document.querySelector('[name="attribute:occi.core.title"]').value`)).toBe('kept');
    expect(browser.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
  });

  it('is read and written without script as well', async () => {
    await browser.call('Emulation.setScriptExecutionDisabled', { value: true });
    await browser.open(`${server.url}/network/`);
    await fill('attribute:occi.core.title', 'no script');
    await press('create');
    expect(await heading()).toMatch(/^no script/);
    expect(await browser.evaluate(`document.querySelector('[data-watch]').hidden`)).toBe(true);
    await browser.call('Emulation.setScriptExecutionDisabled', { value: false });
  });

  it('narrows the list of categories as one types', async () => {
    await browser.open(`${server.url}/-/`);
    const shown = `[...document.querySelectorAll('details.category')].filter((each) => !each.hidden).length`;
    const all = await browser.evaluate(shown);
    await browser.evaluate(
      `const box = document.querySelector('#narrow'); box.value = 'StorageLink'; box.dispatchEvent(new Event('input'))`,
    );
    const some = await browser.evaluate(shown);
    expect([all > 20, some > 0, some < 6]).toEqual([true, true, true]);
  });

  it('runs no script and loads no style that a page did not bring', async () => {
    await browser.open(server.url);
    await browser.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="data:,x" onerror="window.broken = true">')`,
    );
    await browser.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { text: 'window.broken = true' }))`,
    );
    expect(await browser.evaluate('window.broken')).toBeUndefined();
    expect(browser.complaints.splice(0).join('\n')).toContain('Content Security Policy');
  });

  it.each(['light', 'dark'] as const)('is legible in %s', async (scheme) => {
    for (const path of ['/', '/-/', '/compute/', '/appliance/']) {
      await browser.open(server.url + path);
      await browser.screenshot(1280, scheme);
      expect([path, await browser.evaluate(FAINT)]).toEqual([path, []]);
    }
  });

  it('needs no sideways scrolling on a narrow screen', async () => {
    for (const path of ['/', '/-/', '/compute/', '/networkinterface/']) {
      await browser.open(server.url + path);
      await browser.screenshot(360);
      expect([path, await browser.evaluate('document.documentElement.scrollWidth <= 360')]).toEqual([path, true]);
    }
  });
});

/** Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
const FAINT = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = getComputedStyle(each).backgroundColor;
      if ((parse(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  for (const details of document.querySelectorAll('details')) details.open = true;
  const faint = new Set();
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) faint.add(element.tagName + '.' + element.className);
  }
  return [...faint];
})()`;
