import { useEffect, useState } from "preact/hooks";
import type { Trouble } from "../keeper/refused";
import { troubleOf } from "../state";

/** Something that is done on a person's word: whether it is under way, and what went wrong. */
export function useAct(): {
  busy: boolean;
  trouble: Trouble | null;
  forget: () => void;
  act: <T>(work: () => Promise<T>, then?: (result: T) => void) => Promise<void>;
} {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  return {
    busy,
    trouble,
    forget: () => setTrouble(null),
    act: async (work, then) => {
      setBusy(true);
      setTrouble(null);
      try {
        const result = await work();
        setBusy(false);
        then?.(result);
      } catch (error) {
        setBusy(false);
        setTrouble(troubleOf(error));
      }
    },
  };
}

/** Something that is asked for when a page is shown, and again when `keys` change or `again` is called. */
export function useAsked<T>(
  ask: () => Promise<T>,
  keys: unknown[],
): { answer: T | null; trouble: Trouble | null; again: () => void; set: (answer: T) => void } {
  const [round, setRound] = useState(0);
  const [answer, setAnswer] = useState<T | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  useEffect(() => {
    let current = true;
    setTrouble(null);
    ask().then(
      (result) => current && setAnswer(() => result),
      (error: unknown) => current && setTrouble(troubleOf(error)),
    );
    return () => {
      current = false;
    };
  }, [...keys, round]);
  return { answer, trouble, again: () => setRound(round + 1), set: (result) => setAnswer(() => result) };
}
