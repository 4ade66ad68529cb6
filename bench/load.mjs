/** Load: the same request again and again over a few connections that are kept open. */

import http from 'node:http';

const CONNECTIONS = 8;

export class Load {
  #agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  /** Sends `count` requests, `CONNECTIONS` at a time. Answers the length of the last body; refuses unexpected answers. */
  async run(url, request, count) {
    let left = count;
    let bytes = 0;
    const client = async () => {
      while (left-- > 0) bytes = (await this.send(url, request)).length;
    };
    await Promise.all(Array.from({ length: Math.min(CONNECTIONS, count) }, client));
    return bytes;
  }

  /** One request; resolves with the body. */
  send(url, { method = 'GET', headers = {}, body, status = 200 }) {
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
      const request = http.request(
        url,
        { method, agent: this.#agent, headers: { ...headers, ...length } },
        (response) => {
          const chunks = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            if (response.statusCode === status) resolve(text);
            else reject(new Error(`${method} ${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
          });
          response.on('error', reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}
