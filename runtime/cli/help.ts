/** What the command line says of itself. */
import { VERSION } from "../protocol/version.ts";

const TITLE = `stepscope ${VERSION}: watch the training loops of TypeScript files`;

/** How each command is called. */
const COMMANDS = {
  train: `
  stepscope train FILE [--seed N] [--json] [--strict] [-- ARGS]
                                                       Train, and show how it goes
  stepscope train --resume RUN [FILE] …                Go on from the last checkpoint of a run, with its
                                                       file, seed and arguments unless others are given
      --seed N             Seed of all random numbers (0; a call of manualSeed in the script wins)
      --lr RATE            Learning rate in the place of the script's; schedules and groups go along
      --seed-offset N      Added to every seed, also to that of manualSeed
      --tag WORD           Tag of the run in the list of runs
      --json               One JSON object a line; the script's own output goes to standard error
      --strict             Exit code 3 where the diagnosis still finds fault at the end
      --rewind-memory MIB  GPU memory for states that the run can go back to (256; 0 for none)
      ARGS                 Arguments for the script`,
  "find-lr": `
  stepscope find-lr FILE [--planned N] [--steps N] …   Try learning rates before a run, and suggest one
      --planned N          Steps that the run is to have
      --steps N            Rates that are tried (100); also --seed, --json and ARGS as train has them`,
  sweep: `
  stepscope sweep FILE --lr FROM..TO [--seeds N] …     Train with each of several learning rates, and say
                                                       which is best; called again it goes on
      --lr FROM..TO        The least and the greatest rate, such as 1e-4..1e-1
      --points N           How many rates, at equal distances of their logarithms (two a decade)
      --metric NAME        Rank by what the script logs under this name last, not by the training loss
      --mode MODE          min or max: which values of the metric are good (min for a loss)
      --seeds N            Runs of each rate (1): the script's own seed, the next one, …
      --parallel N         Runs at the same time (1)
      --tag WORD           Tag of the runs (sweep); also --json and ARGS as train has them
      --emit ENGINE        Print it as a job for slurm, kubernetes or ray instead`,
  runs: `
  stepscope runs [FOLDER]                              List the runs of a project`,
  view: `
  stepscope view [RUN] [RUN …]                         Show a run in a browser of this machine, compared
                                                       with the others
      RUN                  Id of a run, a part of it, or its folder; the newest without it`,
  diff: `
  stepscope diff RUN1 RUN2 [--json]                    Say in what two runs differ: options, arguments,
                                                       seed, machine, and the script`,
  baseline: `
  stepscope baseline [RUN | --none]                    Pin a run that panels show behind every other
                                                       of its project, unpin it, or say which it is`,
  export: `
  stepscope export [RUN] [--format F] [--output PATH]  Write a run as files for other programs
      RUN                  As view has it; the newest without it
      --format F           csv (tables), json (lines as of train --json) or tensorboard (csv)
      --output P           Where to; a new folder, or a new file for json`,
  import: `
  stepscope import PATH                                Make runs of TensorBoard's event files`,
  diagnose: `
  stepscope diagnose TRACE                             Judge the learning rates of recorded runs
      TRACE                JSON lines, also compressed by gzip; - is standard input`,
  doctor: `
  stepscope doctor                                     Say what this machine computes on`,
} as const;

const END = `
  stepscope --help | --version                         COMMAND --help says this of one command

Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 findings (--strict), 130 stopped.`;

function isCommand(command: string | undefined): command is keyof typeof COMMANDS {
  return command !== undefined && Object.hasOwn(COMMANDS, command);
}

/** How a command is called; how all are without one, or of one that there is not. */
export function helpText(command?: string): string {
  const usage = isCommand(command) ? COMMANDS[command] : Object.values(COMMANDS).join("") + END;
  return `${TITLE}\n${usage}`;
}

/** What shows how a command is called. */
export function helpCommand(command?: string): string {
  return isCommand(command) ? `stepscope ${command} --help` : "stepscope --help";
}
