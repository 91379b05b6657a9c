import { useState } from "preact/hooks";
import { keeper, recall } from "../keeper/client";
import type { Overview } from "../keeper/keeper";
import { address, asking, go, lockedBecause, overview, route } from "../state";
import { Busy, Field, Told } from "../parts/basics";
import { useAct } from "../parts/use";
import { RecoveryCode } from "./recovery_code";

/** Log in, sign up and recover. */
export function Entrance() {
  const page = route.value[0];
  return (
    <main class="entrance">
      <div class="brand">
        <img src="/favicon.svg" alt="" width="40" height="40" />
        <h1>SecureCode</h1>
      </div>
      {asking.value && <p class="hint centred">Log in to give a key to the machine that opened this page.</p>}
      <div class="card">{page === "signup" ? <SignUp /> : page === "recover" ? <Recover /> : <LogIn />}</div>
      <p class="hint centred">
        Everything is sealed and opened in this browser. The vault keeps what it cannot read.
      </p>
    </main>
  );
}

function enter(entered: Overview) {
  lockedBecause.value = null;
  overview.value = entered;
  if (asking.value !== null) go("pair", ...Object.values(asking.value));
  else if (["login", "signup", "recover"].includes(route.value[0] ?? "")) go();
}

function LogIn() {
  const [email, setEmail] = useState(recall("email") ?? "");
  const [passphrase, setPassphrase] = useState("");
  const { busy, trouble, act } = useAct();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void act(() => keeper.logIn(email, passphrase), enter);
      }}
    >
      <h2>Log in</h2>
      {lockedBecause.value && <p class="hint">{lockedBecause.value}</p>}
      <Field
        label="E-mail"
        type="email"
        required
        autocomplete="username"
        value={email}
        onInput={(event) => setEmail(event.currentTarget.value)}
      />
      <Field
        label="Passphrase"
        type="password"
        required
        autocomplete="current-password"
        value={passphrase}
        onInput={(event) => setPassphrase(event.currentTarget.value)}
      />
      <Told trouble={trouble} />
      <button class="primary" disabled={busy}>
        Log in
      </button>
      {busy && <Busy fallback="Starting" />}
      <p class="links">
        <a href={address("signup")}>Make an account</a>
        <a href={address("recover")}>Passphrase lost</a>
      </p>
    </form>
  );
}

/** A passphrase, typed twice. */
export function NewPassphrase({ label, onChange }: { label: string; onChange: (chosen: string | null) => void }) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [shown, setShown] = useState(false);
  const bytes = new TextEncoder().encode(first).length;
  const short = first !== "" && bytes < 12 ? "At least 12 characters, please: four or five random words are good." : null;
  const unlike = second !== "" && second !== first ? "The two are not the same." : null;
  const change = (one: string, two: string) => {
    setFirst(one);
    setSecond(two);
    onChange(one === two && new TextEncoder().encode(one).length >= 12 ? one : null);
  };
  const type = shown ? "text" : "password";
  return (
    <>
      <Field
        label={label}
        type={type}
        required
        autocomplete="new-password"
        wrong={short}
        hint="It opens everything and cannot be reset by anybody. Keep it in a password manager."
        value={first}
        onInput={(event) => change(event.currentTarget.value, second)}
      >
        <button type="button" class="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? "Hide" : "Show"}
        </button>
      </Field>
      <Field
        label="The same again"
        type={type}
        required
        autocomplete="new-password"
        wrong={unlike}
        value={second}
        onInput={(event) => change(first, event.currentTarget.value)}
      />
    </>
  );
}

function SignUp() {
  const [email, setEmail] = useState("");
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const [made, setMade] = useState<{ code: string; overview: Overview } | null>(null);
  const { busy, trouble, act } = useAct();
  if (made !== null) {
    return <RecoveryCode code={made.code} email={email} done="Open the vault" onKept={() => enter(made.overview)} />;
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase !== null) void act(() => keeper.signUp(email, passphrase), setMade);
      }}
    >
      <h2>Make an account</h2>
      <Field
        label="E-mail"
        type="email"
        required
        autocomplete="username"
        value={email}
        onInput={(event) => setEmail(event.currentTarget.value)}
      />
      <NewPassphrase label="Passphrase" onChange={setPassphrase} />
      <Told trouble={trouble} />
      <button class="primary" disabled={busy || passphrase === null}>
        Make the account
      </button>
      {busy && <Busy fallback="Starting" />}
      <p class="links">
        <a href={address("login")}>Log in instead</a>
      </p>
    </form>
  );
}

function Recover() {
  const [email, setEmail] = useState(recall("email") ?? "");
  const [code, setCode] = useState("");
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const { busy, trouble, act } = useAct();
  if (next !== null) {
    return (
      <>
        <RecoveryCode
          code={next}
          email={email}
          done="Change the passphrase"
          onKept={() => void act(() => keeper.finishRecovery(), enter)}
        />
        <Told trouble={trouble} />
        {busy && <Busy />}
      </>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (passphrase !== null) void act(() => keeper.recover(email, code, passphrase), setNext);
      }}
    >
      <h2>Recover an account</h2>
      <p>With the recovery code you give the account another passphrase. The code is replaced by a new one.</p>
      <Field
        label="E-mail"
        type="email"
        required
        autocomplete="username"
        value={email}
        onInput={(event) => setEmail(event.currentTarget.value)}
      />
      <Field
        label="Recovery code"
        required
        class="mono"
        placeholder="scr_…"
        value={code}
        onInput={(event) => setCode(event.currentTarget.value)}
      />
      <NewPassphrase label="New passphrase" onChange={setPassphrase} />
      <Told trouble={trouble} />
      <button class="primary" disabled={busy || passphrase === null}>
        Go on
      </button>
      {busy && <Busy fallback="Starting" />}
      <p class="links">
        <a href={address("login")}>Log in instead</a>
      </p>
    </form>
  );
}
