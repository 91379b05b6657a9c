import { useEffect, useState } from "preact/hooks";
import { IconButton } from "./basics";
import { SECONDS, copySecret } from "./clipboard";

/** A value behind dots: shown on demand, hidden again by itself, copied. `read` asks the vault, which writes it down. */
export function Value({ what, read, onTrouble }: { what: string; read: () => Promise<string>; onTrouble: (error: unknown) => void }) {
  const [shown, setShown] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (shown === null) return;
    const hide = () => setShown(null);
    const timer = setTimeout(hide, SECONDS * 1000);
    const away = () => document.hidden && hide();
    document.addEventListener("visibilitychange", away);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", away);
    };
  }, [shown]);
  const use = async (then: (value: string) => unknown) => {
    setBusy(true);
    try {
      await then(shown ?? (await read()));
    } catch (error) {
      onTrouble(error);
    }
    setBusy(false);
  };
  return (
    <div class="value">
      {shown === null ? (
        <span class="dots" aria-label={`${what}, hidden`} role="img">
          ••••••••••••
        </span>
      ) : (
        <output class="mono shown" data-secret aria-label={`${what}; hidden again in ${SECONDS} seconds`}>
          {shown === "" ? "(empty)" : shown}
        </output>
      )}
      <IconButton
        icon={shown === null ? "eye" : "hide"}
        label={shown === null ? `Reveal ${what}` : `Hide ${what}`}
        disabled={busy}
        onClick={() => (shown === null ? void use(setShown) : setShown(null))}
      />
      <IconButton icon="copy" label={`Copy ${what}`} disabled={busy} onClick={() => void use((value) => copySecret(value, what))} />
    </div>
  );
}
