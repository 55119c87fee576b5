import type { Command } from "commander";
import { registerBeta } from "../hedge/beta.ts";
import { registerConversions } from "../hedge/conversions.ts";
import { registerLp } from "../hedge/lp.ts";
import { registerMargin } from "../hedge/margin.ts";
import { registerReit } from "../hedge/reit.ts";
import { registerRoll } from "../hedge/roll.ts";
import { registerXirr } from "../hedge/xirr.ts";

/** `ballast hedge`: the arithmetic of hedging, a command for each part. */
export function register(program: Command): void {
  const hedge = program.command("hedge").description("the arithmetic of hedging: liquidity, beta, margin, conversions");
  registerLp(hedge);
  registerBeta(hedge);
  registerMargin(hedge);
  registerReit(hedge);
  registerRoll(hedge);
  registerConversions(hedge);
  registerXirr(hedge);
}
