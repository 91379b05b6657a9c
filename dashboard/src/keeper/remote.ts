import { Refused, Unreachable, refusal } from "./refused";

/** What an answer says of the audit row that was written for it. */
export interface Receipt {
  seq: number;
  leaf: string;
}

/** Requests to the vault that served this page. Bodies are made and read by the sealing. */
export class Remote {
  token: string | null = null;

  /** `receipt` is given what each answer says of the audit row that was written for it. */
  constructor(private readonly receipt: (receipt: Receipt) => void) {}

  async send(method: string, path: string, body?: string): Promise<string> {
    let response: Response;
    try {
      response = await fetch(path, {
        method,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(this.token === null ? {} : { authorization: `Bearer ${this.token}` }),
        },
        ...(body === undefined ? {} : { body }),
      });
    } catch {
      throw new Unreachable("The vault cannot be reached. Check the connection and try again; nothing was changed.");
    }
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    // The one answer that is no JSON, the export, has no receipt.
    if (text.startsWith("{") && text.includes('"leaf"') && response.headers.get("content-type") === "application/json") {
      const { seq, leaf } = JSON.parse(text) as Partial<Receipt>;
      if (seq !== undefined && leaf !== undefined) this.receipt({ seq, leaf });
    }
    return text;
  }

  get(path: string): Promise<string> {
    return this.send("GET", path);
  }

  /** Every page of a list, as text; of what comes after a cursor, if there is one. */
  async pages(path: string, after?: string): Promise<string[]> {
    const pages = [await this.get(after === undefined ? path : `${path}?cursor=${after}`)];
    for (;;) {
      const next = (JSON.parse(pages[pages.length - 1] ?? "{}") as { next?: string | null }).next;
      if (next == null) return pages;
      pages.push(await this.get(`${path}?cursor=${encodeURIComponent(next)}`));
    }
  }
}

/** Tries a write again for as long as others are quicker, with full jitter, for 30 seconds. */
export async function untilWritten<T>(write: () => Promise<T>): Promise<T> {
  const started = Date.now();
  for (let longest = 50; ; longest = Math.min(longest * 2, 5000)) {
    try {
      return await write();
    } catch (error) {
      const outdated = error instanceof Refused && error.code === "manifest_outdated";
      if (!outdated || Date.now() - started > 30_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
    }
  }
}
