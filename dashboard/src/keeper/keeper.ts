import type { components } from "../api.gen";
import {
  Account,
  Draft,
  Environment,
  Import,
  LogCheck,
  LogIn,
  Opened,
  PairingRequest,
  Recovery,
  SignUp,
  generate,
  preLogin,
  wrongLabel,
  wrongSecretName,
  type BinnedView,
  type Consent,
  type EnvironmentView,
  type ImportRow,
  type KeyView,
  type LogReport,
  type Permission,
  type Pin,
  type PolicyView,
  type ProjectView,
  type QuestionView,
  type RuleView,
  type SecretView,
  type VersionView,
  type Write,
} from "../../wasm/sealing_js";
import { Refused } from "./refused";
import { Remote, untilWritten, type Receipt } from "./remote";

type Schemas = components["schemas"];
export type AuditRow = Schemas["AuditRow"];
export type Session = Schemas["Session"];
export type Usage = Schemas["Usage"];
export type {
  BinnedView,
  Consent,
  EnvironmentView,
  ImportRow,
  KeyView,
  LogReport,
  Permission,
  Pin,
  PolicyView,
  ProjectView,
  RuleView,
  SecretView,
  VersionView,
};

/** What this browser keeps between visits: pins and what tells the vault that somebody logged in here before. No secret. */
export type Memory = Record<string, string>;

export interface Overview {
  account: string;
  email: string;
  session: string;
  projects: ProjectView[];
  environments: EnvironmentView[];
}

/** What an agent asks a person for. */
export interface ApprovalView extends QuestionView {
  id: string;
  environment: string;
  credential: string;
  question: string;
  expires_at: number;
}

export interface NewKey {
  name: string;
  environments: string[];
  permissions: Permission[];
  expires_at: number | null;
  addresses: string[];
}

export interface ImportFile {
  name: string;
  bytes: Uint8Array;
}

function byName<T extends { name: string }>(list: T[]): T[] {
  return list.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Receipts of an account that are kept, as the command line keeps them. */
const RECEIPTS = 1000;

/** How far something is that takes long. */
export type Progress = (what: string, done?: number, all?: number) => void;

/**
 * Everything that holds a key: the account's owner, at work. It lives in a worker, so that the page that a person
 * sees has no key in reach, a passphrase is stretched without freezing it, and locking is ending the worker.
 */
export class Keeper {
  memory: Memory = {};
  #remote = new Remote((receipt) => this.#keepReceipt(receipt));
  #account: Account | null = null;
  #session = "";
  #environments = new Map<string, Environment>();
  #recovery: { recovery: Recovery; account: Account; passphrase: string } | null = null;
  #file: Import | null = null;

  constructor(
    private readonly origin: string,
    private readonly keep: (key: string, value: string | null) => void,
    private readonly progress: Progress,
  ) {}

  // The ways in.

  async signUp(email: string, passphrase: string): Promise<{ code: string; overview: Overview }> {
    this.progress("Stretching the passphrase");
    const signUp = new SignUp(email, passphrase);
    this.progress("Signing up");
    await this.#remote.send("POST", "/v1/accounts", signUp.body());
    const code = signUp.recoveryCode();
    return { code, overview: await this.#enter(signUp.logIn()) };
  }

  async logIn(email: string, passphrase: string): Promise<Overview> {
    this.progress("Asking the vault");
    const kdf = await this.#remote.send("POST", "/v1/prelogin", preLogin(email));
    this.progress("Stretching the passphrase");
    return this.#enter(new LogIn(email, passphrase, kdf));
  }

  async #enter(logIn: LogIn): Promise<Overview> {
    this.progress("Logging in");
    const answer = await this.#remote.send("POST", "/v1/sessions", logIn.body(this.memory["device"]));
    this.#remote.token = logIn.token();
    this.#session = logIn.session();
    this.#settle(logIn.open(answer, this.#pinIn(answer)), answer);
    return this.overview();
  }

  /** The pin of the account that an answer names. */
  #pinIn(answer: string): string | undefined {
    return this.memory[`pin.${(JSON.parse(answer) as { account: string }).account}`];
  }

  #settle(account: Account, answer: string): void {
    this.#account = account;
    this.#remember("email", account.email());
    this.#remember(`pin.${account.id()}`, account.pin());
    const device = (JSON.parse(answer) as { device?: unknown }).device;
    if (device) this.#remember("device", JSON.stringify(device));
  }

  /** Opens the account by its recovery code. Answers the next code, of which the vault does not know yet. */
  async recover(email: string, code: string, passphrase: string): Promise<string> {
    const recovery = new Recovery(email, code);
    this.progress("Asking the vault");
    const answer = await this.#remote.send("POST", "/v1/recoveries", recovery.body(this.memory["device"]));
    const account = recovery.open(answer, this.#pinIn(answer));
    this.#remote.token = recovery.token();
    this.#session = recovery.session();
    this.#recovery = { recovery, account, passphrase };
    const device = (JSON.parse(answer) as { device?: unknown }).device;
    if (device) this.#remember("device", JSON.stringify(device));
    return recovery.nextCode();
  }

  /** The next code is kept: gives the account its new passphrase. */
  async finishRecovery(): Promise<Overview> {
    if (this.#recovery === null) throw new Error("no recovery was begun");
    const { recovery, account, passphrase } = this.#recovery;
    this.progress("Stretching the passphrase");
    const body = recovery.newPassphrase(account, passphrase);
    this.progress("Changing the passphrase");
    await this.#remote.send("PUT", "/v1/account/passphrase", body);
    this.#recovery = null;
    this.#settle(account, "{}");
    return this.overview();
  }

  /** Ends the session. What is in memory goes with the worker. */
  async lock(): Promise<void> {
    await this.#remote.send("DELETE", `/v1/sessions/${this.#session}`);
  }

  // The account.

  get #owner(): Account {
    if (this.#account === null) throw new Refused("unauthenticated", "Log in first.");
    return this.#account;
  }

  overview(): Overview {
    const owner = this.#owner;
    return {
      account: owner.id(),
      email: owner.email(),
      session: this.#session,
      projects: byName(JSON.parse(owner.projects()) as ProjectView[]),
      environments: byName(JSON.parse(owner.environments()) as EnvironmentView[]),
    };
  }

  /** Takes over what others wrote of the account. */
  async #renew(): Promise<void> {
    this.#owner.renew(await this.#remote.get("/v1/account"));
    this.#remember(`pin.${this.#owner.id()}`, this.#owner.pin());
  }

  /** Writes with the account's record, again if somebody else was quicker. */
  async #write(make: (owner: Account) => Write | Promise<Write>): Promise<string | null> {
    let stale = false;
    return untilWritten(async () => {
      if (stale) await this.#renew();
      stale = true;
      const write = await make(this.#owner);
      await this.#remote.send(write.method(), write.path(), write.body());
      const key = write.apiKey() ?? null;
      this.#owner.commit(write);
      this.#remember(`pin.${this.#owner.id()}`, this.#owner.pin());
      return key;
    });
  }

  async createProject(name: string): Promise<Overview> {
    await this.#write((owner) => owner.newProject(name));
    return this.overview();
  }

  async removeProject(id: string): Promise<Overview> {
    await this.#write((owner) => owner.removeProject(id));
    return this.overview();
  }

  async createEnvironment(project: string, name: string, production: boolean): Promise<Overview> {
    await this.#write((owner) => owner.newEnvironment(project, name, production));
    return this.overview();
  }

  async removeEnvironment(id: string): Promise<Overview> {
    await this.#write((owner) => owner.removeEnvironment(id));
    return this.overview();
  }

  async sessions(): Promise<Session[]> {
    return (JSON.parse(await this.#remote.get("/v1/sessions")) as { items: Session[] }).items;
  }

  async endSession(id: string): Promise<void> {
    await this.#remote.send("DELETE", `/v1/sessions/${id}`);
  }

  async changePassphrase(soFar: string, chosen: string): Promise<void> {
    const kdf = await this.#remote.send("POST", "/v1/prelogin", preLogin(this.#owner.email()));
    this.progress("Stretching both passphrases");
    const body = this.#owner.newPassphrase(kdf, soFar, chosen);
    this.progress("Changing the passphrase");
    await this.#remote.send("PUT", "/v1/account/passphrase", body);
  }

  async deleteAccount(passphrase: string): Promise<void> {
    const kdf = await this.#remote.send("POST", "/v1/prelogin", preLogin(this.#owner.email()));
    this.progress("Stretching the passphrase");
    const body = this.#owner.deletion(kdf, passphrase);
    await this.#remote.send("POST", "/v1/account/delete", body);
    const account = this.#owner.id();
    for (const key of ["email", "device", `pin.${account}`, `audit.${account}`, `receipts.${account}`]) {
      this.#remember(key, null);
    }
  }

  // What agents ask a person for.

  /** What was asked and not answered yet. What does not open is not shown: nobody can be asked by it. */
  async approvals(): Promise<ApprovalView[]> {
    const { items } = JSON.parse(await this.#remote.get("/v1/approvals")) as { items: Schemas["OpenApproval"][] };
    const views: ApprovalView[] = [];
    for (const { id, environment, credential, question, expires_at } of items) {
      try {
        const text = await this.#in(environment, async (opened) => opened.question(id, question));
        views.push({ id, environment, credential, question, expires_at, ...(JSON.parse(text) as QuestionView) });
      } catch (error) {
        if (!(error instanceof Error && ["Distrusted", "Mistake"].includes(error.name))) throw error;
      }
    }
    return views;
  }

  async answerApproval(asked: ApprovalView, yes: boolean): Promise<void> {
    const body = await this.#in(asked.environment, async (opened) => opened.answer(asked.id, asked.question, yes));
    await this.#remote.send("PUT", `/v1/approvals/${asked.id}/answer`, body);
  }

  // A machine that asks for a key.

  /** The words that its owner compares with the machine's. */
  pairingWords(request: string): string {
    this.progress("Making the words");
    return new PairingRequest(request).words(this.origin);
  }

  /** Makes a key for a project's environment, both made if there are none of these names, and leaves it sealed for the machine. */
  async approvePairing(request: string, to: { project: string; environment: string; reveal: boolean }): Promise<Overview> {
    const asked = new PairingRequest(request);
    const project = await this.#named(
      () => this.overview().projects.find((one) => one.name === to.project),
      () => this.createProject(to.project),
    );
    const environment = await this.#named(
      () => this.overview().environments.find((one) => one.project === project.id && one.name === to.environment),
      () => this.createEnvironment(project.id, to.environment, false),
    );
    const permissions: Permission[] = to.reveal ? ["read", "write", "audit", "reveal"] : ["read", "write", "audit"];
    const name = `${to.project}.${to.environment}`.slice(0, 64);
    this.progress("Making the key");
    const known = new Set((await this.keys()).map((key) => key.id));
    const key = await this.createKey({ name, environments: [environment.id], permissions, expires_at: null, addresses: [] });
    if (key === null) throw new Error("the key that was made is not there");
    try {
      const body = asked.seal(this.origin, key, to.project, to.environment);
      await this.#remote.send("PUT", asked.path(), body);
    } catch (error) {
      // A key that nobody holds must not stay.
      const made = (await this.keys()).find((one) => !known.has(one.id));
      if (made !== undefined) await this.revokeKey(made.id);
      throw error;
    }
    return this.overview();
  }

  async #named<T>(find: () => T | undefined, make: () => Promise<unknown>): Promise<T> {
    const found = find();
    if (found !== undefined) return found;
    await make();
    const made = find();
    if (made === undefined) throw new Error("what was made is not there");
    return made;
  }

  /** Whether the machine has its key: it takes away what was left for it. */
  async isPaired(request: string): Promise<boolean> {
    try {
      await this.#remote.get(new PairingRequest(request).path());
      return false;
    } catch (error) {
      if (error instanceof Refused && error.code === "not_found") return true;
      throw error;
    }
  }

  async usage(): Promise<Usage> {
    return JSON.parse(await this.#remote.get("/v1/usage")) as Usage;
  }

  // Secrets.

  /** Works in an environment, with its key opened anew once if it was rotated meanwhile. */
  async #in<T>(id: string, work: (environment: Environment) => Promise<T>): Promise<T> {
    const known = this.#environments.get(id);
    if (known !== undefined) {
      try {
        return await work(known);
      } catch (error) {
        if (!(error instanceof Error && error.name === "Distrusted")) throw error;
        this.#environments.delete(id);
        await this.#renew();
      }
    }
    const environment = this.#owner.openEnvironment(await this.#remote.get("/v1/environments"), id);
    this.#environments.set(id, environment);
    return work(environment);
  }

  async #list(id: string, environment: Environment): Promise<SecretView[]> {
    for (let tries = 0; tries < 5; tries++) {
      const pages = await this.#remote.pages(`/v1/environments/${id}/secrets`);
      const listed = environment.list(pages, this.memory[`pin.${id}`]);
      if (listed === undefined) continue;
      this.#pin(id, environment);
      return byName(JSON.parse(listed) as SecretView[]);
    }
    throw new Refused("manifest_outdated", "The environment changes while it is being listed. Try again.");
  }

  secrets(id: string): Promise<SecretView[]> {
    return this.#in(id, (environment) => this.#list(id, environment));
  }

  /** Changes the environment from what is there now, again if somebody else was quicker. */
  #change(id: string, edit: (draft: Draft) => void | Promise<void>): Promise<SecretView[]> {
    return this.#in(id, async (environment) => {
      await untilWritten(async () => {
        await this.#list(id, environment);
        const draft = new Draft(environment);
        await edit(draft);
        const change = draft.seal();
        await this.#remote.send("POST", `/v1/environments/${id}/changes`, change.body());
        this.#remember(`pin.${id}`, change.pin());
      });
      return this.#list(id, environment);
    });
  }

  #read(id: string, name: string, how: "reveal" | "write"): Promise<Opened> {
    return this.#in(id, async (environment) => {
      const path = `/v1/environments/${id}/secrets/${environment.index(name)}?how=${how}`;
      const opened = environment.read(name, await this.#remote.get(path), this.memory[`pin.${id}`]);
      this.#pin(id, environment);
      if (opened === undefined) throw new Refused("not_found", `There is no secret ${name} any more.`);
      return opened;
    });
  }

  async reveal(id: string, name: string): Promise<string> {
    return (await this.#read(id, name, "reveal")).reveal();
  }

  put(id: string, name: string, tags: string[], note: string, value: string): Promise<SecretView[]> {
    return this.#change(id, (draft) => draft.put(name, tags, note, value));
  }

  /** Other tags, another note; the value stays. */
  describe(id: string, name: string, tags: string[], note: string): Promise<SecretView[]> {
    return this.#change(id, async (draft) => draft.putOpened(await this.#read(id, name, "write"), tags, note));
  }

  remove(id: string, names: string[]): Promise<SecretView[]> {
    return this.#change(id, (draft) => names.forEach((name) => draft.delete(name)));
  }

  setPolicy(id: string, index: string, policy: PolicyView): Promise<SecretView[]> {
    return this.#in(id, async (environment) => {
      await untilWritten(async () => {
        await this.#list(id, environment);
        const change = environment.policy(index, JSON.stringify(policy));
        await this.#remote.send("PUT", `/v1/environments/${id}/secrets/${index}/policy`, change.body());
        this.#remember(`pin.${id}`, change.pin());
      });
      return this.#list(id, environment);
    });
  }

  rules(id: string): Promise<RuleView[]> {
    return this.#in(id, async (environment) => {
      return JSON.parse(environment.rules(await this.#remote.get(`/v1/environments/${id}/rules`))) as RuleView[];
    });
  }

  /** Lays one rule down, or takes it away. */
  setRule(id: string, tag: string, policy: PolicyView | null): Promise<RuleView[]> {
    return this.#in(id, async (environment) => {
      await untilWritten(async () => {
        await this.#list(id, environment);
        const served = await this.#remote.get(`/v1/environments/${id}/rules`);
        const change = environment.newRules(served, tag, policy === null ? undefined : JSON.stringify(policy));
        await this.#remote.send("PUT", `/v1/environments/${id}/rules`, change.body());
        this.#remember(`pin.${id}`, change.pin());
      });
      return this.rules(id);
    });
  }

  generate(length: number): string {
    return generate(length);
  }

  wrongSecretName(name: string): string | null {
    return wrongSecretName(name) ?? null;
  }

  wrongLabel(name: string): string | null {
    return wrongLabel(name) ?? null;
  }

  // What was before.

  versions(id: string, name: string): Promise<VersionView[]> {
    return this.#in(id, async (environment) => {
      const path = `/v1/environments/${id}/secrets/${environment.index(name)}/versions`;
      return JSON.parse(environment.versions(name, await this.#remote.get(path))) as VersionView[];
    });
  }

  #readVersion(id: string, name: string, version: number, how: "reveal" | "write"): Promise<Opened> {
    return this.#in(id, async (environment) => {
      const path = `/v1/environments/${id}/secrets/${environment.index(name)}/versions/${version}?how=${how}`;
      return environment.readVersion(name, version, await this.#remote.get(path));
    });
  }

  async revealVersion(id: string, name: string, version: number): Promise<string> {
    return (await this.#readVersion(id, name, version, "reveal")).reveal();
  }

  /** An earlier value, as the next version. */
  async restoreVersion(id: string, name: string, version: number): Promise<SecretView[]> {
    const earlier = await this.#readVersion(id, name, version, "write");
    return this.#change(id, (draft) => draft.putOpened(earlier, earlier.tags(), earlier.note()));
  }

  bin(id: string): Promise<BinnedView[]> {
    return this.#in(id, async (environment) => {
      const pages = await this.#remote.pages(`/v1/environments/${id}/bin`);
      const deleted = JSON.parse(environment.bin(pages)) as BinnedView[];
      return deleted.sort((a, b) => b.deleted_at - a.deleted_at);
    });
  }

  async restoreBinned(id: string, secret: string): Promise<SecretView[]> {
    const deleted = await this.#in(id, async (environment) => {
      const answer = await this.#remote.get(`/v1/environments/${id}/bin/${secret}?how=write`);
      return environment.readBinned(secret, answer);
    });
    return this.#change(id, (draft) => draft.restore(deleted));
  }

  async forget(id: string, secret: string): Promise<void> {
    await this.#remote.send("DELETE", `/v1/environments/${id}/bin/${secret}`);
  }

  // Import.

  /** What files would do to an environment. Nothing is stored; the values stay here. */
  async preview(id: string, files: ImportFile[], tags: string[]): Promise<ImportRow[]> {
    const { limits } = await this.usage();
    const limit = (resource: string) => limits.find((one) => one.resource === resource);
    const [secrets, bytes] = [limit("secrets"), limit("value_bytes")];
    const room = secrets === undefined ? 0xffffffff : Math.max(0, secrets.allowed - (secrets.used ?? 0));
    const file = new Import(bytes?.allowed ?? 0xffffffff, room);
    for (const one of files) file.read(one.name, one.bytes);
    await this.#in(id, async (environment) => {
      const answer = await this.#remote.get(`/v1/bundle?how=write&environment=${id}`);
      environment.compare(answer, this.memory[`pin.${id}`], file, tags);
      this.#pin(id, environment);
    });
    this.#file?.free();
    this.#file = file;
    const order = new Map(files.map((one, at) => [one.name, at]));
    const place = (row: ImportRow) => order.get(row.file) ?? 0;
    return (JSON.parse(file.rows()) as ImportRow[]).sort((a, b) => place(a) - place(b) || a.line - b.line);
  }

  /** Stores what was previewed and is new or changed. */
  async store(id: string): Promise<number> {
    const file = this.#file;
    if (file === null) throw new Error("no file was previewed");
    const all = file.pending();
    let done = 0;
    while (done < all) {
      this.progress("Storing", done, all);
      let round = 0;
      await this.#change(id, (draft) => {
        round = draft.putNext(file, done);
      });
      done += round;
    }
    file.free();
    this.#file = null;
    return done;
  }

  // Keys.

  async keys(): Promise<KeyView[]> {
    await this.#renew();
    const now = Math.floor(Date.now() / 1000);
    return JSON.parse(this.#owner.keys(await this.#remote.get("/v1/keys"), now)) as KeyView[];
  }

  /** Makes a key and answers it, once. */
  createKey(wanted: NewKey): Promise<string | null> {
    return this.#write(async (owner) =>
      owner.newKey(
        this.origin,
        await this.#remote.get("/v1/environments"),
        wanted.name,
        wanted.environments,
        wanted.permissions,
        wanted.expires_at ?? undefined,
        wanted.addresses,
      ),
    );
  }

  rotateKey(id: string, hours: number): Promise<string | null> {
    return this.#write(async (owner) =>
      owner.rotateKey(
        this.origin,
        await this.#remote.get("/v1/environments"),
        await this.#remote.get("/v1/keys"),
        id,
        Math.floor(Date.now() / 1000) + hours * 3600,
      ),
    );
  }

  async revokeKey(id: string): Promise<void> {
    await this.#write((owner) => owner.revokeKey(id));
  }

  // Audit.

  async audit(cursor: string | null): Promise<{ items: AuditRow[]; unreadable: number; next: string | null }> {
    const query = cursor === null ? "" : `?cursor=${encodeURIComponent(cursor)}`;
    const page = JSON.parse(await this.#remote.get(`/v1/audit${query}`)) as Schemas["AuditRows"];
    return { items: page.items, unreadable: page.unreadable?.length ?? 0, next: page.next ?? null };
  }

  /** The whole log as JSON lines, as far as it is kept. */
  async exportAudit(): Promise<string> {
    let all = "";
    for (let from = 1, last = 0; ; from = last + 1) {
      const text = await this.#remote.get(`/v1/audit/export?from=${from}`);
      const lines = text.split("\n").filter((line) => line !== "");
      const newest = lines.at(-1);
      if (newest === undefined) return all;
      all += `${lines.join("\n")}\n`;
      last = (JSON.parse(newest) as { seq: number }).seq;
      this.progress("Exporting", last);
    }
  }

  /** Closes the log, recomputes it from what was verified before on, and compares it with what this browser remembers. */
  async verifyAudit(): Promise<LogReport> {
    const account = this.#owner.id();
    const pin = this.memory[`audit.${account}`];
    this.progress("Closing the log");
    const closed = await this.#closeLog();
    const from = pin === undefined ? 1 : (JSON.parse(pin) as { n: number }).n;
    const pages = await this.#remote.pages("/v1/audit/segments", String(from - 1));
    const check = new LogCheck(account, pages, pin, JSON.stringify(this.#receipts()));
    if (!closed) check.notClosed();
    for (let next: number | undefined = check.firstRow(), read = 0; next !== undefined; ) {
      const page = await this.#remote.get(`/v1/audit/rows?from=${next}`);
      read += (JSON.parse(page) as { items: unknown[] }).items.length;
      this.progress(`${read} rows read`);
      next = check.rows(next, page);
    }
    const report = JSON.parse(check.report(Math.floor(Date.now() / 1000))) as LogReport;
    if (report.findings.length === 0 && report.pin !== null) {
      this.#remember(`audit.${account}`, JSON.stringify(report.pin));
    }
    return report;
  }

  /** Closes all that is open; not, where the vault finds its log damaged. */
  async #closeLog(): Promise<boolean> {
    for (let inVain = 0; inVain <= 20; ) {
      try {
        const answer = await this.#remote.send("POST", "/v1/audit/segments", "null");
        const closed = JSON.parse(answer) as { segment?: unknown; open: number };
        if (closed.open === 0) return true;
        inVain = closed.segment == null ? inVain + 1 : 0;
      } catch (error) {
        if (error instanceof Refused && error.code === "log_damaged") return false;
        throw error;
      }
    }
    throw new Refused("manifest_outdated", "The log is being closed by others all the time. Try again in a minute.");
  }

  #receipts(): Receipt[] {
    const kept = this.memory[`receipts.${this.#owner.id()}`] ?? "";
    return kept
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [seq, leaf] = line.split(" ");
        return { seq: Number(seq), leaf: leaf ?? "" };
      });
  }

  /** Keeps the newest of an account, to notice a log that says something else later. */
  #keepReceipt({ seq, leaf }: Receipt): void {
    if (this.#account === null) return;
    const key = `receipts.${this.#account.id()}`;
    const lines = `${this.memory[key] ?? ""}${seq} ${leaf}\n`.split("\n");
    this.#remember(key, lines.slice(-1 - RECEIPTS).join("\n"));
  }

  #pin(id: string, environment: Environment): void {
    const pin = environment.pin();
    if (pin !== undefined) this.#remember(`pin.${id}`, pin);
  }

  #remember(key: string, value: string | null): void {
    if (value === null) delete this.memory[key];
    else this.memory[key] = value;
    this.keep(key, value);
  }
}
