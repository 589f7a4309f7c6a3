/**
 * Splits a command line as a shell does: at spaces, but for those in quotes of either kind. A
 * backslash is an ordinary character, as in paths on Windows.
 *
 * @throws SyntaxError where a quote is not closed
 */
export function splitArguments(text: string): string[] {
  const found: string[] = [];
  let current: string | undefined;
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else current += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      current ??= "";
    } else if (/\s/.test(character)) {
      if (current !== undefined) found.push(current);
      current = undefined;
    } else {
      current = (current ?? "") + character;
    }
  }
  if (quote !== undefined) throw new SyntaxError(`The quote ${quote} is not closed.`);
  if (current !== undefined) found.push(current);
  return found;
}
