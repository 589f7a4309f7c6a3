/** Text as numbers, for language models. */
import type { GptEncoding } from "gpt-tokenizer/GptEncoding";
import { loadPeer } from "./peer.ts";

export interface Tokenizer {
  /** Number of different tokens: they are 0 … size − 1. */
  readonly size: number;
  encode(text: string): Int32Array;
  decode(tokens: Iterable<number>): string;
}

/** Every character of some text is a token: the smallest vocabulary there is. */
export class CharacterTokenizer implements Tokenizer {
  /** In the order of their code points. */
  readonly characters: readonly string[];
  readonly #tokens: ReadonlyMap<string, number>;

  /** @param text holds all characters that there will be, such as the training data. */
  constructor(text: Iterable<string>) {
    const characters = new Set<string>();
    for (const part of text) for (const character of part) characters.add(character);
    this.characters = [...characters].sort();
    this.#tokens = new Map(this.characters.map((character, token) => [character, token]));
  }

  get size(): number {
    return this.characters.length;
  }

  /** @throws RangeError for a character that the text did not have. */
  encode(text: string): Int32Array {
    return Int32Array.from(text, character => {
      const token = this.#tokens.get(character);
      if (token !== undefined) return token;
      throw new RangeError(
        `CharacterTokenizer: ${JSON.stringify(character)} is none of the ${this.size} characters`,
      );
    });
  }

  /** @throws RangeError for a number that is no token. */
  decode(tokens: Iterable<number>): string {
    return Array.from(tokens, token => {
      const character = this.characters[token];
      if (character !== undefined) return character;
      throw new RangeError(`CharacterTokenizer: there is no token ${token} among ${this.size}`);
    }).join("");
  }
}

/** Vocabularies of OpenAI's models: GPT-2 and GPT-3 have `r50k_base`, GPT-4 `cl100k_base`, GPT-4o `o200k_base`. */
export type BytePairEncoding = "r50k_base" | "p50k_base" | "cl100k_base" | "o200k_base";

/**
 * Byte-pair encoding (Sennrich et al. 2016) with a published vocabulary. It needs the package
 * `gpt-tokenizer` in the project. What spells a special token, such as `<|endoftext|>`, is text like any other.
 * @throws Error that says what to install, without the package.
 */
export async function bytePairTokenizer(encoding: BytePairEncoding): Promise<Tokenizer> {
  const module = `gpt-tokenizer/encoding/${encoding}`;
  const pairs = (await loadPeer(module, "data.bytePairTokenizer")) as GptEncoding;
  const plain = { disallowedSpecial: new Set<string>() };
  return {
    size: pairs.vocabularySize,
    encode: text => Int32Array.from(pairs.encode(text, plain)),
    decode: tokens => pairs.decode(tokens),
  };
}
