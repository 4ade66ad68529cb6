/**
 * Asks the VEP in this container whether it is alive, and ends with 0 if it is. Tries plain HTTP first, then TLS, whose
 * certificate is not checked: the question goes to this machine only.
 */

import http from 'node:http';
import https from 'node:https';

const where = { host: '127.0.0.1', port: Number(process.env.VEP_PORT || 8787), path: '/health/live', timeout: 4000 };

const ask = (protocol, options) =>
  new Promise((resolve) => {
    const request = protocol.get(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
  });

const status = (await ask(http, where)) ?? (await ask(https, { ...where, rejectUnauthorized: false }));
process.exit(status === 200 ? 0 : 1);
