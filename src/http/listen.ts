/**
 * The listening socket: limits of the protocol itself, TLS where it is configured, and the answers to what Node refuses
 * before any listener sees it (K18, K21).
 */

import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CertificateSignIn } from '../access/client-certificate.js';
import type { Config } from '../base/config.js';
import { Problem, problem } from '../base/errors.js';
import { SERVER } from './front.js';

export interface Listening {
  /** `http://127.0.0.1:8787` */
  readonly url: string;
  /** Takes no more connections, lets open requests end for up to `graceMs`, then closes the rest. */
  close(graceMs: number): Promise<void>;
}

/** How often connections that have become idle are looked for while closing. */
const SWEEP_MS = 50;

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** @throws Problem `invalid` for an address beyond loopback without TLS; `conflict` for a port that is taken */
export async function listen(
  config: Config['server'],
  certificates: CertificateSignIn | undefined,
  listener: http.RequestListener,
): Promise<Listening> {
  refusePlainBeyondLoopback(config);
  const options: http.ServerOptions = {
    maxHeaderSize: config.maxHeaderBytes,
    headersTimeout: Math.min(15_000, config.requestTimeoutMs),
    // How fast a body has to come is watched by each request (arrival.ts): large ones may take their time.
    requestTimeout: 0,
    keepAliveTimeout: 30_000,
    requireHostHeader: false,
  };
  const server = config.tls
    ? https.createServer({ ...options, ...tlsOf(config.tls), ...clientsOf(certificates) }, listener)
    : http.createServer(options, listener);
  // Header fields are bounded by their size alone; a limit on their number would drop the rest silently (C-218).
  server.maxHeadersCount = 0;
  server.on('clientError', refuseUnreadable);
  server.on('tlsClientError', () => undefined);
  if (server instanceof https.Server) renewWith(server, config, certificates);
  await bind(server, config);
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return { url: `${config.tls ? 'https' : 'http'}://${host}:${port}`, close: (graceMs) => close(server, graceMs) };
}

function refusePlainBeyondLoopback(config: Config['server']): void {
  if (config.tls || config.plainBeyondLoopback || LOOPBACK.test(config.host)) return;
  throw problem(
    'invalid',
    'config.plain-beyond-loopback',
    `listening on ${config.host} without TLS would show every credential to the network`,
    {
      place: { path: 'server.host' },
      rule: 'K22',
      remedy: 'configure server.tls, or set server.plainBeyondLoopback where a proxy in front ends TLS',
    },
  );
}

function tlsOf(tls: NonNullable<Config['server']['tls']>): https.ServerOptions {
  return {
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    minVersion: 'TLSv1.2',
    ciphers: MODERN_CIPHERS,
  };
}

/** Forward secrecy and authenticated encryption only (S-111); TLS 1.3 has nothing else. */
const MODERN_CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * Asks for certificates and lets every connection in: who may do what is not for TLS to say. Sessions are never resumed,
 * because a resumed one has lost the chain, and keeps the verdict of its first handshake (`spec/federation-auth.md` §3).
 */
function clientsOf(certificates: CertificateSignIn | undefined): https.ServerOptions {
  if (!certificates) return {};
  return {
    ca: [...certificates.authorities],
    requestCert: true,
    rejectUnauthorized: false,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  };
}

/** New connections hear of the authorities that there are by now. */
function renewWith(server: https.Server, { tls }: Config['server'], certificates: CertificateSignIn | undefined): void {
  certificates?.onChange(() => {
    if (tls) server.setSecureContext({ ...tlsOf(tls), ...clientsOf(certificates) });
  });
}

function bind(server: http.Server | https.Server, config: Config['server']): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') return reject(error);
      const why = error.code === 'EACCES' ? 'needs more rights' : 'is taken by another program';
      const fault = {
        code: 'server.port-taken',
        message: `port ${config.port} on ${config.host} ${why}`,
        place: { path: 'server.port' },
        remedy: 'stop that program, or set VEP_PORT (0 takes any free port)',
      };
      reject(new Problem('conflict', fault, { cause: error }));
    });
    server.listen(config.port, config.host, () => resolve());
  });
}

/** What cannot be parsed as HTTP, or is too long for it, still gets an answer that names this server. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Node hangs the answer at work on the socket: a second one must not be written into its middle.
  const answering = (socket as { _httpMessage?: http.ServerResponse })._httpMessage?.headersSent === true;
  if (answering || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const tooLong = error.code === 'HPE_HEADER_OVERFLOW';
  const timeout = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const status = tooLong ? '431 Request Header Fields Too Large' : timeout ? '408 Request Timeout' : '400 Bad Request';
  const text = tooLong
    ? 'the header fields are too long'
    : timeout
      ? 'the request took too long'
      : 'this is not a request that can be understood';
  const body = `error http.${tooLong ? 'headers-too-long' : timeout ? 'timeout' : 'unreadable'}: ${text}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\nServer: ${SERVER}\r\nContent-Type: text/plain; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function close(server: http.Server | https.Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    // A connection that was answering becomes idle only later, and its client would keep it open.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
    server.close(() => {
      clearTimeout(force);
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
