/** OpenStack as one project sees it: its services, each with the token of that project. */

import type { CallOptions } from '../../adapter.js';
import type { Line } from './line.js';
import type { OpenStackOptions } from './options.js';
import { Service } from './service.js';
import type { Session, Token } from './session.js';

export class Cloud {
  readonly compute: Service;
  readonly image: Service;
  readonly network: Service;
  readonly volume: Service;
  readonly placement: Service;
  readonly #session: Session;

  constructor(line: Line, session: Session, options: OpenStackOptions) {
    const context = { line, session, options };
    this.#session = session;
    this.compute = new Service('compute', context);
    this.image = new Service('image', context);
    this.network = new Service('network', context);
    this.volume = new Service('volume', context);
    this.placement = new Service('placement', context);
  }

  /** Of the project: signs in where that has not been done. */
  token(options: CallOptions): Promise<Token> {
    return this.#session.token(options);
  }

  /** See {@link Session.admitted}. */
  admitted<T>(options: CallOptions, work: (token: Token) => Promise<T>): Promise<T> {
    return this.#session.admitted(options, work);
  }

  /** Id of the project. */
  async project(options: CallOptions): Promise<string> {
    return (await this.token(options)).project;
  }
}
