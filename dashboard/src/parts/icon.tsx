/** Line icons on a grid of 24. */
const PATHS = {
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z",
  key: "M9.5 19a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12.7 11.3 20 4m-4 4 3 3",
  folder: "M3 6.5h6l2 2.5h10v10H3z",
  import: "M12 4v10m0 0 4-4m-4 4-4-4M4 16v4h16v-4",
  activity: "M3 12h4l3-8 4 16 3-8h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 8c1-4 4-5 8-5s7 1 8 5",
  copy: "M8 8V4h12v12h-4M4 8h12v12H4z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zm10 3a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  hide: "M3 3l18 18M10 5.3A10 10 0 0 1 12 5c6 0 10 7 10 7a17 17 0 0 1-3 3.6M6.5 6.8A16 16 0 0 0 2 12s4 7 10 7a10 10 0 0 0 4.6-1.2",
  plus: "M12 5v14M5 12h14",
  bin: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zm5-2 5 5",
  close: "M6 6l12 12M18 6 6 18",
  warning: "M12 4 2.5 20h19zM12 10v4m0 3v.01",
  check: "M5 13l4 4L19 7",
  dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M12 12h.01M15 9h.01M9 15h.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  download: "M12 4v12m0 0 4-4m-4 4-4-4M4 20h16",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
