/** SSH keys: EC2 puts one into a machine, out of a key pair that has a name. Each machine has one of its own, which goes with it. */

import type { CallOptions, ComputeSpec } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { isCode, unlessGone } from './ec2-error.js';
import { tagged, tagsOf, uniqueName } from './marks.js';

export class KeyPairs {
  readonly #api: Ec2Api;
  readonly #realm: string;

  constructor(api: Ec2Api, realm: string) {
    this.#api = api;
    this.#realm = realm;
  }

  /** The name of a machine's own, made if there is none; nothing where it has no key. */
  async of(spec: ComputeSpec, token: string, call: CallOptions): Promise<string | undefined> {
    const [key] = spec.sshKeys ?? [];
    if (key === undefined) return undefined;
    const name = uniqueName(this.#realm, token);
    const material = { KeyName: name, PublicKeyMaterial: Buffer.from(key, 'utf8') };
    const tags = tagged('key-pair', tagsOf(this.#realm, spec, token));
    await this.#api.ask('ImportKeyPair', { ...material, TagSpecifications: tags }, call).catch((error: unknown) => {
      if (!isCode(error, /^InvalidKeyPair\.Duplicate$/)) throw error;
    });
    return name;
  }

  forgetOf(token: string, call: CallOptions): Promise<void> {
    return this.forget(uniqueName(this.#realm, token), call);
  }

  /** Deletes one that VEP has made. */
  async forget(name: string, call: CallOptions): Promise<void> {
    if (!name.startsWith(`${this.#realm}-`)) return;
    await this.#api.ask('DeleteKeyPair', { KeyName: name }, call).catch(unlessGone);
  }
}
