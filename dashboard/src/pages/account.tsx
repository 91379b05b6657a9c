import { useState } from "preact/hooks";
import { MINUTES, idleMinutes, setIdleMinutes } from "../idle";
import { keeper } from "../keeper/client";
import { Ago, Busy, Choice, Dialog, Field, Told, time } from "../parts/basics";
import { Quotas } from "../parts/quotas";
import { useAct, useAsked } from "../parts/use";
import { lock, note, overview } from "../state";
import { NewPassphrase } from "./entrance";

export function Account() {
  const [deleting, setDeleting] = useState(false);
  return (
    <>
      <div class="head">
        <div>
          <h1>Account</h1>
          <p class="hint">{overview.value?.email}</p>
        </div>
      </div>
      <div class="cards">
        <Quotas />
        <section class="card" aria-label="Locking">
          <h2>Locking</h2>
          <Choice
            label="Lock after"
            value={String(idleMinutes.value)}
            options={MINUTES.map((one) => [String(one), one === 1 ? "1 minute" : `${one} minutes`])}
            onChoose={(minutes) => setIdleMinutes(Number(minutes))}
          />
          <p class="hint">Without a key or the pointer being used. Closing or reloading the page locks it, too.</p>
        </section>
        <ChangePassphrase />
        <Sessions />
        <section class="card" aria-label="Delete the account">
          <h2>Delete the account</h2>
          <p>With every project, secret and key in it, at once and for good.</p>
          <button type="button" class="danger" onClick={() => setDeleting(true)}>
            Delete the account…
          </button>
        </section>
      </div>
      {deleting && <Delete onClose={() => setDeleting(false)} />}
    </>
  );
}

function ChangePassphrase() {
  const [soFar, setSoFar] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const { busy, trouble, act } = useAct();
  return (
    <section class="card" aria-label="Passphrase">
      <h2>Passphrase</h2>
      <form
        key={round}
        onSubmit={(event) => {
          event.preventDefault();
          if (chosen === null) return;
          void act(
            () => keeper.changePassphrase(soFar, chosen),
            () => {
              setSoFar("");
              setChosen(null);
              setRound(round + 1);
              note("The passphrase is changed. Every other session has ended; the recovery code is the same.");
            },
          );
        }}
      >
        <Field
          label="Passphrase so far"
          type="password"
          required
          autocomplete="current-password"
          value={soFar}
          onInput={(event) => setSoFar(event.currentTarget.value)}
        />
        <NewPassphrase label="New passphrase" onChange={setChosen} />
        <Told trouble={trouble} />
        <button disabled={busy || chosen === null || soFar === ""}>Change it</button>
        {busy && <Busy />}
      </form>
    </section>
  );
}

function Sessions() {
  const { answer, trouble, again } = useAsked(() => keeper.sessions(), []);
  const { busy, trouble: failed, act } = useAct();
  const own = overview.value?.session;
  return (
    <section class="card" aria-label="Sessions">
      <h2>Sessions</h2>
      <Told trouble={trouble ?? failed} />
      <ul class="list compact">
        {answer?.map((one) => (
          <li class="item" key={one.id}>
            <div class="item-name">
              <span class="mono">{one.id.slice(0, 8)}</span>
              {one.id === own && <span class="tag">this one</span>}
              <p class="hint">
                begun <Ago at={one.created_at} />, until {time(one.expires_at)}
              </p>
            </div>
            {one.id !== own && (
              <button type="button" disabled={busy} onClick={() => void act(() => keeper.endSession(one.id), again)}>
                End
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Delete({ onClose }: { onClose: () => void }) {
  const [email, setEmail] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const { busy, trouble, act } = useAct();
  const own = overview.value?.email ?? "";
  return (
    <Dialog title="Delete the account?" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act(
            () => keeper.deleteAccount(passphrase),
            () => lock("The account is deleted, with every project, secret and key in it."),
          );
        }}
      >
        <p>Nobody can bring it back: there is no bin for it, and the vault cannot read what it kept.</p>
        <Field label={`Type ${own}`} value={email} onInput={(event) => setEmail(event.currentTarget.value)} />
        <Field
          label="Passphrase"
          type="password"
          required
          autocomplete="current-password"
          value={passphrase}
          onInput={(event) => setPassphrase(event.currentTarget.value)}
        />
        <Told trouble={trouble} />
        {busy && <Busy />}
        <div class="row end">
          <button type="button" onClick={onClose}>
            Keep it
          </button>
          <button class="danger" disabled={busy || email !== own || passphrase === ""}>
            Delete everything
          </button>
        </div>
      </form>
    </Dialog>
  );
}
