/** A small client of a real OpenStack for tests: what an administrator does before and after, and looks at between. */

/** Where the fixture is, if it is: `VEP_TEST_OPENSTACK` names Keystone, with the password of `admin` behind a `#`. */
const SETTING = process.env['VEP_TEST_OPENSTACK'];

export const realOpenStack: { readonly authUrl: string; readonly password: string } | undefined =
  SETTING === undefined || SETTING === ''
    ? undefined
    : { authUrl: SETTING.replace(/#.*$/, ''), password: SETTING.split('#')[1] ?? 'fixture' };

// Answers of OpenStack as they are: tests look into them.
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- documents of others
type Body = any;

export class Account {
  readonly #token: string;
  readonly project: string;
  readonly user: string;

  private constructor(token: string, project: string, user: string) {
    this.#token = token;
    this.project = project;
    this.user = user;
  }

  static async signIn(name: string, password: string, project: string): Promise<Account> {
    const domain = { id: 'default' };
    const auth = {
      identity: { methods: ['password'], password: { user: { name, domain, password } } },
      scope: { project: { name: project, domain } },
    };
    const answer = await fetch(`${realOpenStack?.authUrl}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    });
    if (!answer.ok) throw new Error(`cannot sign in as ${name}: ${await answer.text()}`);
    const { token } = (await answer.json()) as Body;
    return new Account(answer.headers.get('x-subject-token') ?? '', token.project.id, token.user.id);
  }

  async ask(method: string, url: string, body?: unknown, more: Record<string, string> = {}): Promise<Body> {
    const answer = await fetch(url, {
      method,
      headers: {
        'x-auth-token': this.#token,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...more,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    const isJson = text !== '' && (answer.headers.get('content-type') ?? '').includes('json');
    return isJson ? JSON.parse(text) : {};
  }
}

/** Addresses of the services of the fixture. */
export const URLS = {
  identity: 'http://127.0.0.1:5000/v3',
  compute: 'http://127.0.0.1:8774/v2.1',
  image: 'http://127.0.0.1:9292/v2',
  network: 'http://127.0.0.1:9696/v2.0',
  volume: 'http://127.0.0.1:8776/v3',
} as const;
