import type { Host } from "../host.ts";
import type { Notice } from "../view/notice.ts";
import { type Picture, pngOf } from "./picture.ts";

export type PictureFormat = "png" | "svg";

/** Where pictures of charts go: files, and the clipboard. */
export class PictureOutput {
  private readonly host: Host;
  private readonly notice: Notice;

  constructor(host: Host, notice: Notice) {
    this.host = host;
    this.notice = notice;
  }

  /** Saves it under a name without extension, which the user may change. */
  async save(picture: Picture, name: string, format: PictureFormat): Promise<void> {
    const file = `${name.replace(/[^\w.-]+/g, "-")}.${format}`;
    try {
      const content =
        format === "png"
          ? await pngOf(picture)
          : new Blob([picture.svg], { type: "image/svg+xml" });
      await this.host.save(file, content);
    } catch (error) {
      this.notice.show(`${file} was not saved: ${text(error)}`);
    }
  }

  /** Puts it on the clipboard as PNG. */
  async copy(picture: Picture, title: string): Promise<void> {
    try {
      // The browser waits for the picture: later it would not take the key for the user's.
      await navigator.clipboard.write([new ClipboardItem({ "image/png": pngOf(picture) })]);
      this.notice.show(`${title}: copied as PNG`);
    } catch (error) {
      this.notice.show(`${title} was not copied: ${text(error)}`);
    }
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
