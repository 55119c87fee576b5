"""Solves a query of Halmos over the integers: solver.py SECONDS FILE.

Products and quotients of 256-bit words are out of reach for solvers that count in bits, and easy for those that count in
integers. So the query is restated: a word is an integer within its bounds, a sum or product that can leave them is that
plus a multiple of 2^n, a quotient is what division with remainder says it is. What has no such meaning (hashes, bitwise
operations, storage at unknown places) becomes any integer within bounds. Every step either keeps the meaning or allows more
values, so "unsat" here is "unsat" there. A model counts only when the original query holds under it, evaluated by z3;
without one the original goes to z3 as it is.
"""

import re
import sys

import z3


def size(term):
    return term.size() if z3.is_bv(term) else 0


def conjuncts(term):
    if z3.is_and(term):
        for child in term.children():
            yield from conjuncts(child)
    else:
        yield term


def named(term):
    """Halmos hides multiplication and division behind names, which bit solvers are asked about in a second round only."""
    name = term.decl().name()
    for operation in ("bvmul", "bvudiv", "bvurem"):
        if name.startswith(f"f_evm_{operation}_"):
            return operation
    return {
        z3.Z3_OP_BMUL: "bvmul",
        z3.Z3_OP_BUDIV_I: "bvudiv",
        z3.Z3_OP_BUREM_I: "bvurem",
        z3.Z3_OP_BADD: "bvadd",
        z3.Z3_OP_CONCAT: "concat",
        z3.Z3_OP_EXTRACT: "extract",
        z3.Z3_OP_BNOT: "bvnot",
        z3.Z3_OP_BSUB: "bvsub",
        z3.Z3_OP_BNEG: "bvneg",
        z3.Z3_OP_ITE: "ite",
        z3.Z3_OP_BNUM: "number",
        z3.Z3_OP_ZERO_EXT: "zero_ext",
    }.get(term.decl().kind(), name)


class Integers:
    def __init__(self, assertions):
        self.facts = []
        self.words = {}
        self.truths = {}
        self.bounds = {}
        self.whole = set()
        self.count = 0
        self.free = []
        self.parts = {}
        self.quotients = {}
        self.assertions = [c for a in assertions for c in conjuncts(a)]
        for fact in self.assertions:
            self.learn(fact)

    # What is asserted of a term bounds it wherever it stands.

    def learn(self, fact):
        kind = fact.decl().kind()
        if kind == z3.Z3_OP_EQ and z3.is_bv(fact.arg(0)):
            for a, b in (fact.children(), reversed(fact.children())):
                if z3.is_bv_value(b) and named(a) == "extract" and b.as_long() == 0:
                    high, low = a.params()
                    if high == a.arg(0).size() - 1:
                        self.narrow(a.arg(0), 0, 2**low - 1)
                elif z3.is_bv_value(b):
                    self.narrow(a, b.as_long(), b.as_long())
                self.learn_whole(a, b)
        elif kind == z3.Z3_OP_OR:
            for child in fact.children():
                if child.decl().kind() == z3.Z3_OP_EQ and z3.is_bv(child.arg(0)):
                    for a, b in (child.children(), reversed(child.children())):
                        others = [o for o in fact.children() if not o.eq(child)]
                        self.learn_whole(a, b, others)
        elif kind == z3.Z3_OP_ULEQ:
            a, b = fact.children()
            if z3.is_bv_value(b):
                self.narrow(a, 0, b.as_long())
            if z3.is_bv_value(a):
                self.narrow(b, a.as_long(), 2 ** size(b) - 1)
        elif kind == z3.Z3_OP_NOT and fact.arg(0).decl().kind() == z3.Z3_OP_ULEQ:
            a, b = fact.arg(0).children()
            if z3.is_bv_value(a):
                self.narrow(b, 0, a.as_long() - 1)
            if z3.is_bv_value(b):
                self.narrow(a, b.as_long() + 1, 2 ** size(a) - 1)

    def learn_whole(self, quotient, other, others=()):
        """x * y / x = y, or x = 0: Solidity's check that a product has not wrapped."""
        if named(quotient) != "bvudiv" or named(quotient.arg(0)) != "bvmul":
            return
        product, x = quotient.children()
        factors = product.children()
        if len(factors) != 2:
            return
        for one, two in (factors, reversed(factors)):
            zero = all(
                o.decl().kind() == z3.Z3_OP_EQ and any(c.eq(one) for c in o.children())
                and any(z3.is_bv_value(c) and c.as_long() == 0 for c in o.children()) for o in others
            )
            if one.eq(x) and two.eq(other) and zero:
                self.whole.add(product.get_id())

    def narrow(self, term, low, high):
        was = self.bounds.get(term.get_id(), (0, 2 ** size(term) - 1))
        self.bounds[term.get_id()] = (max(was[0], low), min(was[1], high))

    # Words.

    def fresh(self, low, high):
        self.count += 1
        variable = z3.Int(f"any_{self.count}")
        if low is not None:
            self.facts.append(variable >= low)
        if high is not None:
            self.facts.append(variable <= high)
        return variable

    def word(self, term):
        """The term as an integer, with bounds that hold."""
        key = term.get_id()
        if key not in self.words:
            value, low, high = self.make(term)
            least, most = self.bounds.get(key, (0, 2 ** size(term) - 1))
            if not z3.is_bv_value(term) and not z3.is_int_value(value):
                if least > low:
                    self.facts.append(value >= least)
                if most < high:
                    self.facts.append(value <= most)
            self.words[key] = (value, max(low, least), min(high, most), term)
        return self.words[key][:3]

    def wrapped(self, value, low, high, bits):
        """`value` modulo 2^bits."""
        if low >= 0 and high < 2**bits:
            return value, low, high
        result = self.fresh(0, 2**bits - 1)
        times = self.fresh(low >> bits, high >> bits)
        self.facts.append(value == result + times * 2**bits)
        return result, 0, 2**bits - 1

    def split(self, value, low, high, at):
        """`value` as quotient and remainder of 2^at."""
        if at == 0:
            return (value, low, high), (z3.IntVal(0), 0, 0)
        if high < 2**at:
            return (z3.IntVal(0), 0, 0), (value, low, high)
        key = (value.get_id(), at)
        if key not in self.parts:
            upper, lower = self.fresh(low >> at, high >> at), self.fresh(0, 2**at - 1)
            self.facts.append(value == upper * 2**at + lower)
            self.parts[key] = (upper, low >> at, high >> at), (lower, 0, 2**at - 1)
        return self.parts[key]

    def divided(self, x, y):
        key = (x.get_id(), y.get_id())
        if key not in self.quotients:
            (a, a_low, a_high), (b, b_low, b_high) = self.word(x), self.word(y)
            q = self.fresh(0, a_high // max(b_low, 1))
            r = self.fresh(0, max(b_high - 1, 0))
            exact = z3.And(a == q * b + r, r < b)
            self.facts.append(exact if b_low > 0 else z3.If(b == 0, z3.And(q == 0, r == 0), exact))
            self.quotients[key] = (q, a_high // max(b_low, 1)), (r, max(b_high - 1, 0)), x, y
        return self.quotients[key][:2]

    def make(self, term):
        bits, name = size(term), named(term)
        most = 2**bits - 1
        if name == "number":
            return z3.IntVal(term.as_long()), term.as_long(), term.as_long()
        if name in ("bvadd", "bvsub", "bvneg"):
            value, low, high = z3.IntVal(0), 0, 0
            for i, child in enumerate(term.children()):
                minus = name == "bvneg" or (name == "bvsub" and i > 0)
                # Halmos subtracts by adding -1 times the word.
                factor = 1
                if named(child) == "bvmul" and z3.is_bv_value(child.arg(0)) and child.num_args() == 2:
                    if child.arg(0).as_long() == most:
                        minus, child = not minus, child.arg(1)
                v, least, greatest = self.word(child)
                if z3.is_bv_value(child) and child.as_long() > most // 2 + 1:
                    v = z3.IntVal(child.as_long() - most - 1)
                    least = greatest = child.as_long() - most - 1
                value = value - v if minus else value + v
                low, high = (low - greatest, high - least) if minus else (low + least, high + greatest)
            return self.wrapped(value, low, high, bits)
        if name == "bvmul":
            value, low, high = z3.IntVal(1), 1, 1
            for child in term.children():
                v, least, greatest = self.word(child)
                value, low, high = value * v, low * least, high * greatest
            if term.get_id() in self.whole:
                self.facts.append(value <= most)
                return value, low, min(high, most)
            return self.wrapped(value, low, high, bits)
        # Division by zero is zero to the EVM, and something else to SMT-LIB.
        of_evm = name.startswith("bvu") and (
            term.decl().kind() == z3.Z3_OP_UNINTERPRETED or self.word(term.arg(1))[1] > 0
        )
        if of_evm and name in ("bvudiv", "bvurem"):
            quotient, remainder = self.divided(*term.children())
            value, high = quotient if name == "bvudiv" else remainder
            return value, 0, high
        if name in ("concat", "zero_ext"):
            value, low, high = z3.IntVal(0), 0, 0
            for child in term.children():
                v, least, greatest = self.word(child)
                value = v if high == 0 else value * 2 ** size(child) + v
                low, high = (low << size(child)) + least, (high << size(child)) + greatest
            return value, low, high
        if name == "extract":
            upper, lower = term.params()
            whole = self.word(term.arg(0))
            _, rest = self.split(*whole, upper + 1)
            part, _ = self.split(*rest, lower)
            return part
        if name == "bvnot":
            v, low, high = self.word(term.arg(0))
            return most - v, most - high, most - low
        if name == "ite":
            condition = self.truth(term.arg(0))
            (a, a_low, a_high), (b, b_low, b_high) = self.word(term.arg(1)), self.word(term.arg(2))
            return z3.If(condition, a, b), min(a_low, b_low), max(a_high, b_high)
        value = self.fresh(0, most)
        self.free.append((term, value))
        return value, 0, most

    def signed(self, term):
        value, _, _ = self.word(term)
        half = 2 ** (size(term) - 1)
        return z3.If(value >= half, value - 2 * half, value)

    # Conditions.

    def truth(self, term):
        key = term.get_id()
        if key not in self.truths:
            self.truths[key] = (self.decide(term), term)
        return self.truths[key][0]

    def decide(self, term):
        kind, children = term.decl().kind(), term.children()
        if z3.is_true(term) or z3.is_false(term):
            return term
        if kind == z3.Z3_OP_EQ and z3.is_bv(children[0]):
            return self.word(children[0])[0] == self.word(children[1])[0]
        if kind == z3.Z3_OP_DISTINCT and z3.is_bv(children[0]):
            return z3.Distinct([self.word(child)[0] for child in children])
        unsigned = {
            z3.Z3_OP_ULEQ: lambda a, b: a <= b,
            z3.Z3_OP_ULT: lambda a, b: a < b,
            z3.Z3_OP_UGEQ: lambda a, b: a >= b,
            z3.Z3_OP_UGT: lambda a, b: a > b,
        }
        signed = {
            z3.Z3_OP_SLEQ: lambda a, b: a <= b,
            z3.Z3_OP_SLT: lambda a, b: a < b,
            z3.Z3_OP_SGEQ: lambda a, b: a >= b,
            z3.Z3_OP_SGT: lambda a, b: a > b,
        }
        if kind in unsigned:
            return unsigned[kind](*[self.word(child)[0] for child in children])
        if kind in signed:
            return signed[kind](*[self.signed(child) for child in children])
        if kind == z3.Z3_OP_EQ and z3.is_bool(children[0]):
            return self.truth(children[0]) == self.truth(children[1])
        logical = {z3.Z3_OP_NOT: z3.Not, z3.Z3_OP_AND: z3.And, z3.Z3_OP_OR: z3.Or, z3.Z3_OP_XOR: z3.Xor,
                   z3.Z3_OP_IMPLIES: z3.Implies}
        if kind in logical:
            return logical[kind](*[self.truth(child) for child in children])
        if kind == z3.Z3_OP_ITE:
            return z3.If(*[self.truth(child) for child in children])
        self.count += 1
        return z3.Bool(f"either_{self.count}")


def inlined(assertions):
    """Storage after a write is defined by an equation: the definition takes its place, so that reads find what was written."""
    assertions = list(assertions)
    found = True
    while found:
        found = False
        for i, fact in enumerate(assertions):
            if fact.decl().kind() == z3.Z3_OP_EQ and z3.is_array(fact.arg(0)):
                name, value = fact.children()
                if name.num_args() == 0:
                    del assertions[i]
                    assertions = [z3.substitute(other, (name, value)) for other in assertions]
                    found = True
                    break
    return [z3.simplify(fact, expand_select_store=True) for fact in assertions]


def check(assertions, budget):
    solver = z3.Solver()
    solver.set("timeout", max(1, int(budget * 1000)))
    solver.add(*assertions)
    return solver.check(), solver


def refined(text):
    """The query with the meaning of Halmos' names written out."""
    for name in ("bvmul", "bvudiv", "bvurem", "bvsdiv", "bvsrem"):
        zero = "" if name == "bvmul" else r"(ite (= y (_ bv0 \1)) (_ bv0 \1) "
        text = re.sub(
            rf"\(declare-fun f_evm_{name}_(\d+) \(\(_ BitVec \1\) \(_ BitVec \1\)\) \(_ BitVec \1\)\)",
            rf"(define-fun f_evm_{name}_\1 ((x (_ BitVec \1)) (y (_ BitVec \1))) (_ BitVec \1) "
            rf"{zero}({name} x y){')' if zero else ''})",
            text,
        )
    return z3.parse_smt2_string(text)


def counterexample(integers, model, original):
    """The integers' model put into the original query: a solver when that holds, else None."""
    names = {}
    for term, value in integers.free:
        if term.num_args() == 0:
            names[term] = z3.BitVecVal(model.eval(value, model_completion=True).as_long(), term.size())
    given = [name == value for name, value in names.items()]
    answer, solver = check([*original, *given], 5)
    return solver if answer == z3.sat else None


def main():
    seconds, path = float(sys.argv[1]), sys.argv[2]
    with open(path, encoding="utf8") as file:
        text = file.read()
    integers = Integers(inlined(z3.parse_smt2_string(text)))
    truths = [integers.truth(fact) for fact in integers.assertions]
    answer, solver = check(truths + integers.facts, seconds)
    if answer == z3.unsat:
        print("unsat")
        return
    original = refined(text)
    found = counterexample(integers, solver.model(), original) if answer == z3.sat else None
    if found is None:
        answer, found = check(original, seconds)
    else:
        answer = z3.sat
    print(answer)
    if answer == z3.sat:
        for declared in found.model():
            if declared.arity() == 0 and z3.is_bv_value(found.model()[declared]):
                value = found.model()[declared]
                print(f"(define-fun {declared.name()} () (_ BitVec {value.size()}) (_ bv{value.as_long()} {value.size()}))")


main()
