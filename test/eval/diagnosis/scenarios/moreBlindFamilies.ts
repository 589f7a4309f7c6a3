/**
 * More families that nobody has judged anything by, written down as those of `blindFamilies.ts` were: other tasks, data,
 * models and losses than these and all before.
 */
import { nn } from "../../../../runtime/index.ts";
import { blind } from "./blindFamilies.ts";
import { type Family, family } from "./family.ts";
import { mlp } from "./models.ts";
import * as models from "./moreBlindModels.ts";
import * as tasks from "./moreBlindTasks.ts";

const FULL = undefined;

const WITHOUT_MOMENTUM: readonly Family[] = [
  blind("residualconv_sgd", "sgd", tasks.otherDigits, () => new models.ResidualConv(), {
    steps: 120,
    schedule: "cos",
    decay: 5e-4,
    rates: [-3.5, 2],
  }),
  blind("mails_sgd", "sgd", tasks.mails, () => mlp([120, 1]), {
    batchSize: 8,
    steps: 200,
    decay: 1e-3,
  }),
  blind("claims_sgd", "sgd", tasks.claims, () => mlp([6, 1]), { batchSize: 64, steps: 250 }),
  blind("hills_sgd", "sgd", tasks.hills, () => mlp([100, 1]), {
    batchSize: 16,
    steps: 400,
    rates: [-4.5, 0.5],
  }),
  blind("names_sgd", "sgd", tasks.names, () => new models.Bigrams(), {
    batchSize: 64,
    steps: 1000,
    rates: [-1, 4],
  }),
  blind("growth_gd", "sgd", tasks.growth, () => new models.Growth(), {
    batchSize: FULL,
    steps: 1500,
  }),
  blind("either_gd", "sgd", tasks.either, models.sigmoids, {
    batchSize: FULL,
    steps: 2000,
    rates: [-2, 3],
  }),
];

const WITH_MOMENTUM: readonly Family[] = [
  blind("temperatures_mom", "mom", tasks.temperatures, models.dayConv, {
    batchSize: 64,
    steps: 120,
  }),
  blind("spots_mom", "mom", tasks.spots, models.spotConv, {
    batchSize: 16,
    steps: 200,
    schedule: "warmcos",
  }),
  blind("rankings_mom", "mom", tasks.rankings, () => new models.Ranker(), { steps: 300 }),
  blind("survival_nesterov", "nesterov", tasks.survival, () => mlp([8, 24, 1], nn.SiLU), {
    batchSize: 64,
    steps: 350,
  }),
  blind("heaps_mom", "mom", tasks.heaps, () => new models.Heaps(), {
    batchSize: FULL,
    steps: 800,
  }),
  blind("arms_nesterov", "nesterov", tasks.arms, () => mlp([3, 48, 48, 2], nn.Tanh), {
    steps: 1500,
    schedule: "step",
    decay: 1e-4,
  }),
];

const ADAMS: readonly Family[] = [
  blind("papers_adamw", "adamw", tasks.papers, () => new models.GraphConv(), {
    batchSize: FULL,
    steps: 200,
    decay: 5e-4,
    rates: [-4.5, 1.5],
  }),
  family(
    "blind",
    "lessons_adamw",
    "adamw",
    async () => ({ task: await tasks.lessons(), model: mlp([64, 16, 10]) }),
    { batchSize: 128, steps: 250, schedule: "cos", decay: 0.01 },
  ),
  blind("patches_adamw", "adamw", tasks.otherDigits, () => new models.PatchTransformer(), {
    steps: 300,
    schedule: "warmcos",
    clip: 1,
    decay: 0.05,
  }),
  blind("spreads_nadam", "nadam", tasks.spreads, () => new models.DeepSet(), { steps: 400 }),
  blind("sonnets_adam", "adam", tasks.sonnets, () => new models.LetterReader(), {
    steps: 300,
    clip: 1,
  }),
  blind("captions_adamw", "adamw", tasks.captions, () => new models.Matcher(), {
    batchSize: 64,
    steps: 500,
    decay: 0.05,
  }),
  blind("clock_adamw", "adamw", tasks.clock, () => new models.HourAdder(), {
    batchSize: 128,
    steps: 600,
    decay: 0.1,
  }),
  blind("strings_adam", "adam", tasks.strings, () => new models.HeldString(), {
    batchSize: FULL,
    steps: 1000,
  }),
];

const OTHERS: readonly Family[] = [
  blind("enlarged_rmsprop", "rmsprop", tasks.smallDigits, models.enlarger, {
    batchSize: 16,
    steps: 150,
  }),
  blind("reviews_lion", "lion", tasks.reviews, () => new models.TextConv(), {
    batchSize: 16,
    steps: 250,
    decay: 0.1,
  }),
  blind("middles_lion", "lion", tasks.middles, () => new models.TwoHeads(), {
    steps: 300,
    decay: 0.01,
  }),
  blind("forests_adagrad", "adagrad", tasks.forests, () => mlp([12, 32, 5]), {
    batchSize: 128,
    steps: 350,
  }),
  blind("marked_rmsprop", "rmsprop", tasks.marked, () => new models.MarkReader(), {
    steps: 600,
    clip: 1,
  }),
  blind("neighbours_adagrad", "adagrad", tasks.neighbours, () => new models.Neighbours(), {
    batchSize: 64,
    steps: 800,
  }),
];

export const MORE_BLIND: readonly Family[] = [
  ...WITHOUT_MOMENTUM,
  ...WITH_MOMENTUM,
  ...ADAMS,
  ...OTHERS,
];
