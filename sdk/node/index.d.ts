/** Which environment is read, and how patiently. */
export interface ReadOptions {
  /** The environment's name: needed where a key may use several. Wins over `.securecoderc`. */
  environment?: string;
  /** Where the search for `.securecoderc` begins; the working directory if absent. */
  cwd?: string;
  /** How long one request may take; 10,000 if absent. */
  timeoutMs?: number;
  /** How often a request that got no answer is tried again; 3 if absent. */
  retries?: number;
  /** After how long no further try of a request begins; 30,000 if absent. */
  patienceMs?: number;
  /** The least version of the environment's manifest to take: stands in for a memory on machines that have none. */
  minManifest?: number;
  /** A file that keeps the environment, sealed, for when the vault cannot be reached. At most a week old if not said. */
  offline?: string | { path: string; maxAgeMs?: number };
  /** Gives the whole up. */
  signal?: AbortSignal;
}

export interface LoadOptions extends ReadOptions {
  /** Whether variables that are set already are replaced; they are kept if absent. */
  override?: boolean;
  /** Only these secrets. One that is not there, or not to be had, is an error. */
  only?: readonly string[];
  /** Only secrets that have one of these tags. */
  tags?: readonly string[];
  /** What the secrets are put into; `process.env` if absent. */
  processEnv?: Record<string, string | undefined>;
}

/** What was done: names, never values. */
export interface Loaded {
  /** Nothing where a coding agent runs this and the key is kept from agents: nothing was loaded then. */
  project: string | null;
  environment: string | null;
  /** The version of the environment's manifest: what `minManifest` can be set to. */
  manifest: number;
  loaded: string[];
  /** Set already, and left as they were. */
  kept: string[];
  leftOut: { name: string; why: string }[];
  /** When the offline file was written, if that had to do. */
  offlineSince: Date | null;
}

export interface Secret {
  name: string;
  tags: string[];
  note: string;
  version: number;
  production: boolean;
  /** What the owner says to its use. Nobody is there to be asked: `ask` is refused here, as `block` is. */
  use: "allow" | "ask" | "block";
  /** The programs that may have it; any if empty. */
  commands: string[];
}

/** Puts an environment's secrets into `process.env`: all that can be had, or nothing at all. */
export function loadEnv(options?: LoadOptions): Promise<Loaded>;
/** The value of one secret. */
export function getSecret(name: string, options?: ReadOptions): Promise<string>;
/** Every secret but the values. */
export function listSecrets(options?: ReadOptions): Promise<Secret[]>;

/** What happened and what to do now. Never holds a value, a key, or a word of the server's. */
export class SecureCodeError extends Error {
  /** What programs act on: the vault's code, or one of those in README.md. */
  readonly code: string;
  readonly what: string;
  readonly remedy: string;
  /** After how many seconds the vault wants to be asked again, if it said so. */
  readonly retryAfter?: number;
}
/** Something is missing or malformed on this machine. */
export class LocalError extends SecureCodeError {}
/** The vault, or what the owner laid down, refuses. */
export class RefusedError extends SecureCodeError {}
/** The vault's answer is not believed; nothing of it was used. */
export class DistrustedError extends SecureCodeError {}
/** The vault cannot be reached. */
export class UnreachableError extends SecureCodeError {}
/** A limit of the plan, or too many requests. */
export class QuotaError extends SecureCodeError {}
