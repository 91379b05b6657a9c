import type { ComponentChildren, JSX, TargetedEvent } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { progress } from "../keeper/client";
import type { Trouble } from "../keeper/refused";
import { Icon, type IconName } from "./icon";

/** A labelled input, with a hint and what is wrong with it. */
export function Field({
  label,
  hint,
  wrong,
  children,
  type,
  ...input
}: {
  label: string;
  hint?: ComponentChildren;
  wrong?: string | null;
  children?: ComponentChildren;
  type?: "text" | "email" | "password";
  class?: string;
  value: string;
  placeholder?: string;
  required?: boolean;
  autofocus?: boolean;
  autocomplete?: "off" | "username" | "current-password" | "new-password";
  maxLength?: number;
  onInput: (event: TargetedEvent<HTMLInputElement>) => void;
  onChange?: (event: TargetedEvent<HTMLInputElement>) => void;
}) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field-row">
        <input
          id={id}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={Boolean(wrong)}
          {...(described ? { "aria-describedby": described } : {})}
          // Preact’s types know each kind of input apart; this one is any of three.
          type={type as "text"}
          {...input}
        />
        {children}
      </div>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {wrong && (
        <p class="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
    </div>
  );
}

export function Choice({
  label,
  value,
  options,
  onChoose,
}: {
  label: string;
  value: string;
  options: [value: string, text: string][];
  onChoose: (value: string) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Check({
  label,
  hint,
  checked,
  onChange,
}: {
  label: ComponentChildren;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>
        {label}
        {hint && <span class="hint">{hint}</span>}
      </span>
    </label>
  );
}

export function IconButton({
  icon,
  label,
  ...button
}: { icon: IconName; label: string } & Omit<JSX.IntrinsicElements["button"], "label" | "icon">) {
  return (
    <button type="button" class="icon-button" title={label} aria-label={label} {...button}>
      <Icon name={icon} />
    </button>
  );
}

/** What went wrong, and what to do now. */
export function Told({ trouble }: { trouble: Trouble | null }) {
  if (trouble === null) return null;
  return (
    <div class={`told ${trouble.kind === "Distrusted" ? "told-loud" : ""}`} role="alert">
      <Icon name="warning" />
      <p>{trouble.message}</p>
    </div>
  );
}

/** What is being done that takes long. */
export function Busy({ fallback }: { fallback?: string }) {
  const now = progress.value;
  const what = now?.what ?? fallback;
  if (what === undefined) return null;
  return (
    <div class="busy" role="status">
      {now?.all === undefined ? (
        <progress aria-label={what} />
      ) : (
        <progress aria-label={what} value={now.done ?? 0} max={now.all} />
      )}
      <span>
        {what}
        {now?.all === undefined ? "…" : ` ${now.done ?? 0} of ${now.all}…`}
      </span>
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** A modal dialog; the browser keeps the focus in it and closes it by Escape. */
export function Dialog({
  title,
  onClose,
  wide,
  children,
}: {
  title: string;
  onClose: () => void;
  wide?: boolean;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "wide" : ""}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Tags({ tags }: { tags: string[] }) {
  return (
    <>
      {tags.map((tag) => (
        <span key={tag} class={`tag ${tag.toLowerCase() === "production" ? "tag-production" : ""}`}>
          {tag}
        </span>
      ))}
    </>
  );
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function date(seconds: number): string {
  return DATE.format(seconds * 1000);
}

export function time(seconds: number): string {
  return TIME.format(seconds * 1000);
}

export function Ago({ at }: { at: number }) {
  const since = at - Date.now() / 1000;
  const [unit, size] = (
    [
      ["day", 86_400],
      ["hour", 3600],
      ["minute", 60],
    ] as const
  ).find(([, size]) => Math.abs(since) >= size) ?? ["second", 1];
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={time(at)}>
      {unit === "second" ? "just now" : AGO.format(Math.round(since / size), unit)}
    </time>
  );
}

/** `a, b c` as a list of words. */
export function words(text: string): string[] {
  return text.split(/[\s,]+/).filter(Boolean);
}
