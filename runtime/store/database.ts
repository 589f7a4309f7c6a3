/** The SQLite file of a run: its tables, and how it is opened to write and to read. */
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** Raised when a table or a column of a batch changes; kept in the file as SQLite's `user_version`. */
export const STORE_VERSION = 6;

/**
 * The oldest version that is read: before 5 no steps were kept by columns, before 6 there were no bins of
 * what is known of all parameters.
 */
export const OLDEST_VERSION = 4;
export const FIRST_WITH_CHUNKS = 5;
export const FIRST_WITH_PYRAMIDS = 6;

/**
 * `run` and `progress` have one row each: what changes with every step is apart from the record,
 * which may be long. Columns of a batch are blobs of
 * little-endian numbers, as in memory, with a CRC-32 over the three of them. NaN is NULL.
 * Steps that fill a chunk (chunk.ts) move from `batch` to `chunk`, `curve`, `pyramid` and `tensor`, in the
 * transaction that brings the last of them; `total` has what is known of them all together.
 */
const SCHEMA = `
  CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    record TEXT NOT NULL,
    process TEXT NOT NULL
  ) STRICT;
  CREATE TABLE progress (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    steps INTEGER NOT NULL,
    finalLoss REAL
  ) STRICT;
  CREATE TABLE batch (
    firstStep INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    tensorCount INTEGER NOT NULL,
    steps BLOB NOT NULL,
    lr BLOB NOT NULL,
    tensors BLOB NOT NULL,
    crc INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE chunk (
    firstStep INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    groups INTEGER NOT NULL,
    tensorCount INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE curve (
    name TEXT NOT NULL,
    firstStep INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (name, firstStep)
  ) STRICT;
  CREATE TABLE pyramid (
    name TEXT NOT NULL,
    width INTEGER NOT NULL,
    firstStep INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (name, width, firstStep)
  ) STRICT;
  CREATE TABLE total (
    name TEXT PRIMARY KEY,
    least REAL NOT NULL,
    greatest REAL NOT NULL,
    firstOdd INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE tensor (
    name TEXT NOT NULL,
    width INTEGER NOT NULL,
    firstStep INTEGER NOT NULL,
    data BLOB NOT NULL,
    crc INTEGER NOT NULL,
    PRIMARY KEY (name, width, firstStep)
  ) STRICT;
  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    time REAL NOT NULL,
    step INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE metric (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    value REAL,
    step INTEGER NOT NULL,
    time REAL NOT NULL
  ) STRICT;
  CREATE TABLE histogram (step INTEGER PRIMARY KEY, words BLOB NOT NULL) STRICT;
  CREATE TABLE source (file TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;
  PRAGMA user_version = ${STORE_VERSION};
`;

type Sqlite = typeof import("node:sqlite");

let sqlite: Sqlite | undefined;

/** `node:sqlite`, without the warning that it is experimental: users can do nothing about it. */
function loadSqlite(): Sqlite {
  if (sqlite) return sqlite;
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    sqlite = process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
  return sqlite;
}

/** Makes the file of a new run, to be written by one process and read by many. */
export function createDatabase(file: string): DatabaseSync {
  const database = new (loadSqlite().DatabaseSync)(file);
  // In WAL mode readers never wait for the writer. NORMAL: a power cut may cost the last commits
  // and never the file.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA busy_timeout = 1000;
  `);
  database.exec(SCHEMA);
  return database;
}

/**
 * Opens the file of a run to read, while its writer lives or later. A file on a medium that cannot
 * be written, where SQLite cannot make its index of the log, is read as it stands.
 */
export function openDatabase(file: string): DatabaseSync {
  const { DatabaseSync } = loadSqlite();
  // `defensive` would forbid `writable_schema`, which keeps SQLite from refusing as a whole a file
  // that was cut short.
  const options = { readOnly: true, defensive: false };
  const immutable = new URL(`${pathToFileURL(file)}?immutable=1`);
  const attempts = [
    () => new DatabaseSync(file, options),
    () => new DatabaseSync(immutable, options),
  ];
  let failure: unknown;
  for (const open of attempts) {
    let database: DatabaseSync | undefined;
    try {
      database = open();
      database.exec("PRAGMA busy_timeout = 1000; PRAGMA writable_schema = ON;");
      database.prepare("SELECT count(*) FROM sqlite_schema").get();
      return database;
    } catch (error) {
      database?.close();
      failure ??= error;
    }
  }
  throw failure;
}
