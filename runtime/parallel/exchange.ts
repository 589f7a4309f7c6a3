/** Sums lists of numbers over workers: all send theirs to the first one, which sends the sum back. */
import { once } from "node:events";
import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Peer } from "./peer.ts";

/** Longest that workers wait for one another to begin: some compile their script first. */
const JOIN_MS = 60_000;
const POLL_MS = 20;

export interface Exchange {
  /**
   * The sum over all workers, in float32 and in the order of their ranks: ((a₀ + a₁) + a₂) + …, as one
   * worker would accumulate them.
   */
  sum(values: Float32Array): Promise<Float32Array>;
  close(): void;
}

/** The first worker's end: listens at `path`, and resolves when all others are there. */
export async function openHub(path: string, size: number): Promise<Exchange> {
  const peers = new Map<number, Peer>();
  const complete = Promise.withResolvers<void>();
  const server = createServer(socket => {
    void greet(socket, peers, size).then(
      () => peers.size === size - 1 && complete.resolve(),
      () => socket.destroy(),
    );
  });
  await listen(server, path);
  await Promise.race([complete.promise, sleep(JOIN_MS, undefined, { ref: false })]);
  server.close();
  if (peers.size < size - 1) {
    throw new Error(`Only ${peers.size + 1} of ${size} workers have joined the group at ${path}.`);
  }
  const others = [...peers].sort(([a], [b]) => a - b);
  return {
    sum: async values => {
      const sum = values.slice();
      for (const [rank, peer] of others) addTo(sum, await peer.next(), rank);
      for (const [, peer] of others) peer.send(sum);
      return sum;
    },
    close: () => {
      for (const peer of peers.values()) peer.close();
    },
  };
}

/** Another worker's end. */
export async function joinHub(path: string, rank: number): Promise<Exchange> {
  const socket = await reach(path);
  const hub = new Peer(socket, "Worker 0");
  hub.send(Float32Array.of(rank));
  return {
    sum: values => {
      hub.send(values);
      return hub.next();
    },
    close: () => hub.close(),
  };
}

/** Lets a worker in that says which it is. */
async function greet(socket: Socket, peers: Map<number, Peer>, size: number): Promise<void> {
  const peer = new Peer(socket, "A worker");
  const [rank = 0] = await peer.next();
  if (rank < 1 || rank >= size || peers.has(rank)) {
    throw new Error(`There is no place for a worker of rank ${rank}.`);
  }
  peer.name = `Worker ${rank}`;
  peers.set(rank, peer);
}

/** Listens where nobody else of this machine's users can connect. */
async function listen(server: Server, path: string): Promise<void> {
  const isFile = process.platform !== "win32";
  // A worker that was killed has left it there; any other file is not ours to remove.
  if (isFile && lstatSync(path, { throwIfNoEntry: false })?.isSocket()) rmSync(path);
  server.listen(path);
  await once(server, "listening");
  if (isFile) chmodSync(path, 0o600);
}

/** Connects as soon as the first worker listens. */
async function reach(path: string): Promise<Socket> {
  for (let waited = 0; ; waited += POLL_MS) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      if (waited >= JOIN_MS) {
        throw new Error(`The first worker of the group at ${path} cannot be reached.`, {
          cause: error,
        });
      }
      await sleep(POLL_MS);
    }
  }
}

function addTo(sum: Float32Array, values: Float32Array, rank: number): void {
  if (values.length !== sum.length) {
    throw new Error(
      `Worker ${rank} has gradients of ${values.length} numbers, and worker 0 of ${sum.length}: all ` +
        "have to train the same parameters.",
    );
  }
  // The sum of two float32 in float64 is exact enough to round to what float32 arithmetic gives.
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (values[i] ?? 0);
}
