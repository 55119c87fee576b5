// The small faults a contract can have, read off its syntax tree: every place where one of the operators below applies.

/** A node of solc's syntax tree, as far as faults are concerned. */
export interface Node {
  nodeType: string;
  /** `start:length:file`, in bytes. */
  src: string;
  [field: string]: unknown;
}

export interface Fault {
  file: string;
  line: number;
  operator: string;
  /** The lines before and after, on one line each. */
  before: string;
  after: string;
  /** Where the fault goes, in bytes of the file, and what is put there. */
  start: number;
  end: number;
  text: string;
}

/** Operators that stand between two operands, or between a variable and what is assigned to it. */
const SWAPS: Readonly<Record<string, readonly [name: string, to: string]>> = {
  "<": ["boundary", "<="],
  ">": ["boundary", ">="],
  "<=": ["boundary", "<"],
  ">=": ["boundary", ">"],
  "==": ["equality", "!="],
  "!=": ["equality", "=="],
  "&&": ["logic", "||"],
  "||": ["logic", "&&"],
  "+": ["sum", "-"],
  "-": ["sum", "+"],
  "*": ["product", "/"],
  "/": ["product", "*"],
  "%": ["product", "*"],
  "+=": ["sum", "-="],
  "-=": ["sum", "+="],
  "*=": ["product", "/="],
  "/=": ["product", "*="],
  "&": ["bits", "|"],
  "|": ["bits", "&"],
  "&=": ["bits", "|="],
  "|=": ["bits", "&="],
  "<<": ["bits", ">>"],
  ">>": ["bits", "<<"],
};

/** Library names that stand for a direction. */
const MEMBERS: ReadonlyMap<string, readonly [of: string, name: string, to: string]> = new Map([
  ["Ceil", ["Rounding", "rounding", "Floor"]],
  ["Floor", ["Rounding", "rounding", "Ceil"]],
  ["min", ["Math", "extreme", "max"]],
  ["max", ["Math", "extreme", "min"]],
]);

/** Statements that are left out whole. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  ExpressionStatement: "no statement",
  EmitStatement: "no event",
  Continue: "no continue",
};

/** Every fault of one file, in order of place, none twice. */
export function faultsOf(file: string, source: string, tree: Node): Fault[] {
  const bytes = Buffer.from(source);
  const found = new Map<string, Fault>();
  const text = (node: Node): string => bytes.subarray(...span(node)).toString();
  const put = (operator: string, start: number, end: number, replaced: string): void => {
    const [from, to] = [bytes.lastIndexOf("\n", start - 1) + 1, bytes.indexOf("\n", end)];
    const before = bytes.subarray(from, to);
    const after = Buffer.concat([bytes.subarray(from, start), Buffer.from(replaced), bytes.subarray(end, to)]);
    const line = bytes.subarray(0, start).toString().split("\n").length;
    const fault = { file, line, operator, before: oneLine(before), after: oneLine(after), start, end, text: replaced };
    found.set(`${start}:${end}:${replaced}`, fault);
  };
  /** Between two nodes, or before the first: the operator's own place. */
  const swap = (left: Node, right: Node, operator: string): void => {
    const [name, to] = SWAPS[operator] ?? [];
    if (name === undefined || to === undefined) return;
    const between = bytes.indexOf(operator, span(left)[1]);
    if (between < span(right)[0]) put(name, between, between + operator.length, to);
  };

  const visit = (node: Node, inHead: boolean): void => {
    const [start, end] = span(node);
    switch (node.nodeType) {
      case "ContractDefinition":
        if (node["contractKind"] === "interface") return;
        break;
      case "BinaryOperation":
        swap(node["leftExpression"] as Node, node["rightExpression"] as Node, node["operator"] as string);
        break;
      case "Assignment":
        swap(node["leftHandSide"] as Node, node["rightHandSide"] as Node, node["operator"] as string);
        break;
      case "UnaryOperation": {
        const [operator, operand] = [node["operator"] as string, node["subExpression"] as Node];
        if (operator === "!") put("negation", start, end, text(operand));
        if (operator === "-" || operator === "~") put("sign", start, end, text(operand));
        // In a loop's head it would never end.
        if (operator === "++" && !inHead) put("count", start, end, text(node).replace("++", "--"));
        if (operator === "--" && !inHead) put("count", start, end, text(node).replace("--", "++"));
        break;
      }
      case "MemberAccess": {
        const member = node["memberName"] as string;
        const [of, name, to] = MEMBERS.get(member) ?? [];
        if (of !== undefined && text(node["expression"] as Node).endsWith(of))
          put(name!, end - member.length, end, to!);
        break;
      }
      case "Literal":
        if (node["kind"] === "bool") put("truth", start, end, node["value"] === "true" ? "false" : "true");
        break;
      case "IfStatement": {
        const condition = node["condition"] as Node;
        if (isRefusal(node["trueBody"] as Node)) put("no refusal", ...span(condition), "false");
        else if (isBare(condition)) put("negation", ...span(condition), `!(${text(condition)})`);
        break;
      }
      case "Conditional": {
        const condition = node["condition"] as Node;
        if (isBare(condition)) put("negation", ...span(condition), `!(${text(condition)})`);
        break;
      }
      case "ModifierInvocation":
        if (node["kind"] === "modifierInvocation") put("no guard", start, end, "");
        break;
      default: {
        const operator = LEFT_OUT[node.nodeType];
        if (operator !== undefined && !inHead) put(operator, start, bytes.indexOf(";", end - 1) + 1, "{}");
      }
    }
    const isExtreme = node.nodeType === "Conditional" && choosesOneSide(node, text);
    for (const [field, value] of Object.entries(node)) {
      const head =
        node.nodeType === "ForStatement" && (field === "loopExpression" || field === "initializationExpression");
      for (const child of [value].flat()) if (isNode(child)) visit(child, head || (inHead && !isBody(child)));
    }
    // Where both sides are the same it does not matter which is taken: `a < b ? a : b`.
    if (isExtreme) {
      for (const [place, fault] of found) {
        const [from, to] = span(node["condition"] as Node);
        if (fault.operator === "boundary" && from <= fault.start && fault.end <= to) found.delete(place);
      }
    }
  };
  visit(tree, false);
  return [...found.values()].sort((a, b) => a.start - b.start || a.text.localeCompare(b.text));
}

/** The file with the fault in it. */
export function withFault(source: string, { start, end, text }: Fault): string {
  const bytes = Buffer.from(source);
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(text), bytes.subarray(end)]).toString();
}

/** A fault by its words, not its line, so that an argument about it outlives edits elsewhere in the file. */
export function nameOf({ file, operator, before, after }: Fault): string {
  return `${file} ${operator}: ${before} -> ${after === "" ? "(gone)" : after}`;
}

export function describe(fault: Fault): string {
  return nameOf(fault).replace(fault.file, `${fault.file}:${fault.line}`);
}

function span(node: Node): [start: number, end: number] {
  const [start, length] = node.src.split(":").map(Number) as [number, number];
  return [start, start + length];
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "nodeType" in value && "src" in value;
}

function isBody({ nodeType }: Node): boolean {
  return nodeType === "Block" || nodeType.endsWith("Statement");
}

function isRefusal(body: Node): boolean {
  if (body.nodeType !== "Block") return body.nodeType === "RevertStatement";
  const statements = body["statements"] as Node[];
  return statements.length === 1 && isRefusal(statements[0]!);
}

/** A condition that no other operator turns round. */
function isBare({ nodeType, operator }: Node): boolean {
  return !(nodeType === "BinaryOperation" || (nodeType === "UnaryOperation" && operator === "!"));
}

/** Whether a conditional answers one of the two sides it compares. */
function choosesOneSide(node: Node, text: (node: Node) => string): boolean {
  const condition = node["condition"] as Node;
  if (condition.nodeType !== "BinaryOperation") return false;
  const sides = [condition["leftExpression"], condition["rightExpression"]].map((side) => text(side as Node));
  const answers = [node["trueExpression"], node["falseExpression"]].map((side) => text(side as Node));
  return sides.toSorted().join("\n") === answers.toSorted().join("\n");
}

function oneLine(text: Buffer): string {
  return text.toString().replace(/\s+/g, " ").trim();
}
