import { Refused, Unreachable, refusal } from "./refused";

/** Requests to the vault that served this page. Bodies are made and read by the sealing. */
export class Remote {
  token: string | null = null;

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
    return text;
  }

  get(path: string): Promise<string> {
    return this.send("GET", path);
  }

  /** Every page of a list, as text. */
  async pages(path: string): Promise<string[]> {
    const pages = [await this.get(path)];
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
