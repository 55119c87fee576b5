import { useEffect, useState } from "react";
import type { JsonRpcProvider } from "ethers";

/** How many answers the node has given since the work began: progress that is true, whatever is being read. */
export function useCounted(provider: JsonRpcProvider, running: boolean): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    if (!running) return undefined;
    let seen = 0;
    const heard = (event: { action: string; result?: unknown }): void => {
      if (event.action !== "receiveRpcResult") return;
      seen += Array.isArray(event.result) ? event.result.length : 1;
      setCount(seen);
    };
    void provider.on("debug", heard);
    return () => void provider.off("debug", heard);
  }, [provider, running]);
  return running ? count : 0;
}
