import { config } from "zod";

// This page's policy lets nobody make code from text, so zod must not try. Imported before any module with a schema.
config({ jitless: true });
