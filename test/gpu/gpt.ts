/** minGPT (A. Karpathy), with its names. */
import { arange, nn, type Tensor } from "../../runtime/index.ts";

export interface GptSizes {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

class Block extends nn.Module {
  readonly ln_1: nn.LayerNorm;
  readonly ln_2: nn.LayerNorm;
  readonly c_attn: nn.Linear;
  readonly c_proj: nn.Linear;
  readonly c_fc: nn.Linear;
  readonly c_out: nn.Linear;
  readonly heads: number;

  constructor(width: number, heads: number) {
    super();
    this.heads = heads;
    this.ln_1 = new nn.LayerNorm(width);
    this.ln_2 = new nn.LayerNorm(width);
    this.c_attn = new nn.Linear(width, 3 * width);
    this.c_proj = new nn.Linear(width, width);
    this.c_fc = new nn.Linear(width, 4 * width);
    this.c_out = new nn.Linear(4 * width, width);
  }

  forward(input: Tensor): Tensor {
    const [batch = 1, length = 1, width = 1] = input.shape;
    const heads = this.c_attn
      .forward(this.ln_1.forward(input))
      .split(width, 2)
      .map(part => part.reshape(batch, length, this.heads, -1).transpose(1, 2));
    const [q = input, k = input, v = input] = heads;
    const y = nn.functional
      .scaledDotProductAttention(q, k, v, { isCausal: true })
      .transpose(1, 2)
      .reshape(batch, length, width);
    const x = input.add(this.c_proj.forward(y));
    return x.add(this.c_out.forward(this.c_fc.forward(this.ln_2.forward(x)).gelu("tanh")));
  }
}

export class Gpt extends nn.Module {
  readonly wte: nn.Embedding;
  readonly wpe: nn.Embedding;
  readonly h: nn.ModuleList<Block>;
  readonly ln_f: nn.LayerNorm;
  readonly lm_head: nn.Linear;

  constructor({ vocabulary, length, width, heads, layers }: GptSizes) {
    super();
    this.wte = new nn.Embedding(vocabulary, width);
    this.wpe = new nn.Embedding(length, width);
    this.h = new nn.ModuleList(Array.from({ length: layers }, () => new Block(width, heads)));
    this.ln_f = new nn.LayerNorm(width);
    this.lm_head = new nn.Linear(width, vocabulary, { bias: false });
  }

  /** @param tokens [batch, length], int32. */
  forward(tokens: Tensor): Tensor {
    let x = this.wte.forward(tokens).add(this.wpe.forward(arange(tokens.shape[1] ?? 0)));
    for (const block of this.h) x = block.forward(x);
    return this.lm_head.forward(this.ln_f.forward(x));
  }
}
