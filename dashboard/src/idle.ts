import { effect, signal } from "@preact/signals";
import { recall, remember } from "./keeper/client";
import { lock, overview } from "./state";

/** Minutes without a key or pointer after which the page locks itself. */
export const MINUTES = [1, 5, 10, 30, 60] as const;

const known = Number(recall("idle"));
export const idleMinutes = signal<number>(MINUTES.find((one) => one === known) ?? 10);

export function setIdleMinutes(minutes: number): void {
  idleMinutes.value = minutes;
  remember("idle", String(minutes));
}

let last = Date.now();
for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  addEventListener(event, () => (last = Date.now()), { passive: true, capture: true });
}

effect(() => {
  if (overview.value === null) return;
  const minutes = idleMinutes.value;
  last = Date.now();
  // By the clock and not by one timer: a machine that slept is locked when it wakes.
  const timer = setInterval(() => {
    if (Date.now() - last >= minutes * 60_000) lock(`Locked after ${minutes} minutes without use.`);
  }, 1000);
  return () => clearInterval(timer);
});
