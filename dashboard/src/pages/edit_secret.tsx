import { useId, useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { EnvironmentView, SecretView } from "../keeper/keeper";
import { Dialog, Field, IconButton, Told, words } from "../parts/basics";
import { useAct } from "../parts/use";
import { listed, note as say } from "../state";

/** A new secret, or another value, tags or note for one that is there. */
export function EditSecret({
  place,
  secret,
  onClose,
}: {
  place: EnvironmentView;
  secret?: SecretView;
  onClose: () => void;
}) {
  const [name, setName] = useState(secret?.name ?? "");
  const [value, setValue] = useState("");
  const [tags, setTags] = useState(secret?.tags.join(", ") ?? "");
  const [note, setNote] = useState(secret?.note ?? "");
  const [wrong, setWrong] = useState<string | null>(null);
  const [shown, setShown] = useState(false);
  const [changed, setChanged] = useState(secret === undefined);
  const { busy, trouble, act } = useAct();
  const id = useId();

  const store = async () => {
    if (secret === undefined) {
      const why = await keeper.wrongSecretName(name);
      setWrong(why);
      if (why !== null) return null;
      const before = await keeper.secrets(place.id);
      if (before.some((one) => one.name === name)) {
        setWrong("There is a secret of this name. Open it to change it.");
        return null;
      }
    }
    return changed
      ? keeper.put(place.id, name, words(tags), note, value)
      : keeper.describe(place.id, name, words(tags), note);
  };

  return (
    <Dialog title={secret === undefined ? "Add a secret" : `Change ${secret.name}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act(store, (list) => {
            if (list === null) return;
            listed(place.id, list);
            say(`${name} ${secret === undefined ? "stored" : "changed"}.`);
            onClose();
          });
        }}
      >
        {secret === undefined && (
          <Field
            label="Name"
            class="mono"
            required
            autofocus
            placeholder="DATABASE_URL"
            wrong={wrong}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        )}
        {changed ? (
          <div class="field">
            <label for={id}>Value</label>
            <div class="field-row">
              <textarea
                id={id}
                class={`mono ${shown ? "" : "masked"}`}
                rows={3}
                spellcheck={false}
                autocomplete="off"
                value={value}
                onInput={(event) => setValue(event.currentTarget.value)}
              />
              <div class="stack">
                <IconButton
                  icon={shown ? "hide" : "eye"}
                  label={shown ? "Hide the value" : "Show the value"}
                  onClick={() => setShown(!shown)}
                />
                <IconButton
                  icon="dice"
                  label="Generate 32 letters and digits"
                  onClick={() => void keeper.generate(32).then(setValue)}
                />
              </div>
            </div>
          </div>
        ) : (
          <p>
            The value stays as it is.{" "}
            <button type="button" class="link" onClick={() => setChanged(true)}>
              Give it another value
            </button>
          </p>
        )}
        <Field
          label="Tags"
          hint="Separated by commas. Agents are warned before they get a secret tagged production."
          value={tags}
          onInput={(event) => setTags(event.currentTarget.value)}
        />
        <Field label="Note" value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        <Told trouble={trouble} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary" disabled={busy}>
            {busy ? "Sealing…" : "Store"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
