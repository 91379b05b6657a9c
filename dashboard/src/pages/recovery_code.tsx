import { useState } from "preact/hooks";
import { Field } from "../parts/basics";
import { copySecret } from "../parts/clipboard";

/** Shows a recovery code once, and goes on when the person proved to have it. */
export function RecoveryCode({
  code,
  email,
  done,
  onKept,
}: {
  code: string;
  email: string;
  done: string;
  onKept: () => void;
}) {
  const [typed, setTyped] = useState("");
  const last = code.slice(-4);
  const kept = typed.trim().toUpperCase() === last;
  return (
    <form
      class="recovery-code"
      onSubmit={(event) => {
        event.preventDefault();
        if (kept) onKept();
      }}
    >
      <h2>Your recovery code</h2>
      <p>
        It opens the account if the passphrase is lost, and it is shown only now. Print it or write it down, and keep
        it away from this machine.
      </p>
      <div class="printed">
        <p class="print-only">SecureCode recovery code of {email}</p>
        <output class="code mono" data-secret>
          {code}
        </output>
      </div>
      <div class="row">
        <button type="button" onClick={() => print()}>
          Print
        </button>
        <button type="button" onClick={() => void copySecret(code, "Recovery code")}>
          Copy
        </button>
      </div>
      <Field
        label="The last four characters, to show that you have it"
        class="mono"
        required
        maxLength={8}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <button class="primary" disabled={!kept}>
        {done}
      </button>
    </form>
  );
}
