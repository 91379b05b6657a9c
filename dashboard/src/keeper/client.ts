import { signal } from "@preact/signals";
import type { Keeper, Memory, Pin } from "./keeper";
import type { Trouble } from "./refused";
import type { Asked, Said } from "./worker";
import workerUrl from "./worker?worker&url";

/** What the worker is doing that takes long. */
export const progress = signal<{ what: string; done?: number; all?: number } | null>(null);

/** A trouble of the worker's, thrown here. */
export class Troubled extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.message);
  }
}

type Remote<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

const PREFIX = "securecode.";

// The one script that is ever started, so a script's address is never made of anything else.
const trusted = window.trustedTypes?.createPolicy("securecode", {
  createScriptURL: (url) => {
    if (url !== workerUrl) throw new TypeError("not this page's worker");
    return url;
  },
});

let worker: Worker | null = null;
let asked = 0;
const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();

function remembered(): Memory {
  const memory: Memory = {};
  for (let at = 0; at < localStorage.length; at++) {
    const key = localStorage.key(at);
    if (key?.startsWith(PREFIX)) memory[key.slice(PREFIX.length)] = localStorage.getItem(key) ?? "";
  }
  return memory;
}

function keep(key: string, value: string | null): void {
  if (value === null) return localStorage.removeItem(PREFIX + key);
  // Of two tabs the one that saw the newer state wins.
  if (/^(pin|audit)\./.test(key) && version(value) < version(recall(key))) return;
  localStorage.setItem(PREFIX + key, value);
}

function version(pin: string | null): number {
  if (pin === null) return 0;
  const seen = JSON.parse(pin) as Pin | { n: number };
  return "n" in seen ? seen.n : seen.version;
}

function start(): Worker {
  const url = trusted === undefined ? workerUrl : (trusted.createScriptURL(workerUrl) as unknown as string);
  const started = new Worker(url, { type: "module" });
  started.addEventListener("message", (event: MessageEvent<Said>) => {
    const said = event.data;
    // A worker that was ended has its last pins kept, and nothing else.
    if ("keep" in said) return keep(said.keep, said.value);
    if (worker !== started) return;
    if ("progress" in said) {
      progress.value = said.progress;
      return;
    }
    const one = waiting.get(said.id);
    waiting.delete(said.id);
    if (waiting.size === 0) progress.value = null;
    if ("trouble" in said) one?.reject(new Troubled(said.trouble));
    else one?.resolve(said.result);
  });
  started.addEventListener("error", () => {
    if (worker === started) {
      abandon("This page’s worker did not start. Reload the page; a browser of the last three years is needed.");
    }
  });
  return started;
}

function ask(method: string, args: unknown[]): Promise<unknown> {
  worker ??= start();
  const id = ++asked;
  const to = worker;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    to.postMessage({ id, method, args, memory: remembered() } satisfies Asked);
  });
}

/** Ends the session and the worker, and with it everything that it held. Who logs in meanwhile has a worker anew. */
export function end(): void {
  const ended = worker;
  abandon("The page was locked.");
  ended?.postMessage({ id: 0, method: "lock", args: [], memory: {} } satisfies Asked);
  // A vault that does not answer keeps nobody from locking.
  setTimeout(() => ended?.terminate(), 2000);
}

/** Waits no longer for anything of the worker's. */
function abandon(message: string): void {
  worker = null;
  progress.value = null;
  for (const { reject } of waiting.values()) {
    reject(new Troubled({ kind: "Failure", message, code: null }));
  }
  waiting.clear();
}

/** What this browser remembers of a thing. */
export function recall(key: string): string | null {
  return localStorage.getItem(PREFIX + key);
}

export function remember(key: string, value: string): void {
  keep(key, value);
}

export const keeper = new Proxy({} as Remote<Keeper>, {
  get: (_, method: string) => (...args: unknown[]) => ask(method, args),
});
