import "./policy.ts";
import { FetchRequest } from "ethers";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App.tsx";
import { getUrl } from "./state/getUrl.ts";

FetchRequest.registerGetUrl(getUrl);

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
