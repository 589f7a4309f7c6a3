/**
 * Rules that look at one step after the other, beside the verdict on the learning rate. Each says
 * what it sees; here it is decided when that is told, and when it is taken back.
 */
import type { ChangeRecord } from "../../protocol/control.ts";
import type {
  Evidence,
  Finding,
  FindingCode,
  FindingSubject,
  Severity,
  Suggestion,
} from "../../protocol/finding.ts";
import type { GroupRecord, TensorRecord } from "../../protocol/run.ts";
import type { StepBatch } from "../../protocol/steps.ts";
import type { Signals } from "./signals.ts";

/** A step, and what is known of its run. */
export interface StepView {
  /** Number of the step in the run; counts from 1. */
  readonly t: number;
  /** Steps since the rules began to look. */
  readonly seen: number;
  readonly batch: StepBatch;
  /** The step's row in the batch. */
  readonly row: number;
  readonly tensors: readonly TensorRecord[];
  readonly groups: readonly GroupRecord[];
  /** What clients have changed. */
  readonly changes: readonly ChangeRecord[];
  /** How the run goes, since the learning rate was changed by hand. */
  readonly signals: Signals;
  /** What is said of the learning rate. */
  readonly rate: Finding | undefined;
}

/** What is wrong: in words, and in two numbers or more. */
export interface Symptom {
  readonly title: string;
  readonly advice: string;
  readonly evidence: readonly [Evidence, Evidence, ...Evidence[]];
  readonly about: FindingSubject;
  readonly suggestion?: Suggestion;
}

export interface Rule {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Looks in a row at which it has to be so before it is told, and to be over to be taken back. */
  readonly patience: number;
  /** What is wrong at this step; undefined where nothing is. */
  look(step: StepView): Symptom | undefined;
}

/** Steps from one look to the next: what they look for lasts. */
export const STEPS_A_LOOK = 5;

interface Course {
  readonly rule: Rule;
  /** Looks in a row that differ from what is told. */
  streak: number;
  open: Finding | undefined;
  told: number;
}

/** Rules over the course of a run. */
export class Rules {
  readonly #courses: readonly Course[];

  /** @param before rules of a run that this one goes on from: what of them is told is followed on. */
  constructor(rules: readonly Rule[], before?: Rules) {
    const courses = before ? before.#courses : [];
    this.#courses = rules.map(rule => {
      const known = courses.find(each => each.rule.code === rule.code);
      return known?.open ? known : { rule, streak: 0, open: undefined, told: known?.told ?? 0 };
    });
  }

  /** Takes in the next step. Returns new versions of findings. */
  step(view: StepView): readonly Finding[] {
    if (view.seen % STEPS_A_LOOK !== 0) return [];
    return this.#courses.flatMap(course => follow(course, view) ?? []);
  }

  /** Whether a rule is told. */
  isTold(rule: Rule): boolean {
    return this.#courses.some(course => course.rule === rule && course.open);
  }

  /** Takes back what is told since a later step than `to`; all of it by default. */
  clear(step: number, to = Number.NEGATIVE_INFINITY): readonly Finding[] {
    return this.#courses.flatMap(course =>
      course.open && course.open.since > to ? (close(course, step) ?? []) : [],
    );
  }
}

function follow(course: Course, view: StepView): Finding | undefined {
  const { rule, open } = course;
  const symptom = rule.look(view);
  const differs = (symptom === undefined) === (open !== undefined);
  course.streak = differs ? course.streak + 1 : 0;
  if (course.streak < rule.patience) return undefined;
  return symptom ? raise(course, symptom, view.t) : close(course, view.t);
}

function raise(course: Course, symptom: Symptom, step: number): Finding {
  const { code, severity } = course.rule;
  const { title, advice, evidence, about, suggestion } = symptom;
  course.streak = 0;
  course.open = {
    id: `${code}:${++course.told}`,
    code,
    severity,
    state: "raised",
    title,
    message: `${evidence[0].text} ${advice}`,
    about,
    confidence: 1,
    since: step,
    step,
    evidence,
    ...(suggestion && { suggestion }),
  };
  return course.open;
}

function close(course: Course, step: number): Finding | undefined {
  const { open } = course;
  course.streak = 0;
  course.open = undefined;
  return open && { ...open, state: "cleared", step };
}
