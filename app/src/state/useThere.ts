import { useEffect, useRef } from "react";

/** Whether the part that asks is still on the screen: what it was waiting for must not change a screen it has left. */
export function useThere(): { readonly current: boolean } {
  const there = useRef(true);
  useEffect(() => {
    there.current = true;
    return () => {
      there.current = false;
    };
  }, []);
  return there;
}
