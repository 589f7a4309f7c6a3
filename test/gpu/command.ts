/** The command line as a program that others start. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { CLI } from "./training-project.ts";

/** Starts `stepscope` with these arguments in a folder. */
export function startCommand(folder: string, ...args: string[]) {
  return follow(folder, process.execPath, [CLI, ...args]);
}

/** Starts a program in a folder, with variables on top of those of this process. */
export function follow(
  folder: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
) {
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "", code: undefined as number | null | undefined };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", text => {
      output[name] += text;
    });
  }
  const ended = once(child, "close").then(([code]) => Object.assign(output, { code }));
  return { child, output, ended };
}

/** The objects of a `--json` output. */
export function objects(stdout: string) {
  return stdout
    .trim()
    .split("\n")
    .map(line => JSON.parse(line));
}
