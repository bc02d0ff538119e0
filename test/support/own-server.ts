/** Two questions that every server of the tests has: what came in, and on which port it listens. */
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

/** The body of a request or an answer. */
export async function textOf(message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
