/**
 * Living sidecars: a private folder with one file for each, by which a client that was away finds
 * its run again.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { object, string } from "../protocol/validate.ts";
import { isAlive, type ProcessIdentity, processIdentity } from "./process.ts";

/** How a sidecar is reached. */
export interface Registration {
  readonly id: string;
  readonly process: ProcessIdentity;
  /** Path of the Unix domain socket, or name of the pipe. */
  readonly socket: string;
  /** What a client must know to be let in. */
  readonly token: string;
  readonly runFolder: string;
  readonly script: string;
}

/** Longest path that every system takes for a Unix domain socket. */
const MAX_SOCKET_PATH = 100;

const registration = object<Registration>({
  id: string,
  process: processIdentity,
  socket: string,
  token: string,
  runFolder: string,
  script: string,
});

/**
 * The private folder of this user for sockets and registrations, made if need be. Throws if
 * somebody else has made it, or can look into it.
 */
export function runtimeFolder(): string {
  const { uid, username } = userInfo();
  const name = `stepscope-${uid === -1 ? username : uid}`;
  const folder = [process.env.XDG_RUNTIME_DIR ?? "", tmpdir(), "/tmp"]
    .filter(parent => parent !== "")
    .map(parent => join(parent, name))
    .find(path => process.platform === "win32" || path.length + 22 <= MAX_SOCKET_PATH);
  if (!folder) throw new Error(`No folder for sockets: the path of ${tmpdir()} is too long.`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid: owner } = lstatSync(folder);
  const isPrivate = (mode & 0o077) === 0 && owner === uid;
  if (process.platform !== "win32" && !isPrivate) {
    throw new Error(
      `${folder} must belong to you and be closed to others (mode 0700). Remove it and try again.`,
    );
  }
  return folder;
}

/** A socket path, or the name of a pipe, that nobody uses; `unique` is at most 16 characters. */
export function socketPath(unique: string): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\stepscope-${unique}`;
  return join(runtimeFolder(), `${unique}.sock`);
}

/** Makes a sidecar known. */
export function register(entry: Registration): void {
  const file = registrationFile(entry.id);
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${file}.new`, JSON.stringify(entry), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Removes a sidecar's registration and socket. */
export function unregister({ id, socket }: Registration): void {
  rmSync(registrationFile(id), { force: true });
  if (process.platform !== "win32") rmSync(socket, { force: true });
}

/** The sidecars that live. What dead ones have left behind is removed. */
export function livingSidecars(): Registration[] {
  const folder = runtimeFolder();
  const living: Registration[] = [];
  for (const name of readdirSync(folder).filter(file => file.endsWith(".json"))) {
    const entry = read(join(folder, name));
    if (!entry) continue;
    if (isAlive(entry.process)) living.push(entry);
    else unregister(entry);
  }
  return living;
}

function registrationFile(id: string): string {
  return join(runtimeFolder(), `${id}.json`);
}

/** A registration; undefined if the file is gone by now or is none. */
function read(file: string): Registration | undefined {
  try {
    return registration(JSON.parse(readFileSync(file, "utf8")), file);
  } catch {
    return undefined;
  }
}
